// The demo page as a person uses it: buttons, texts, and a note of everything that the browser complained of.

const WAIT = 20_000;

/** Throws unless `holds`. */
export function expectThat(holds, wrong) {
  if (!holds) throw new Error(wrong);
}

/** One page of the demo. */
export class DemoPage {
  /** Console errors, uncaught errors, answers that were no files. */
  complaints = [];

  static async open(browser, address, { width = 1280, height = 900, colorScheme = 'light', pictures, init, route, bearsComplaints }) {
    const demo = new DemoPage();
    demo.pictures = pictures;
    demo.bears = bearsComplaints;
    demo.page = await browser.newPage({ viewport: { width, height }, colorScheme, deviceScaleFactor: 1 });
    demo.page.setDefaultTimeout(WAIT);
    demo.page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') demo.complaints.push(`console: ${message.text()}`);
    });
    // Whatever waits for a page that has crashed waits for ever.
    demo.crashed = new Promise((_, reject) => demo.page.on('crash', () => reject(new Error('the page has crashed'))));
    demo.crashed.catch(() => undefined);
    demo.page.on('pageerror', (error) => demo.complaints.push(`page: ${error.message}`));
    if (init !== undefined) await demo.page.addInitScript(init);
    await route?.(demo.page);
    demo.response = await demo.page.goto(address);
    return demo;
  }

  /** Waits until the built-in guest runs. */
  async ready() {
    await this.page.waitForSelector('html[data-ready=yes]');
  }

  text(selector) {
    return this.page.textContent(selector);
  }

  click(selector) {
    return this.page.click(selector);
  }

  /** Puts a text into a field. Typed, it would be a step of the browser's history of undoing, which keeps the elements of each. */
  enter(selector, text) {
    return this.page.locator(selector).evaluate((field, value) => {
      field.value = value;
      field.dispatchEvent(new globalThis.Event('input', { bubbles: true }));
    }, text);
  }

  /** Waits until an element's text holds something. */
  async sees(selector, what, timeout = WAIT) {
    const pattern = what instanceof RegExp ? what.source : what.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    try {
      await this.page.waitForFunction(([one, source]) => new RegExp(source).test(globalThis.document.querySelector(one)?.textContent ?? ''), [selector, pattern], { timeout });
    } catch {
      throw new Error(`${selector} never held ${what}; it holds ${JSON.stringify((await this.page.$(selector)) === null ? null : (await this.text(selector)).slice(-400))}`);
    }
  }

  /** Waits until an element is there. Without a handle, which would keep it from being collected. */
  async there(selector, options = {}) {
    await this.page.locator(selector).first().waitFor(options);
  }

  async plug(...keys) {
    for (const key of keys) {
      await this.click(`#plug-${key}`);
      await this.there(`[data-card=${key}]`);
      await this.there(`#plug-${key}[aria-pressed=true]`);
    }
  }

  async unplug(key) {
    await this.click(`#plug-${key}`);
    await this.there(`[data-card=${key}]`, { state: 'detached' });
  }

  /** What the trace counts. */
  async accesses() {
    return Number((await this.text('#trace-summary')).split(' ')[0].replaceAll(',', ''));
  }

  /** Waits until the guest has made more accesses: it goes on. */
  async expectAlive() {
    const before = await this.accesses();
    await this.page.waitForFunction((least) => Number(globalThis.document.querySelector('#trace-summary').textContent.split(' ')[0].replaceAll(',', '')) > least, before);
  }

  /** How many colours the canvas of the display has. */
  colours() {
    return this.page.evaluate(() => {
      const canvas = globalThis.document.querySelector('[data-card=display] canvas');
      return new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size;
    });
  }

  /** Takes a picture, if they are asked for, when the charts have something to show. */
  async picture(name) {
    if (this.pictures === undefined) return;
    await this.page.waitForTimeout(1500);
    await this.page.screenshot({ path: `${this.pictures}/${name}.png`, fullPage: true });
  }

  expectNoComplaint() {
    const found = this.complaints.filter((complaint) => this.bears?.test(complaint) !== true);
    expectThat(found.length === 0, 'the browser complained');
  }

  async close() {
    await this.page.close();
  }
}

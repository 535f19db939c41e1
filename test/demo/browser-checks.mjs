// What the page does in browsers and on servers that lack something, in the background, and with files that are dropped on it.
import { expectThat } from './demo-page.mjs';

const NO_WASM = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; worker-src blob:";

/** Drops files on the page: by name, what is in them. */
const drop = ({ page }, files) => page.evaluate(async (named) => {
  const { DataTransfer, DragEvent, File, document, fetch } = globalThis;
  const transfer = new DataTransfer();
  for (const [name, from] of Object.entries(named)) transfer.items.add(new File([from.startsWith('/') ? await (await fetch(from)).arrayBuffer() : from], name));
  document.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer }));
}, files);

const lacks = (what, init, says) => ({
  name: `a browser without ${what} is told so`,
  starts: false,
  init,
  run: async (demo) => {
    // The driver of the browser itself waits for texts with what is missing here.
    for (let i = 0; i < 100 && !(await demo.text('#status')).includes(says); i++) await new Promise((resolve) => setTimeout(resolve, 100));
    expectThat((await demo.text('#status')).includes(says), `the page says ${await demo.text('#status')}`);
    expectThat(await demo.page.$('main *') === null, 'there are panels although nothing can run');
  },
});

export const browserChecks = [
  lacks('WebAssembly', () => Reflect.deleteProperty(globalThis, 'WebAssembly'), 'This browser has no WebAssembly'),
  lacks('64-bit integers', () => Reflect.deleteProperty(globalThis, 'BigInt64Array'), 'This browser has no 64-bit integers'),
  lacks('DecompressionStream', () => Reflect.deleteProperty(globalThis, 'DecompressionStream'), 'This browser has no DecompressionStream'),
  {
    name: 'a server whose policy forbids WebAssembly is named as the reason',
    starts: false,
    bearsComplaints: /WebAssembly|wasm|Content.Security.Policy/i,
    route: async (page) => page.route((url) => url.pathname === '/', async (route) => {
      const response = await route.fetch();
      const body = (await response.text()).replace(/<meta http-equiv[^>]*>/, '');
      await route.fulfill({ response, body, headers: { ...response.headers(), 'content-security-policy': NO_WASM } });
    }),
    run: (demo) => demo.sees('#status', 'lacks wasm-unsafe-eval'),
  },
  {
    name: 'without a guest image the page runs its own guest, and says what a kernel would need',
    route: (page) => page.route('**/guest/guest.json', (route) => route.fulfill({ contentType: 'application/json', body: '{}' })),
    run: async (demo) => {
      await demo.sees('#machines', 'npm run guest');
      await demo.plug('gpio');
      await demo.page.waitForSelector('[data-card=gpio] .lamp.on');
      await drop(demo, { vmlinuz: 'anything' });
      await demo.sees('#problems', 'A kernel needs firmware');
      await demo.expectAlive();
    },
  },
  {
    name: 'in the background the built-in guest rests, and goes on when the page is looked at; frozen and thawed, too',
    run: async (demo) => {
      await demo.plug('gpio', 'serial');
      await demo.expectAlive();
      const show = (isHidden) => demo.page.evaluate((hidden) => {
        Object.defineProperty(globalThis.document, 'hidden', { configurable: true, get: () => hidden });
        Object.defineProperty(globalThis.document, 'visibilityState', { configurable: true, get: () => (hidden ? 'hidden' : 'visible') });
        globalThis.document.dispatchEvent(new globalThis.Event('visibilitychange'));
      }, isHidden);
      await show(true);
      await demo.page.waitForTimeout(400);
      const at = await demo.accesses();
      await demo.page.waitForTimeout(600);
      expectThat(await demo.accesses() === at, 'the guest drives cards in the background');
      await show(false);
      await demo.expectAlive();
      const session = await demo.page.context().newCDPSession(demo.page);
      for (const state of ['frozen', 'active']) await session.send('Page.setWebLifecycleState', { state });
      await demo.expectAlive();
      await demo.click('[aria-label="input 1"]');
      await demo.sees('#interrupt-lamps', /1 by pin/);
    },
  },
];

/** With firmware of `npm run guest`. */
export const kernelChecks = [
  {
    name: 'a dropped file that is no kernel is refused, and the machine goes on; a kernel with its first file system boots',
    run: async (demo) => {
      await demo.plug('gpio');
      await drop(demo, { 'notes.txt': 'no kernel' });
      await demo.sees('#problems', 'notes.txt is no kernel image');
      await drop(demo, {});
      await demo.sees('#problems', 'Drop a kernel image');
      await demo.expectAlive();
      await drop(demo, { vmlinuz: '/guest/vmlinuz', 'initramfs.gz': '/guest/initramfs.gz' });
      await demo.sees('#status', 'Running: kernel vmlinuz', 60_000);
      await demo.sees('#guest-text', 'maplebar guest: ready', 300_000);
    },
  },
];

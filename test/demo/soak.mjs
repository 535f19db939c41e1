// Everything that the page can do, over and over, in one tab: what it leaves behind must not grow.
import { expectThat } from './demo-page.mjs';

const MIB = 1 << 20;
/** How much more than at first the heap may be: what browsers compile and cache, in part and in all. */
const HEAP_GROWS = { factor: 1.15, bytes: 2 * MIB };
/** The same for elements and texts of the page: what it says of itself is longer or shorter. */
const NODES_GROW = 60;

/** Notes memories of WebAssembly as modules are made, without keeping them. Runs in the page, before anything else. */
export function noteMemories() {
  const { WebAssembly } = globalThis;
  const known = [];
  const note = ({ exports }) => {
    for (const one of Object.values(exports)) if (one instanceof WebAssembly.Memory) known.push(new WeakRef(one));
  };
  const { instantiate, Instance } = WebAssembly;
  WebAssembly.instantiate = async (...given) => {
    const made = await instantiate(...given);
    note(made.instance ?? made);
    return made;
  };
  WebAssembly.Instance = new Proxy(Instance, { construct: (target, given) => {
    const made = Reflect.construct(target, given);
    note(made);
    return made;
  } });
  globalThis.wasmMemories = () => {
    const alive = new Set(known.map((one) => one.deref()).filter((one) => one !== undefined));
    return { memories: alive.size, bytes: [...alive].reduce((sum, { buffer }) => sum + buffer.byteLength, 0) };
  };
}

/** Sizes of a page after a collection of garbage. */
async function sizesOf(page) {
  const session = await page.context().newCDPSession(page);
  try {
    // What is only weakly held goes in the second one.
    for (let i = 0; i < 2; i++) {
      await session.send('HeapProfiler.collectGarbage');
      await page.waitForTimeout(100);
    }
    await session.send('Performance.enable');
    const { metrics } = await session.send('Performance.getMetrics');
    const metric = (name) => metrics.find((one) => one.name === name).value;
    const { memories, bytes } = await page.evaluate(() => globalThis.wasmMemories());
    return { heap: metric('JSHeapUsedSize'), nodes: metric('Nodes'), listeners: metric('JSEventListeners'), wasm: bytes, memories };
  } finally {
    await session.detach();
  }
}

const STORM = "registerMap('storm', { bytes: 16, access: [4] }, { STATUS: { at: 0, fields: { UP: ro(0, 0, 1) } } }, { irq: [irq('up', { line: 0, status: 'STATUS' })] });";
const THROWS = "registerMap('tried', { bytes: 16, access: [4] }, { FIRST: { at: 0, fields: { value: rw(31, 0) } } });\nthrows('FIRST', 'on purpose');";

/** Once through everything that the built-in guest does. */
async function round(demo) {
  const { page } = demo;
  await demo.plug('display', 'gpio', 'serial', 'nvme');
  await demo.there('[data-card=gpio] .lamp.on');
  for (const line of [1, 9]) await demo.click(`[aria-label="input ${line}"]`);
  await demo.enter('#serial-line', 'maple');
  await page.press('#serial-line', 'Enter');
  await demo.sees('[data-card=serial] pre', 'maple');
  await demo.sees('#guest-text', 'Identify says');
  for (const key of ['gpio', 'display', 'nvme']) await demo.click(`#move-${key}`);
  await demo.enter('#trace-filter', 'OUT');
  await demo.click('#trace-pause');
  await demo.click('#trace-pause');
  await demo.enter('#trace-filter', '');
  for (const id of ['store', 'line', 'other', 'uncached', 'fence']) await demo.click(`#combining-${id}`);
  const source = await page.inputValue('#own-source');
  for (const tried of [THROWS, STORM, 'no map', source]) {
    await demo.enter('#own-source', tried);
    await demo.click('#own-save');
  }
  await demo.there('[data-card=own]');
  await demo.click('#state-save');
  await demo.sees('#state-told', /^Refused/);
  for (const key of ['own', 'gpio', 'display']) await demo.unplug(key);
  await demo.click('#state-save');
  await demo.sees('#state-told', /^Saved/);
  for (const id of ['corrupt', 'restore']) {
    await demo.click(`#state-${id}`);
    await demo.sees('#state-told', id === 'corrupt' ? /^Refused/ : /^Restored$/);
  }
  await demo.plug('display');
  for (const box of ['#direct', '#linked', '#linked', '#direct']) {
    await demo.click(box);
    await demo.sees('#speed-told', 'Measuring');
    await demo.sees('#speed-told', /^The quickest/, 60_000);
  }
  await demo.expectAlive();
  for (const key of ['display', 'serial', 'nvme']) await demo.unplug(key);
}

/** The same machine, new, without cards: what is measured. */
async function rest(demo) {
  await demo.click('#start-built-in');
  await demo.there('#start-built-in:enabled');
  await demo.sees('#status', 'Running: built-in');
}

/** Linux, for as long as a card takes to be found and used. */
async function linux(demo) {
  await demo.click('#start-linux');
  await demo.sees('#status', 'Running: Linux', 240_000);
  await demo.plug('gpio');
  await demo.there('[data-card=gpio] .lamp.on', { timeout: 60_000 });
  await demo.unplug('gpio');
  await rest(demo);
}

/**
 * Uses the page for some time.
 *
 * @param {import('./demo-page.mjs').DemoPage} demo
 * @param {{ minutes: number, hasGuest: boolean, tell: (line: string) => void }} settings
 * @returns {Promise<string>} What was found, in a line. Throws when something has grown.
 */
export async function soak(demo, { minutes, hasGuest, tell }) {
  const began = performance.now();
  const spent = () => (performance.now() - began) / 60_000;
  const samples = [];
  const sample = async (rounds) => {
    await rest(demo);
    const sizes = await sizesOf(demo.page);
    samples.push(sizes);
    tell(`  ${spent().toFixed(1)} min, ${rounds} rounds: heap ${(sizes.heap / MIB).toFixed(2)} MiB, Wasm ${(sizes.wasm / MIB).toFixed(1)} MiB in ${sizes.memories} memories, ${sizes.nodes} nodes, ${sizes.listeners} listeners`);
  };
  let rounds = 0;
  // The first rounds compile and cache; they are no measure.
  for (; rounds < (minutes < 1 ? 1 : 2); rounds++) await round(demo);
  if (hasGuest && minutes >= 2) await linux(demo);
  await sample(rounds);
  for (let minute = 1; spent() < minutes || samples.length < 2; minute = Math.ceil(spent())) {
    do {
      await round(demo);
      rounds++;
      if (hasGuest && minutes >= 2 && rounds % 5 === 0) await linux(demo);
    } while (spent() < minute && spent() < minutes);
    await sample(rounds);
    demo.expectNoComplaint();
  }
  const [first, last] = [samples[0], samples.at(-1)];
  const most = first.heap * HEAP_GROWS.factor + HEAP_GROWS.bytes;
  expectThat(last.heap <= most, `the heap has ${last.heap} bytes at the end, ${first.heap} after the first rounds; expected up to ${Math.round(most)}`);
  expectThat(last.nodes <= first.nodes + NODES_GROW, `the page has ${last.nodes} nodes at the end, ${first.nodes} after the first rounds; expected up to ${NODES_GROW} more`);
  expectThat(last.listeners <= first.listeners, `the page has ${last.listeners} listeners at the end, ${first.listeners} after the first rounds`);
  expectThat(last.wasm <= first.wasm, `WebAssembly's memories have ${last.wasm} bytes at the end, ${first.wasm} after the first rounds`);
  return `level: heap ${(first.heap / MIB).toFixed(2)} -> ${(last.heap / MIB).toFixed(2)} MiB, Wasm ${(first.wasm / MIB).toFixed(1)} -> ${(last.wasm / MIB).toFixed(1)} MiB, in ${rounds} rounds`;
}

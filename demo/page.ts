// What is on the page: one machine, the cards that are plugged into it, and panels that show what happens between them.

import { display } from './cards/display.ts';
import { gpio } from './cards/gpio.ts';
import { nvme } from './cards/nvme.ts';
import { ownCard } from './cards/own.ts';
import { serialCard } from './cards/serial.ts';
import { mapOf } from './cards/card.ts';
import type { AnyMachine, CardKind } from './cards/card.ts';
import { button, el, panel } from './dom.ts';
import { BuiltInMachine } from './machine/built-in.ts';
import { LinuxMachine, guestOnServer, isKernel } from './machine/linux.ts';
import type { DroppedKernel, GuestManifest } from './machine/linux.ts';
import { restoreMachine, saveMachine } from './machine/saved.ts';
import { CombiningPanel } from './panels/combining.ts';
import { ConsolePanel } from './panels/console.ts';
import { CountersPanel } from './panels/counters.ts';
import { InterruptsPanel } from './panels/interrupts.ts';
import { RegionMapPanel } from './panels/region-map.ts';
import { SpeedPanel } from './panels/speed.ts';
import type { Measured, Ways } from './panels/speed.ts';
import { statePanel } from './panels/state.ts';
import { TracePanel } from './panels/trace.ts';
import { Plugging } from './plugging.ts';

const page = document.querySelector('main')!;
const status = document.querySelector('#status')!;
let plugging: Plugging | undefined;

const tell = (text: string): void => void (status.textContent = text);
/** Behind what a picture takes of the display's memory. */
const MEASURED_AT = 0x80_0000;
const problems = el('ul', { class: 'log', id: 'problems' });
const wrong = (message: string): void => {
  if (problems.firstChild?.textContent === message) return;
  problems.prepend(el('li', {}, message));
  while (problems.children.length > 8) problems.lastChild!.remove();
};
const current = (): Plugging => {
  if (plugging === undefined) throw new Error('the machine is not there yet');
  return plugging;
};

const own = ownCard(() => void save());
const kinds: readonly CardKind[] = [display, serialCard, gpio, nvme, own];
const guest = new ConsolePanel();
const counters = new CountersPanel();
const interrupts = new InterruptsPanel();
const regionMap = new RegionMapPanel((key) => void attempt(() => current().move(key)));
const combining = new CombiningPanel();
const trace = new TracePanel(({ slot, bar }) => {
  const one = plugging?.plugged.find(({ card }) => card.slot === slot);
  return one === undefined ? undefined : mapOf(one.card.device, bar);
}, (isPaused) => plugging?.setTraced(!isPaused));
const speed = new SpeedPanel({ measure, setDirect, setLinked, ways });
/** Starts the machine that runs once more. */
let startAgain: (isLinked: boolean) => Promise<void> = builtIn;
const buttons = new Map<string, HTMLButtonElement>();
const faces = el('div', { class: 'faces' });

/** Runs what a button asked for, and says what went wrong. */
function attempt(what: () => Promise<unknown>): Promise<void> {
  return Promise.resolve().then(what).then(() => undefined, (error: unknown) => wrong((error as Error).message));
}

function isPlugged(key: string): boolean {
  return plugging?.plugged.some(({ kind }) => kind.key === key) === true;
}

/** Does what the button says, whatever has been asked for before and is not done yet. */
function toggle(kind: CardKind): Promise<void> {
  const isUnplug = buttons.get(kind.key)!.getAttribute('aria-pressed') === 'true';
  return attempt(() => (isUnplug ? current().unplug(kind.key) : current().plug(kind)));
}

const save = (): Promise<void> => attempt(() => current().replug(own));

function changed(): void {
  for (const { key, title } of kinds) {
    const made = buttons.get(key)!;
    made.setAttribute('aria-pressed', String(isPlugged(key)));
    made.textContent = `${isPlugged(key) ? 'Unplug' : 'Plug'} ${title.toLowerCase()}`;
  }
  const shown = (plugging?.plugged ?? []).map(({ kind, face, card }) => {
    const { view } = face;
    if (view.parentElement?.classList.contains('face') === true) return view.parentElement;
    return el('div', { class: 'face', 'data-card': kind.key }, el('h3', {}, `${kind.title} in slot ${card.slot}`), view);
  });
  faces.replaceChildren(...shown);
  speed.shows(ways());
  const memory = plugging?.plugged.find(({ kind, card }) => kind.key === display.key && !card.isGone);
  const region = memory?.card.device.function.bars[0]?.region;
  combining.aimAt(memory === undefined || region === undefined ? undefined : { engine: plugging!.machine.engine, region, title: 'BAR 0 of the display: the beginning of its first line', place: { slot: memory.card.slot, bar: 0 } });
}

function ways(): Ways {
  return { machine: plugging?.machine.kind ?? '', isDirect: plugging?.isDirect === true, isLinked: plugging?.machine.isLinked === true };
}

async function measure(): Promise<Measured[]> {
  const here = current();
  const { machine } = here;
  const row = async (what: string, address: number | null): Promise<Measured> => ({ what, store: await machine.measure('store', address), load: await machine.measure('load', address) });
  const isTraced = trace.goesOn;
  try {
    return await here.quietly(async () => {
      const found = [await row('RAM of the guest', null)];
      for (const { kind, card } of here.plugged) {
        const [region] = card.regions();
        if (kind.directBar === undefined || region?.address == null) continue;
        const at = Number(region.address) + MEASURED_AT;
        const what = `${kind.title.toLowerCase()} BAR 0, ${region.manner}`;
        if (region.manner === 'direct') {
          found.push(await row(what, at));
          continue;
        }
        here.setTraced(false);
        found.push(await row(`${what}, ${machine.isLinked ? 'linked' : 'through JavaScript'}`, at));
        here.setTraced(true);
        found.push(await row(`${what}, through JavaScript and traced`, at));
      }
      if (found.length === 1) wrong('Plug the display in to measure its memory.');
      return found;
    });
  } finally {
    here.setTraced(isTraced);
  }
}

async function setDirect(isDirect: boolean): Promise<void> {
  if (current().machine.reserved === null) throw new Error('This guest kept no RAM free for it. The built-in guest did; with Linux it takes memmap= on its command line.');
  current().isDirect = isDirect;
  await current().replug(display);
}

async function setLinked(isLinked: boolean): Promise<void> {
  const plugged = current().plugged.map(({ kind }) => kind);
  const { isDirect } = current();
  await startAgain(isLinked);
  current().isDirect = isDirect;
  for (const kind of plugged) await current().plug(kind);
}

/** Ends the machine that runs, and starts another. */
async function begin(make: (isLinked: boolean) => Promise<AnyMachine>, isLinked: boolean): Promise<void> {
  startAgain = (again) => begin(make, again);
  const chosen = [...document.querySelectorAll<HTMLButtonElement>('#machines button')];
  for (const one of chosen) one.disabled = true;
  try {
    await plugging?.end();
    plugging = undefined;
    changed();
    const machine = await make(isLinked);
    trace.begin(isLinked);
    plugging = new Plugging(machine, { trace: trace.sink, storm: interrupts.storm, wrong, changed });
    guest.show(machine);
    tell(`Running: ${machine.title}`);
    document.documentElement.dataset['machine'] = machine.kind;
  } catch (error) {
    tell(`The machine did not start: ${(error as Error).message}`);
  } finally {
    for (const one of chosen) one.disabled = false;
    changed();
  }
}

function builtIn(isLinked = false): Promise<void> {
  return begin((linked) => BuiltInMachine.start(linked), isLinked);
}

function linux(manifest: GuestManifest, dropped?: DroppedKernel): Promise<void> {
  return begin((isLinked) => {
    guest.screen.hidden = false;
    return LinuxMachine.start({ manifest, screen: guest.screen, tell, isLinked, dropped });
  }, false);
}

/** Takes a kernel, and a first file system beside it, by drag and drop. */
function takeKernels(manifest: GuestManifest | undefined): void {
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    void attempt(async () => {
      const files = [...(event.dataTransfer?.files ?? [])];
      const initrd = files.find(({ name }) => /init/i.test(name));
      const image = files.find((file) => file !== initrd);
      if (image === undefined) throw new Error('Drop a kernel image (bzImage), and an initramfs with it if you have one.');
      if (manifest === undefined) throw new Error('A kernel needs firmware, which this server does not have: run `npm run guest`.');
      const bytes = await image.arrayBuffer();
      if (!isKernel(bytes)) throw new Error(`${image.name} is no kernel image: it lacks "HdrS" at byte 0x202. Expected a bzImage, such as /boot/vmlinuz of a 32-bit system.`);
      await linux(manifest, { name: image.name, image: bytes, initrd: await initrd?.arrayBuffer() });
    });
  });
}

function draw(now: number): void {
  requestAnimationFrame(draw);
  if (plugging === undefined) return;
  const { machine, plugged } = plugging;
  const cards = plugged.map(({ kind, card }) => ({ key: kind.key, title: kind.title, card, mapOf: (bar: number) => mapOf(card.device, bar) }));
  for (const { face, card } of plugged) {
    if (plugging.isDirect && !card.isGone) card.sync();
    face.draw?.(card.device);
  }
  guest.draw();
  trace.draw();
  counters.draw(cards, now);
  interrupts.draw(cards, now, machine.kind === 'built-in' ? machine.taken : null);
  regionMap.draw(cards, combining.aliases(), machine.memoryBytes, machine.kind === 'built-in');
}

/** Puts the panels on the page and starts the built-in guest. */
export async function startPage(): Promise<void> {
  const manifest = await guestOnServer();
  for (const kind of kinds) buttons.set(kind.key, button('', () => void toggle(kind), { id: `plug-${kind.key}`, class: 'plug' }));
  page.append(
    el('div', { class: 'column' },
      panel('cards', 'Cards',
        el('div', { class: 'bar', id: 'machines' }, button('Start built-in guest', () => void builtIn(ways().isLinked), { id: 'start-built-in' }),
          manifest === undefined ? el('span', { class: 'quiet' }, 'For Linux: npm run guest, then reload. Or drop a kernel here.') : button(`Start Linux ${manifest.kernel}`, () => void linux(manifest), { id: 'start-linux' })),
        el('div', { class: 'bar' }, ...buttons.values()), faces, problems),
      guest.view, panel('own', 'Your own card', own.editor)),
    el('div', { class: 'column' }, regionMap.view, trace.view, counters.view, interrupts.view, speed.view, combining.view,
      statePanel({
        save: () => current().quietly(() => saveMachine(current().machine, current().plugged)),
        restore: (saved) => current().quietly(() => restoreMachine(current().machine, current().plugged, saved)),
      })));
  changed();
  takeKernels(manifest);
  requestAnimationFrame(draw);
  await builtIn();
  document.documentElement.dataset['ready'] = 'yes';
  // For the browser's console: cards as their programs have them.
  Object.defineProperty(globalThis, 'maplebar', { value: {
    get machine() {
      return plugging?.machine;
    },
    get cards() {
      return (plugging?.plugged ?? []).map(({ kind, card }) => ({ key: kind.key, card }));
    },
  } });
}

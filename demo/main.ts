// The page: one machine, the cards that are plugged into it, and panels that show what happens between them.

import { display } from './cards/display.ts';
import { gpio } from './cards/gpio.ts';
import { nvme } from './cards/nvme.ts';
import { ownCard } from './cards/own.ts';
import { serialCard } from './cards/serial.ts';
import { mapOf } from './cards/card.ts';
import type { AnyMachine, CardKind } from './cards/card.ts';
import { button, el, panel } from './dom.ts';
import { BuiltInMachine } from './machine/built-in.ts';
import { LinuxMachine, guestOnServer } from './machine/linux.ts';
import type { DroppedKernel, GuestManifest } from './machine/linux.ts';
import { restoreMachine, saveMachine } from './machine/saved.ts';
import { whatIsMissing } from './needs.ts';
import { combiningPanel } from './panels/combining.ts';
import { ConsolePanel } from './panels/console.ts';
import { CountersPanel } from './panels/counters.ts';
import { InterruptsPanel } from './panels/interrupts.ts';
import { RegionMapPanel } from './panels/region-map.ts';
import { SpeedPanel } from './panels/speed.ts';
import type { Measured } from './panels/speed.ts';
import { statePanel } from './panels/state.ts';
import { TracePanel } from './panels/trace.ts';
import { Plugging } from './plugging.ts';

const page = document.querySelector('main')!;
const status = document.querySelector('#status')!;
let plugging: Plugging | undefined;

const tell = (text: string): void => void (status.textContent = text);
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
const regionMap = new RegionMapPanel();
const trace = new TracePanel(({ slot, bar }) => {
  const one = plugging?.plugged.find(({ card }) => card.slot === slot);
  return one === undefined ? undefined : mapOf(one.card.device, bar);
});
const speed = new SpeedPanel(measure, setDirect);
const buttons = new Map<string, HTMLButtonElement>();
const faces = el('div', { class: 'faces' });

/** Runs what a button asked for, and says what went wrong. */
function attempt(what: () => Promise<unknown>): Promise<void> {
  return Promise.resolve().then(what).then(() => undefined, (error: unknown) => wrong((error as Error).message));
}

function isPlugged(key: string): boolean {
  return plugging?.plugged.some(({ kind }) => kind.key === key) === true;
}

const toggle = (kind: CardKind): Promise<void> => attempt(() => (isPlugged(kind.key) ? current().unplug(kind.key) : current().plug(kind)));

async function save(): Promise<void> {
  await attempt(async () => {
    await current().unplug(own.key);
    await current().plug(own);
  });
}

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
}

async function measure(): Promise<Measured[]> {
  const { machine } = current();
  if (machine.kind !== 'built-in') throw new Error('The built-in guest measures; Linux has other things to do. Start it above.');
  return current().quietly(async () => {
    const found: Measured[] = [{ what: 'RAM', store: await machine.measure('storeMany', 0x18_0000), load: await machine.measure('loadMany', 0x18_0000) }];
    for (const { kind, card } of current().plugged) {
      if (kind.directBar === undefined) continue;
      const [region] = card.regions();
      if (region?.address == null) continue;
      const at = Number(region.address) + 0x80_0000;
      found.push({ what: `${kind.title} BAR 0, ${region.manner}`, store: await machine.measure('storeMany', at), load: await machine.measure('loadMany', at) });
    }
    if (found.length === 1) wrong('Plug the display in to measure its memory.');
    return found;
  });
}

async function setDirect(isDirect: boolean): Promise<void> {
  if (current().machine.reserved === null) throw new Error('This guest kept no RAM free for it. The built-in guest did; with Linux it takes memmap= on its command line.');
  current().isDirect = isDirect;
  await current().unplug(display.key);
  await current().plug(display);
}

/** Ends the machine that runs, and starts another. */
async function begin(make: () => Promise<AnyMachine>): Promise<void> {
  const chosen = [...document.querySelectorAll<HTMLButtonElement>('#machines button')];
  for (const one of chosen) one.disabled = true;
  try {
    await plugging?.end();
    plugging = undefined;
    changed();
    const machine = await make();
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

const builtIn = (): Promise<void> => begin(() => BuiltInMachine.start());
const linux = (manifest: GuestManifest, dropped?: DroppedKernel): Promise<void> => begin(() => {
  guest.screen.hidden = false;
  return LinuxMachine.start(manifest, guest.screen, tell, dropped);
});

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
      await linux(manifest, { name: image.name, image: await image.arrayBuffer(), initrd: await initrd?.arrayBuffer() });
    });
  });
}

function draw(now: number): void {
  requestAnimationFrame(draw);
  if (plugging === undefined) return;
  const { machine, plugged } = plugging;
  const cards = plugged.map(({ kind, card }) => ({ title: kind.title, card, mapOf: (bar: number) => mapOf(card.device, bar) }));
  for (const { face, card } of plugged) {
    if (plugging.isDirect && !card.isGone) card.sync();
    face.draw?.(card.device);
  }
  guest.draw();
  trace.draw();
  counters.draw(cards, now);
  interrupts.draw(cards, now, machine.kind === 'built-in' ? machine.taken : null);
  regionMap.draw(cards, machine.kind === 'built-in' ? 64 << 20 : 96 << 20);
}

async function start(): Promise<void> {
  const missing = whatIsMissing();
  if (missing !== undefined) return tell(missing);
  const manifest = await guestOnServer();
  for (const kind of kinds) buttons.set(kind.key, button('', () => void toggle(kind), { id: `plug-${kind.key}`, class: 'plug' }));
  page.append(
    el('div', { class: 'column' },
      panel('cards', 'Cards',
        el('div', { class: 'bar', id: 'machines' }, button('Start built-in guest', () => void builtIn(), { id: 'start-built-in' }),
          manifest === undefined ? el('span', { class: 'quiet' }, 'For Linux: npm run guest, then reload. Or drop a kernel here.') : button(`Start Linux ${manifest.kernel}`, () => void linux(manifest), { id: 'start-linux' })),
        el('div', { class: 'bar' }, ...buttons.values()), faces, problems),
      guest.view, panel('own', 'Your own card', own.editor)),
    el('div', { class: 'column' }, regionMap.view, trace.view, counters.view, interrupts.view, speed.view, combiningPanel(),
      statePanel({
        save: () => current().quietly(() => saveMachine(current().machine, current().plugged)),
        restore: (saved) => current().quietly(() => restoreMachine(current().machine, current().plugged, saved)),
      })));
  changed();
  takeKernels(manifest);
  requestAnimationFrame(draw);
  await builtIn();
  document.documentElement.dataset['ready'] = 'yes';
}

await start();

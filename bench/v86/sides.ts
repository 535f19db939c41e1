// What is compared: who answers when v86's processor reaches an address. Each side has a process of its own.

import { createEngine } from '../../src/core/index.ts';
import type { Engine } from '../../src/core/index.ts';
import { attachV86, wasmFn } from '../../src/hosts/v86/index.ts';
import type { AttachOptions } from '../../src/hosts/v86/index.ts';
import { pciDevice, registerBar } from '../../src/pci/index.ts';
import type { PciDeviceDescription } from '../../src/pci/index.ts';
import { registerMap, rw } from '../../src/registers/index.ts';
import { BenchMachine, v86Wasm } from './machine.ts';

const BAR = 0xfe80_0000;
// Of guest RAM and of the BAR in it alike: where bytes lie is felt in copies.
const RAM = 0x20_0000;

/** A machine, and the address that its guest reaches. */
export interface Prepared {
  readonly machine: BenchMachine;
  readonly address: number;
}

const IDENTITY = { id: [0x1de5, 1], class: 0xff0000 } as const;
// Registers everywhere: blocks are moved to and from all of the page.
const registers = registerMap('scratch', { bytes: 4096, access: [1, 2, 4] }, { SCRATCH: { at: 0, count: 1024, fields: { value: rw(31, 0) } } });

type Bar = NonNullable<NonNullable<PciDeviceDescription['bars']>[0]>;
const BARS: Readonly<Record<string, () => Bar>> = {
  memory: () => ({ memory: 0x1000 }),
  register: () => registerBar(registers),
  function: () => ({ size: 0x1000, read: () => 0, write: () => undefined }),
};

function plug(machine: BenchMachine, bar: () => Bar, options: AttachOptions = {}, address = BAR): Prepared {
  attachV86(machine.emulator, (engine, host) => pciDevice(engine, { ...IDENTITY, bars: { 0: bar() } }, host), { slot: '00:05.0', ...options });
  machine.configWrite(0x28, 0x10, address, 32);
  machine.configWrite(0x28, 4, 2, 16);
  return { machine, address };
}

const linkedMachine = async (engine: Engine): Promise<BenchMachine> => BenchMachine.make(wasmFn(engine, await v86Wasm()));

/** The sides by name. */
export const SIDES: Readonly<Record<string, () => Promise<Prepared>>> = {
  'empty handler': async () => {
    const machine = await BenchMachine.make();
    machine.emulator.v86.cpu.io.mmap_register(BAR, 0x2_0000, () => 0, () => undefined, () => 0, () => undefined);
    return { machine, address: BAR };
  },
  ...Object.fromEntries(Object.entries(BARS).flatMap(([name, bar]) => [
    [`JavaScript, ${name}`, async () => plug(await BenchMachine.make(), bar)],
    [`linked, ${name}`, async () => plug(await linkedMachine(createEngine()), bar)],
  ])),
  'guest RAM': async () => ({ machine: await BenchMachine.make(), address: RAM }),
  'trap-free BAR': async () => plug(await BenchMachine.make(), BARS['memory']!, { direct: { 0: RAM } }, RAM),
};

// What writes to configuration space set off (section 4.5, below the table): the memory gate, INTx, power states, resets, MSI, product data.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type PciDevice, capability, pciDevice } from '../../src/pci/index.ts';
import { VFIO_DEVICE_RESET, VFIO_DEVICE_SET_IRQS } from '../../src/uapi/index.ts';
import { type ConfigHardware, type Process } from '../../src/vfio/index.ts';
import { ConfigBench, type Image } from './config-support.ts';
import { World, filled, outcome, slot } from './support.ts';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.end());

const LIST = { 0x06: [0x10, 0], 0x34: [0x40] };
const gate = (bench: { process: Process }): unknown => outcome(() => bench.process.pread(3, filled(4), 0));

describe('COMMAND', () => {
  const BARS: Image = { 0x10: [0, 0, 0, 0xfe] };

  test('the gate is MEM of the shadow, which a write sets: not one that starts at the second byte', () => {
    const bench = new ConfigBench(world, BARS);
    const seen = [gate(bench)];
    for (const [at, bytes] of [[4, '02'], [4, '00'], [4, '0200'], [5, '00'], [4, '00000000'], [4, '02000000']] as const) {
      bench.write(at, bytes);
      seen.push(gate(bench));
    }
    expect(seen).toEqual([4, 4, 'EIO', 4, 4, 'EIO', 4]);
  });

  test('what somebody else does to the register is seen, and does not move the gate', () => {
    const bench = new ConfigBench(world, { ...BARS, 0x04: [2] });
    bench.registers.write8(4, 0);
    expect([gate(bench), bench.read(4, 2)]).toEqual([4, '0000']);
  });

  test.each<[string, (bench: ConfigBench) => void, string, boolean]>([
    ['MEM is lost, and turned on', (bench) => bench.registers.write8(4, 0), '0200', true],
    ['MEM is lost, and turned off', (bench) => bench.registers.write8(4, 0), '0000', false],
    ['a BAR is lost', () => undefined, '0000', true],
    ['nothing is lost', (bench) => bench.registers.write32(0x10, 0xfe00_0000), '0200', false],
  ])('a reset behind the back: %s', (_, lose, command, isRestored) => {
    const bench = new ConfigBench(world, { ...BARS, 0x04: [2], 0x30: [0, 0, 0, 0xfc] });
    bench.registers.write32(0x30, 0);
    if (_ === 'a BAR is lost') bench.registers.write32(0x10, 0);
    lose(bench);
    bench.write(4, command);
    expect([bench.hardware(0x30, 4), bench.hardware(0x10, 4), bench.hardware(4, 2)]).toEqual([isRestored ? '000000fc' : '00000000', '000000fe', command]);
  });

  test('INTx disable: of the shadow only, by either byte', () => {
    const bench = new ConfigBench(world, { 0x3d: [1] }, { more: { interrupts: { intx: true } } });
    const event = bench.process.eventfd();
    const set = (flags: number, data: readonly number[] = []): unknown => outcome(() => bench.process.ioctl(3, VFIO_DEVICE_SET_IRQS, new Uint8Array(new Int32Array([20 + 4 * data.length, flags, 0, 0, 1, ...data]).buffer)));
    const counted = (): number => (outcome(() => bench.process.read(event, new Uint8Array(8))) === 8 ? 1 : 0);
    expect(set(0x24, [event])).toBe(0);
    const seen: unknown[] = [];
    for (const [at, bytes] of [[4, '0004'], [5, '00'], [5, '04'], [4, '0000'], [4, '0004'], [4, '0200'], [5, '04']] as const) {
      bench.write(at, bytes);
      set(0x21);
      seen.push([bench.read(4, 2), bench.hardware(4, 2), counted()]);
    }
    expect(seen).toEqual([['0004', '0000', 0], ['0000', '0000', 1], ['0004', '0000', 0], ['0000', '0000', 1], ['0004', '0000', 0], ['0200', '0200', 1], ['0204', '0200', 0]]);
  });
});

describe('MSI', () => {
  const IMAGE: Image = { ...LIST, 0x40: [5, 0, 0x84, 0] };
  const irqs = (process: Process, count: number): unknown =>
    outcome(() => process.ioctl(3, VFIO_DEVICE_SET_IRQS, new Uint8Array(new Int32Array([20 + 4 * count, 0x24, 1, 0, count, ...Array.from({ length: count }, () => -1)]).buffer)));
  const off = (process: Process): unknown => outcome(() => process.ioctl(3, VFIO_DEVICE_SET_IRQS, new Uint8Array(new Int32Array([20, 0x21, 1, 0, 0]).buffer)));

  test('ENABLE and messages only as far as SET_IRQS has gone; what is left goes to the register', () => {
    const bench = new ConfigBench(world, IMAGE, { more: { interrupts: { msi: 4 } } });
    const written = (bytes: string): string[] => (bench.write(0x42, bytes), [bench.read(0x42, 2), bench.hardware(0x42, 2)]);
    expect(written('a500')).toEqual(['8400', '8400']);
    expect(irqs(bench.process, 3)).toBe(0);
    expect(written('b500')).toEqual(['a500', 'a500']);
    expect(off(bench.process)).toBe(0);
    // How many there were is remembered.
    expect(written('9500')).toEqual(['9400', '9400']);
    expect(written('b500')).toEqual(['a400', 'a400']);
  });

  test('a write of four bytes from the head of the capability, and one of two ahead of the control', () => {
    const bench = new ConfigBench(world, IMAGE, { more: { interrupts: { msi: 4 } } });
    irqs(bench.process, 1);
    bench.write(0x40, '05008500');
    expect(bench.read(0x40, 4)).toBe('05008500');
    off(bench.process);
    bench.write(0x40, '0500');
    expect([bench.read(0x42, 1), bench.hardware(0x42, 1)]).toEqual(['84', '84']);
  });
});

describe('vital product data', () => {
  function make(vpd?: ConfigHardware['vpd']): ConfigBench {
    return new ConfigBench(world, { ...LIST, 0x40: [3, 0] }, vpd === undefined ? {} : { config: { vpd } });
  }

  test('an address without the flag reads, and sets it; one with the flag writes, and clears it', () => {
    const words = new Map([[8, 0x1122_3344]]);
    const bench = make({ read: (address) => words.get(address), write: (address, value) => words.set(address, value) !== undefined });
    bench.write(0x42, '0800');
    expect([bench.read(0x42, 2), bench.read(0x44, 4)]).toEqual(['0880', '44332211']);
    bench.write(0x44, '0d0c0b0a');
    bench.write(0x42, '1080');
    expect([bench.read(0x42, 2), words.get(0x10)]).toEqual(['1000', 0x0a0b_0c0d]);
    // Only the byte with the flag starts it.
    bench.write(0x42, '08');
    expect([bench.read(0x42, 2), bench.read(0x44, 4)]).toEqual(['0800', '0d0c0b0a']);
    bench.write(0x43, '00');
    expect([bench.read(0x42, 2), bench.read(0x44, 4)]).toEqual(['0880', '44332211']);
  });

  test('without data, or where the device refuses: it times out', () => {
    for (const vpd of [undefined, { read: () => undefined, write: () => false }]) {
      const bench = make(vpd);
      bench.write(0x42, '0800');
      bench.write(0x44, 'ffffffff');
      const first = bench.read(0x42, 2);
      bench.write(0x42, '0880');
      expect([first, bench.read(0x42, 6)]).toEqual(['0800', '0880ffffffff']);
      bench.process.exit();
    }
  });
});

describe('a function that resets and sleeps', () => {
  let card: PciDevice;
  let process: Process;
  const PM = 0x40;
  const EXP = 0x48;
  /** Resets before the test began: the one of the first open. */
  let opened: number;

  function make(keepsState: boolean): void {
    card = pciDevice(world.engine, {
      id: [1, 2], class: 0, bars: { 0: { memory: 0x4000 } },
      capabilities: [capability.powerManagement({ keepsState, d1: true }), capability.express(), capability.advancedFeatures()],
    });
    card.function.config.write32(0x10, 0xfe00_0000);
    card.function.config.write16(4, 6);
    process = world.open(card.vfio);
    process.pwrite(3, new Uint8Array([6]), slot(7) + 4n);
    opened = card.resets;
  }
  afterEach(() => {
    process.exit();
    card.destroy();
  });

  const write = (at: number, ...bytes: number[]): number => process.pwrite(3, Uint8Array.from(bytes), slot(7) + BigInt(at));
  const read = (at: number, length: number): number => {
    const bytes = Buffer.alloc(length);
    process.pread(3, bytes, slot(7) + BigInt(at));
    return bytes.readUIntLE(0, length);
  };

  test.each([true, false])('PM: D3hot closes the gate, D0 opens it, and the registers are as before (keeps its state: %p)', (keepsState) => {
    make(keepsState);
    card.function.config.write8(0x3c, 9);
    const seen: unknown[] = [];
    for (const state of [1, 3, 2, 0]) {
      write(PM + 4, state);
      seen.push([card.function.powerState, read(PM + 4, 1) & 3, gate({ process })]);
    }
    expect(seen).toEqual([[1, 1, 4], [3, 3, 'EIO'], [3, 3, 'EIO'], [0, 0, 4]]);
    expect([card.resets - opened, card.function.peek(4, 2), card.function.peek(0x10, 4), card.function.peek(0x3c, 1)]).toEqual([keepsState ? 0 : 1, 6, 0xfe00_0000, 9]);
  });

  test('PM: the second byte of the control does not move it', () => {
    make(true);
    write(PM + 5, 3);
    write(PM + 2, 0, 0);
    expect(card.function.powerState).toBe(0);
    write(PM + 4, 3, 0, 0, 0);
    expect(card.function.powerState).toBe(3);
  });

  test('EXP: FLR resets the function, reads 0, and leaves the registers as they were', () => {
    make(true);
    write(EXP + 8, 0x10, 0xa8);
    expect([card.resets - opened, read(EXP + 8, 2) & 0x8000, card.function.peek(4, 2), card.function.peek(0x10, 4), gate({ process })]).toEqual([1, 0, 6, 0xfe00_0000, 4]);
  });

  test('AF: FLR likewise; without the bit nothing', () => {
    make(true);
    const AF = card.function.readConfig().indexOf(0x13, EXP + 0x3c);
    write(AF + 4, 0);
    expect(card.resets).toBe(opened);
    write(AF + 4, 1);
    expect([card.resets - opened, read(AF + 4, 1), card.function.peek(4, 2)]).toEqual([1, 0, 6]);
  });

  test('EXP: sizes of packets are the shadow\'s, sizes of reads go through, but not below the size of packets', () => {
    make(true);
    const control = (): number[] => [read(EXP + 8, 2), card.function.peek(EXP + 8, 2)];
    expect(control()).toEqual([0x2810, 0x2810]);
    write(EXP + 8, 0xf0, 0x28);
    expect(control()).toEqual([0x28f0, 0x2810]);
    card.function.config.write16(EXP + 8, 0x2850);
    write(EXP + 8, 0xf0, 0x08);
    expect(control()).toEqual([0x08f0, 0x2850]);
    write(EXP + 8, 0xf0, 0x58);
    expect(control()).toEqual([0x58f0, 0x5850]);
    // 8192 and 16384 bytes are no sizes.
    write(EXP + 8, 0xf0, 0x68);
    expect(control()).toEqual([0x68f0, 0x5850]);
  });

  test('VFIO_DEVICE_RESET: from D3hot, and the gate stays as the shadow has it', () => {
    make(true);
    write(PM + 4, 3);
    expect([process.ioctl(3, VFIO_DEVICE_RESET), card.function.powerState, gate({ process }), card.resets - opened, card.function.peek(4, 2)]).toEqual([0, 0, 4, 1, 6]);
  });

  test('MSI-X that SET_IRQS has turned on shows in its control word', () => {
    make(true);
    process.exit();
    card.destroy();
    card = pciDevice(world.engine, { id: [1, 2], class: 0, bars: { 0: { memory: 0x4000 } }, capabilities: [capability.msix({ vectors: 8, table: { bar: 0, offset: 0 }, pending: { bar: 0, offset: 0x1000 } })] });
    process = world.open(card.vfio);
    const irqs = (...words: number[]): number => process.ioctl(3, VFIO_DEVICE_SET_IRQS, new Uint8Array(new Int32Array(words).buffer));
    write(0x42, 0xff, 0xff);
    const seen = [read(0x42, 2)];
    irqs(24, 0x24, 2, 0, 1, -1);
    seen.push(read(0x42, 2));
    irqs(20, 0x21, 2, 0, 0);
    expect([...seen, read(0x42, 2)]).toEqual([7, 0x8007, 7]);
  });
});

// Configuration space as vfio-pci shows it (section 4.5), bit by bit: what is read from the shadow and what from the registers, what a write changes, which capabilities are there.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ConfigBench, type Image } from './config-support.ts';
import { World, filled, outcome, slot } from './support.ts';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.end());

const LIST = { 0x06: [0x10, 0], 0x34: [0x40] };
/** One standard capability at 0x40. */
const standard = (...bytes: number[]): Image => ({ ...LIST, 0x40: [bytes[0]!, 0, ...bytes.slice(1)] });
/** Express at 0x40, and extended capabilities. */
const extended = (image: Image): Image => ({ ...LIST, 0x40: [0x10, 0, 0x02, 0], ...image });

describe('4.5: each register reads the shadow or the hardware, and takes a write there or not at all', () => {
  // Everything is written as ones over registers that are all zero after the open (but for what tells the layout), then read back; then the hardware is all ones.
  const rows: [string, Image, number, number, { seen: string; hardware: string; ones: string }][] = [
    ['vendor and device id', {}, 0x00, 4, { seen: '00000000', hardware: '00000000', ones: '00000000' }],
    ['COMMAND: INTx disable stays in the shadow', {}, 0x04, 2, { seen: 'ffff', hardware: 'fffb', ones: 'ffff' }],
    ['STATUS: errors cannot be cleared', {}, 0x06, 2, { seen: '0000', hardware: '0000', ones: 'efff' }],
    ['revision and class', {}, 0x08, 4, { seen: '00000000', hardware: '00000000', ones: 'ffffffff' }],
    ['cache line', {}, 0x0c, 1, { seen: 'ff', hardware: 'ff', ones: 'ff' }],
    ['latency', {}, 0x0d, 1, { seen: 'ff', hardware: 'ff', ones: 'ff' }],
    ['header type', {}, 0x0e, 1, { seen: '00', hardware: '00', ones: 'ff' }],
    ['BIST', {}, 0x0f, 1, { seen: 'ff', hardware: 'ff', ones: 'ff' }],
    ['subsystem', {}, 0x2c, 4, { seen: '00000000', hardware: '00000000', ones: 'ffffffff' }],
    ['capability pointer', {}, 0x34, 1, { seen: '00', hardware: '00', ones: '00' }],
    ['interrupt line', {}, 0x3c, 1, { seen: 'ff', hardware: '00', ones: 'ff' }],
    ['interrupt pin', {}, 0x3d, 1, { seen: '00', hardware: '00', ones: '00' }],
    ['grant and latency', {}, 0x3e, 2, { seen: '0000', hardware: '0000', ones: 'ffff' }],
    ['bytes of no capability are the registers', {}, 0x80, 4, { seen: 'ffffffff', hardware: 'ffffffff', ones: 'ffffffff' }],
    ['a capability: id of the hardware, next of the shadow', standard(0x01), 0x40, 2, { seen: '0100', hardware: '0100', ones: 'ff00' }],
    ['PM capabilities: no events', standard(0x01), 0x42, 2, { seen: '0000', hardware: '0000', ones: 'ff07' }],
    ['PM control: state by its own way, no events', standard(0x01), 0x44, 4, { seen: 'ff7effff', hardware: 'ff7effff', ones: 'ff7effff' }],
    ['AGP', standard(0x02), 0x44, 4, { seen: '00000000', hardware: '00000000', ones: 'ffffffff' }],
    ['VPD data', standard(0x03), 0x44, 4, { seen: 'ffffffff', hardware: '00000000', ones: 'ffffffff' }],
    ['PCI-X command', standard(0x07), 0x42, 2, { seen: 'ffff', hardware: 'ffff', ones: 'ffff' }],
    ['PCI-X status', standard(0x07), 0x44, 4, { seen: '00000000', hardware: '00000000', ones: 'ffffffff' }],
    ['PCI-X 2.0 error control', standard(0x07, 0, 0x10), 0x48, 4, { seen: 'ffffffff', hardware: 'ffffffff', ones: 'ffffffff' }],
    ['HyperTransport', standard(0x08), 0x44, 4, { seen: '00000000', hardware: '00000000', ones: 'ffffffff' }],
    ['vendor specific: written as it comes', standard(0x09, 0x10), 0x44, 4, { seen: 'ffffffff', hardware: 'ffffffff', ones: 'ffffffff' }],
    ['Express capabilities', standard(0x10, 0x02), 0x44, 4, { seen: '00000000', hardware: '00000000', ones: 'ffffffff' }],
    ['Express device control: MPS and MRRS of the shadow', standard(0x10, 0x02), 0x48, 2, { seen: 'ff7d', hardware: '1f0d', ones: 'ff7f' }],
    ['Express device status', standard(0x10, 0x02), 0x4a, 2, { seen: '0000', hardware: '0000', ones: 'ffff' }],
    ['Express link control', standard(0x10, 0x02), 0x50, 2, { seen: '0000', hardware: '0000', ones: 'ffff' }],
    ['Express device control 2: not ARI', standard(0x10, 0x02), 0x68, 2, { seen: 'dfff', hardware: 'dfff', ones: 'ffff' }],
    ['MSI-X control: only SET_IRQS turns it on', standard(0x11, 7, 0), 0x42, 2, { seen: '0700', hardware: '0700', ones: 'ffff' }],
    ['MSI-X table', standard(0x11), 0x44, 4, { seen: '00000000', hardware: '00000000', ones: 'ffffffff' }],
    ['SATA', standard(0x12), 0x44, 4, { seen: '00000000', hardware: '00000000', ones: 'ffffffff' }],
    ['AF control: FLR is taken, and reads 0', standard(0x13), 0x44, 2, { seen: '0000', hardware: '0000', ones: 'feff' }],
    ['MSI control, low half: all of the shadow', standard(0x05, 0x80, 0), 0x42, 1, { seen: '8e', hardware: '8e', ones: '8e' }],
    ['MSI control, high half', standard(0x05, 0x80, 0), 0x43, 1, { seen: '00', hardware: '00', ones: 'ff' }],
    ['MSI address', standard(0x05, 0x80, 0), 0x44, 8, { seen: 'ffffffffffffffff', hardware: '0000000000000000', ones: 'ffffffffffffffff' }],
    ['MSI data behind 64 bits of address', standard(0x05, 0x80, 0), 0x4c, 2, { seen: 'ffff', hardware: '0000', ones: 'ffff' }],
    ['MSI data behind 32', standard(0x05, 0, 0), 0x48, 2, { seen: 'ffff', hardware: '0000', ones: 'ffff' }],
    ['behind MSI of 32 bits: the registers', standard(0x05, 0, 0), 0x4a, 2, { seen: 'ffff', hardware: 'ffff', ones: 'ffff' }],
    ['MSI masks', standard(0x05, 0x80, 1), 0x50, 8, { seen: 'ffffffffffffffff', hardware: 'ffffffffffffffff', ones: 'ffffffffffffffff' }],
    ['a hidden capability is the registers', standard(0x14), 0x40, 4, { seen: 'ffffffff', hardware: 'ffffffff', ones: 'ffffffff' }],
    ['AER: head', extended({ 0x100: [1, 0, 2, 0] }), 0x100, 4, { seen: '01000200', hardware: '01000200', ones: '01000200' }],
    ['AER: uncorrectable', extended({ 0x100: [1, 0, 2, 0] }), 0x104, 12, { seen: '31f0ff03'.repeat(3), hardware: '31f0ff03'.repeat(3), ones: 'ff'.repeat(12) }],
    ['AER: correctable', extended({ 0x100: [1, 0, 2, 0] }), 0x110, 8, { seen: 'c1f10000'.repeat(2), hardware: 'c1f10000'.repeat(2), ones: 'ff'.repeat(8) }],
    ['AER: control', extended({ 0x100: [1, 0, 2, 0] }), 0x118, 4, { seen: '40010000', hardware: '40010000', ones: 'ffffffff' }],
    ['AER: log', extended({ 0x100: [1, 0, 2, 0] }), 0x11c, 4, { seen: '00000000', hardware: '00000000', ones: 'ffffffff' }],
    ['power budgeting: data', extended({ 0x100: [4, 0, 1, 0] }), 0x108, 4, { seen: 'ff000000', hardware: 'ff000000', ones: 'ffffffff' }],
    ['serial number', extended({ 0x100: [3, 0, 1, 0] }), 0x104, 4, { seen: '00000000', hardware: '00000000', ones: 'ffffffff' }],
    ['vendor specific, extended', extended({ 0x100: [0xb, 0, 1, 0], 0x106: [0, 2] }), 0x108, 4, { seen: 'ffffffff', hardware: 'ffffffff', ones: 'ffffffff' }],
    ['designated vendor specific', extended({ 0x100: [0x23, 0, 1, 0], 0x106: [0, 2] }), 0x110, 4, { seen: 'ffffffff', hardware: 'ffffffff', ones: 'ffffffff' }],
    ['without Express there is no extended list: the registers', { 0x100: [1, 0, 2, 0] }, 0x100, 8, { seen: 'ff'.repeat(8), hardware: 'ff'.repeat(8), ones: 'ff'.repeat(8) }],
  ];

  test.each(rows)('%s', (_, image, at, length, want) => {
    const bench = new ConfigBench(world, image, { size: 0x1000 });
    if (length <= 4 && (at & 3) + length <= 4) expect(bench.write(at, 'ff'.repeat(length))).toBe('written');
    else for (let i = 0; i < length; i += 4) bench.write(at + i, 'ffffffff');
    const [seen, hardware] = [bench.read(at, length), bench.hardware(at, length)];
    bench.registers.bytes().fill(0xff);
    expect({ seen, hardware, ones: bench.read(at, length) }).toEqual(want);
  });
});

describe('4.5: which capabilities are there', () => {
  /** The standard list as a program walks it: id@offset. */
  function walk(bench: ConfigBench): string {
    const byte = (at: number): number => parseInt(bench.read(at, 1), 16);
    const found: string[] = [];
    for (let at = byte(0x34); at !== 0 && found.length < 60; at = byte(at + 1)) found.push(`${byte(at).toString(16)}@${at.toString(16)}`);
    return found.join(' ');
  }

  function walkExtended(bench: ConfigBench): string {
    const found: string[] = [];
    for (let at = 0x100; at !== 0 && found.length < 60; ) {
      const header = Number(`0x${Buffer.from(bench.read(at, 4), 'hex').reverse().toString('hex')}`);
      found.push(`${(header & 0xffff).toString(16)}v${(header >>> 16) & 0xf}@${at.toString(16)}`);
      at = (header >>> 20) & 0xffc;
    }
    return found.join(' ');
  }

  test.each<[string, Image, string]>([
    ['all that are known', { ...LIST, 0x40: [1, 0x50], 0x50: [5, 0x70], 0x70: [0x10, 0xb0, 2, 0], 0xb0: [0x11, 0] }, '1@40 5@50 10@70 11@b0'],
    ['a hidden one in the middle', { ...LIST, 0x40: [1, 0x50], 0x50: [0x0d, 0x60], 0x60: [5, 0] }, '1@40 5@60'],
    ['a hidden first', { ...LIST, 0x40: [0x14, 0x50], 0x50: [1, 0] }, '1@50'],
    ['a hidden last', { ...LIST, 0x40: [1, 0x50], 0x50: [0x0a, 0] }, '1@40'],
    ['the id 0, and one that nobody knows', { ...LIST, 0x40: [0, 0x50], 0x50: [0x55, 0x60], 0x60: [9, 0, 4] }, '9@60'],
    ['a vendor\'s of no bytes', { ...LIST, 0x40: [9, 0x50, 0], 0x50: [9, 0, 3] }, '9@50'],
  ])('%s', (_, image, want) => {
    const bench = new ConfigBench(world, image);
    expect([walk(bench), bench.read(0x06, 1)]).toEqual([want, '10']);
  });

  test('none visible: STATUS says that there is no list', () => {
    const bench = new ConfigBench(world, { ...LIST, 0x40: [0x14, 0] });
    expect([bench.read(0x06, 2), bench.read(0x34, 1)]).toEqual(['0000', '00']);
  });

  test('a list that leads back into itself ends', () => {
    const bench = new ConfigBench(world, { ...LIST, 0x40: [1, 0x50], 0x50: [0x0d, 0x40] });
    expect(bench.read(0x50, 2)).toBe('0d40');
  });

  test.each<[string, Image, string]>([
    ['all that are known', { 0x100: [1, 0, 2, 0x20], 0x200: [3, 0, 1, 0] }, '1v2@100 3v1@200'],
    ['a hidden one in the middle', { 0x100: [1, 0, 2, 0x20], 0x200: [0x1b, 0, 1, 0x30], 0x300: [0xe, 0, 1, 0] }, '1v2@100 ev1@300'],
    ['a hidden first stays as a dword without id', { 0x100: [0x19, 0, 1, 0x20], 0x200: [0x2e, 0, 1, 0x30], 0x300: [0xe, 0, 1, 0] }, '0v0@100 ev1@300'],
    ['all hidden', { 0x100: [0x19, 0, 1, 0x20], 0x200: [0x2e, 0, 1, 0] }, '0v0@100'],
  ])('extended: %s', (_, image, want) => {
    expect(walkExtended(new ConfigBench(world, extended(image), { size: 0x1000 }))).toBe(want);
  });

  test('extended, all hidden: the first dword is 0', () => {
    expect(new ConfigBench(world, extended({ 0x100: [0x19, 0, 1, 0x20], 0x200: [0x2e, 0, 1, 0] }), { size: 0x1000 }).read(0x100, 4)).toBe('00000000');
  });

  test.each<[string, number[], number]>([
    ['PM', [1], 8], ['AGP', [2], 12], ['VPD', [3], 8], ['MSI', [5, 0, 0, 0], 10], ['MSI 64', [5, 0, 0x80, 0], 14], ['MSI masks', [5, 0, 0, 1], 20], ['MSI 64 masks', [5, 0, 0x80, 1], 24],
    ['PCI-X', [7], 8], ['PCI-X 2', [7, 0, 0, 0x10], 24], ['HT', [8], 28], ['HT, 3-bit type', [8, 0, 0, 0x20], 24], ['vendor', [9, 0, 0x13], 0x13], ['Express 1', [0x10, 0, 1, 0], 20],
    ['Express 1, integrated', [0x10, 0, 0x91, 0], 12], ['Express 2', [0x10, 0, 2, 0], 0x34], ['Express 2, integrated', [0x10, 0, 0x92, 0], 0x2c], ['MSI-X', [0x11], 12], ['SATA', [0x12], 8],
    ['SATA, inline', [0x12, 0, 0, 0, 0xf], 16], ['AF', [0x13], 6],
  ])('%s has its bytes and no more', (_, bytes, length) => {
    const bench = new ConfigBench(world, { ...LIST, 0x40: bytes });
    // Behind the end a write reaches the registers as it is.
    const past = (0x40 + length + 1) & ~1;
    expect([bench.write(past, 'a55a'), bench.hardware(past, 2)]).toEqual(['written', 'a55a']);
    const inside = 0x40 + length - 1;
    const kept = bench.hardware(inside, 1);
    bench.write(inside, 'ff');
    if ([1, 2, 3, 8, 0x11, 0x12].includes(bytes[0]!) && bytes[0] !== 1) expect(bench.hardware(inside, 1)).toBe(kept);
  });
});

describe('4.5: chunks', () => {
  test('never clipped; unaligned and crossing accesses are chunks of 1, 2 and 4 bytes', () => {
    const log: string[] = [];
    const bytes = Uint8Array.from({ length: 0x100 }, (_, i) => (i < 0x40 ? 0 : i));
    const device = world.device({ 7: { region: world.hook(bytes, log) } }, { config: {} });
    const process = world.open(device);
    log.length = 0;
    const read = (at: number, length: number): unknown => outcome(() => process.pread(3, filled(length), slot(7) + BigInt(at)));
    expect([read(0x81, 9), read(0xfe, 4), read(0x100, 1), read(0xfc, 4)]).toEqual([9, 'EFAULT', 'EFAULT', 4]);
    expect(log).toEqual(['read 1 at 0x81', 'read 2 at 0x82', 'read 4 at 0x84', 'read 2 at 0x88', 'read 4 at 0xfc']);
  });

  test('a change of the capability inside a dword', () => {
    const bench = new ConfigBench(world, { ...LIST, 0x40: [0x13, 0x48], 0x46: [0xa1, 0xa2], 0x48: [1, 0] });
    expect([bench.read(0x44, 4), bench.write(0x44, '00001122'), bench.hardware(0x44, 4)]).toEqual(['0000a1a2', 'written', '00001122']);
  });

  test('a capability that nobody writes does not look at the buffer; others do, chunk by chunk', () => {
    const bench = new ConfigBench(world, { ...LIST, 0x40: [0x11, 0, 7, 0] });
    const write = (at: number, length: number): unknown => outcome(() => bench.process.pwrite(3, { address: 0, length }, slot(7) + BigInt(at)));
    expect([write(0x44, 8), write(0x40, 12), write(0x4c, 4), write(0x48, 8)]).toEqual([8, 12, 'EFAULT', 'EFAULT']);
    expect(outcome(() => bench.process.pread(3, { address: 0, length: 4 }, slot(7)))).toBe('EFAULT');
  });

  test('EFAULT midway: chunks before it have happened', () => {
    const bench = new ConfigBench(world, {});
    const page = bench.process.allocate(0x1000);
    bench.process.memory.writeBytes(page + 0xffa, Uint8Array.of(1, 2, 3, 4, 5, 6));
    expect(outcome(() => bench.process.pwrite(3, { address: page + 0xffa, length: 8 }, slot(7) + 0x80n))).toBe('EFAULT');
    expect(bench.hardware(0x80, 8)).toBe('0102030400000000');
  });
});

describe('4.5: BAR sizing', () => {
  const image: Image = { 0x10: [0x0c, 0, 0, 0xfe, 1], 0x18: [0x01, 0xc0], 0x20: [0, 0, 0, 0xfd], 0x30: [1, 0, 0, 0xfc] };

  test('starts with the addresses of the host; ones read back as sizes and types; the registers are never written', () => {
    const bench = new ConfigBench(world, image);
    expect([bench.read(0x10, 24), bench.read(0x30, 4)]).toEqual(['0c0000fe' + '01000000' + '01c00000' + '00000000' + '000000fd' + '00000000', '010000fc']);
    for (const at of [0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x30]) bench.write(at, 'ffffffff');
    expect([bench.read(0x10, 24), bench.read(0x30, 4)]).toEqual(['0cc0ffff' + 'ffffffff' + 'e1ffffff' + '00000000' + '00f0ffff' + '00000000', '01f8ffff']);
    expect(bench.hardware(0x10, 0x24)).toBe('0c0000fe01000000' + '01c00000' + '00000000' + '000000fd' + '00000000' + '0000000000000000' + '010000fc');
  });

  test('bytes and halves of a register', () => {
    const bench = new ConfigBench(world, image);
    bench.write(0x11, 'ff');
    bench.write(0x12, '3412');
    expect([bench.read(0x10, 4), bench.read(0x12, 2), bench.read(0x11, 1)]).toEqual(['0cc03412', '3412', 'c0']);
  });

  test('four ports: an address bit is taken for the type, as the kernel takes it', () => {
    const regions = { 1: { region: world.ram(4), ioPorts: true }, 7: { region: world.region({ kind: 'ram', size: 0x100, name: 'registers' }) } };
    regions[7].region.bytes().set([1], 0x14);
    const process = world.open(world.device(regions, { config: {} }));
    process.pwrite(3, Uint8Array.from({ length: 8 }, () => 0xff), slot(7) + 0x14n);
    const bytes = new Uint8Array(8);
    process.pread(3, bytes, slot(7) + 0x14n);
    // The register behind it is absent, and yet keeps what was written.
    expect(Buffer.from(bytes).toString('hex')).toBe('fdffffffffffffff');
  });
});

test('a virtual function: ids of the host, no pin, MEM that is always on', () => {
  const bench = new ConfigBench(world, { 0x00: [0xff, 0xff, 0xff, 0xff], 0x3d: [1] }, { config: { virtualFunction: { vendor: 0x8086, device: 0x1520 } } });
  expect([bench.read(0, 4), bench.read(0x3d, 1), bench.read(4, 2), bench.device.memoryEnabled()]).toEqual(['86802015', '00', '0300', true]);
  bench.write(4, '0000');
  expect([bench.read(4, 2), bench.device.memoryEnabled()]).toEqual(['0000', true]);
});

test('the shadow lives from the first open to the last close', () => {
  const bench = new ConfigBench(world, {});
  const second = bench.process.open(bench.device);
  bench.write(0x3c, '09');
  const line = (fd: number): number => {
    const byte = new Uint8Array(1);
    bench.process.pread(fd, byte, slot(7) + 0x3cn);
    return byte[0]!;
  };
  expect(line(second)).toBe(9);
  bench.process.close(3);
  expect(line(second)).toBe(9);
  bench.process.close(second);
  expect(line(bench.process.open(bench.device))).toBe(0);
});

test('garbage: whatever the registers hold, and whatever is written, is a count', () => {
  let seed = 5;
  const next = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 8;
  for (let round = 0; round < 60; round++) {
    const size = round % 2 === 0 ? 0x100 : 0x1000;
    const bytes = Array.from({ length: size }, () => next() & 0xff);
    const pointers = Array.from({ length: 0x30 }, (_, i) => [0x40 + 4 * i, [next() % 0x16, next() % 3 === 0 ? next() & 0xff : 0x40 + 4 * (next() % 0x30)]]);
    const bench = new ConfigBench(world, { 0: bytes, 6: [0x10], 0x34: [0x40], ...Object.fromEntries(pointers) }, { size });
    for (let i = 0; i < 100; i++) {
      const length = next() % 9;
      const at = next() % (size - 8);
      expect(bench.process.raw.pwrite(3, Uint8Array.from({ length }, () => next() & 0xff), slot(7) + BigInt(at))).toBe(length);
      expect(bench.process.raw.pread(3, filled(length), slot(7) + BigInt(at))).toBe(length);
    }
    bench.process.exit();
  }
});

// Which bits of configuration space take a write: capability by capability, in every lane, through every way in, before and after resets.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine } from '../../src/core/index.ts';
import { type ConfigField, ConfigRules, PCI_CONFIG_PORTS, PciFunction, type PciFunctionDescription, computeConfigRules, configPorts } from '../../src/pci/index.ts';
import { describeFunctions, isEndpoint } from '../../src/trace/index.ts';
import { Process, VfioDevice } from '../../src/vfio/index.ts';
import { RECORDED, configBytes, dumpsOf } from '../trace/recorded.ts';

const STANDARD = { 0x04: 0x0010_0000, 0x34: 0x40 };
const EXPRESS = { ...STANDARD, 0x40: 0x0002_0010 };

/** Writable and clearing bits of a dword. */
function dword(rules: ConfigRules, at: number): [number, number] {
  const bits = (mask: Uint8Array): number => new DataView(mask.buffer).getUint32(at, true);
  return [bits(rules.writable), bits(rules.clears)];
}

const rulesOf = (fields: Readonly<Record<number, number>>, size = 256): ConfigRules => computeConfigRules(configBytes(fields, size));

describe('capabilities', () => {
  test.each<[string, Readonly<Record<number, number>>, number, [number, number]]>([
    ['COMMAND and STATUS', {}, 0x04, [0x547, 0xf900_0000]],
    ['ids', {}, 0x00, [0, 0]],
    ['cache line size, not the latency timer', {}, 0x0c, [0xff, 0]],
    ['interrupt line, not the pin', {}, 0x3c, [0xff, 0]],
    ['bytes of no capability', STANDARD, 0x80, [0, 0]],
    ['PM without PME', { ...STANDARD, 0x40: 0x0003_0001 }, 0x44, [0x3, 0]],
    ['PM with PME', { ...STANDARD, 0x40: 0xc803_0001 }, 0x44, [0x103, 0x8000]],
    ['MSI control', { ...STANDARD, 0x40: 0x0086_0005 }, 0x40, [0x71_0000, 0]],
    ['MSI address', { ...STANDARD, 0x40: 0x0086_0005 }, 0x44, [0xffff_fffc, 0]],
    ['MSI upper address', { ...STANDARD, 0x40: 0x0086_0005 }, 0x48, [0xffff_ffff, 0]],
    ['MSI data behind a 64-bit address', { ...STANDARD, 0x40: 0x0086_0005 }, 0x4c, [0xffff, 0]],
    ['MSI data behind a 32-bit address', { ...STANDARD, 0x40: 0x0006_0005 }, 0x48, [0xffff, 0]],
    ['MSI masks, as many as messages', { ...STANDARD, 0x40: 0x0186_0005 }, 0x50, [0xff, 0]],
    ['MSI masks of 32 messages', { ...STANDARD, 0x40: 0x018a_0005 }, 0x50, [0xffff_ffff, 0]],
    ['MSI pending bits', { ...STANDARD, 0x40: 0x018a_0005 }, 0x54, [0, 0]],
    ['MSI-X control', { ...STANDARD, 0x40: 0x0040_0011 }, 0x40, [0xc000_0000, 0]],
    ['MSI-X table location', { ...STANDARD, 0x40: 0x0040_0011 }, 0x44, [0, 0]],
    ['Express control and status', EXPRESS, 0x48, [0x7cff, 0x000f_0000]],
    ['Express control with tags and phantom functions', { ...EXPRESS, 0x44: 0x28 }, 0x48, [0x7fff, 0x000f_0000]],
    ['Express control of an integrated endpoint', { ...STANDARD, 0x40: 0x0092_0010, 0x44: 0x20 }, 0x48, [0, 0x000f_0000]],
    ['Express link control: no clock power management without its capability', EXPRESS, 0x50, [0xcb, 0]],
    ['Express link control with clock power management', { ...EXPRESS, 0x4c: 0x0004_0000 }, 0x50, [0x1cb, 0]],
    ['Express link control 2 of a link of one speed', { ...EXPRESS, 0x4c: 1 }, 0x70, [0, 0]],
    ['Express link control 2: all but de-emphasis', { ...EXPRESS, 0x4c: 3 }, 0x70, [0xffbf, 0]],
    ['Express control 2 without anything to control', EXPRESS, 0x68, [0, 0]],
    ['Express control 2 with everything', { ...EXPRESS, 0x64: 0x000e_0b9f }, 0x68, [0x745f, 0]],
    ['a vendor capability', { ...STANDARD, 0x40: 0x0010_0009 }, 0x44, [0, 0]],
    ['AF: its bit is no register', { ...STANDARD, 0x40: 0x0306_0013 }, 0x44, [0, 0]],
  ])('%s', (_, fields, at, expected) => {
    expect(dword(rulesOf(fields), at)).toEqual(expected);
  });

  test.each<[string, number, number, [number, number]]>([
    ['AER 1 status', 0x0001_0001, 0x104, [0, 0x001f_f030]],
    ['AER 2 status', 0x0002_0001, 0x104, [0, 0x07ff_f030]],
    ['AER mask', 0x0002_0001, 0x108, [0x07ff_f030, 0]],
    ['AER correctable status', 0x0002_0001, 0x110, [0, 0xf1c1]],
    ['AER enables beside their capability bits: ECRC, multiple headers', 0x0002_0001, 0x118, [0x540, 0]],
    ['serial number', 0x0001_0003, 0x104, [0, 0]],
    ['ACS control as the capability says', 0x0001_000d, 0x104, [0x0020_0000, 0]],
    ['ATS control', 0x0001_000f, 0x104, [0x801f_0000, 0]],
    ['LTR', 0x0001_0018, 0x104, [0x1fff_1fff, 0]],
    ['SR-IOV header', 0x0001_0010, 0x108, [0, 0]],
    ['resizable BARs', 0x0001_0015, 0x108, [0, 0]],
  ])('%s', (_, head, at, expected) => {
    expect(dword(rulesOf({ 0x100: head, 0x104: 0x0020, 0x118: 0x2a0 }, 4096), at)).toEqual(expected);
  });

  test('Express at the end of the standard area has no registers in the extended one', () => {
    expect(dword(rulesOf({ ...STANDARD, 0x34: 0xe0, 0xe0: 0x0002_0010, 0x104: 0x0fff_ffff }, 4096), 0x108)).toEqual([0, 0]);
  });
});

describe('refused', () => {
  test.each<[string, Readonly<Record<number, number>>, number, string]>([
    ['a list that leads back into itself', { ...STANDARD, 0x40: 0x5001, 0x50: 0x4009 }, 256, 'pointer 0x40 at offset 0x51 leads back to an entry already seen'],
    ['a capability of which the end is missing', { ...STANDARD, 0x34: 0xfc, 0xfc: 0x05 }, 256, 'the entry at offset 0xfc, id 0x05, ends at 0x106, beyond the 256 bytes'],
    ['an extended list that leads back', { 0x100: 0x1001_0003 }, 4096, 'leads back'],
  ])('%s', (_, fields, size, message) => {
    expect(() => rulesOf(fields, size)).toThrow(RangeError);
    expect(() => rulesOf(fields, size)).toThrow(message);
    expect(() => new PciFunction(createEngine(), { slot: '00:07.0', config: configBytes(fields, size) })).toThrow('PciFunction 00:07.0');
  });

  test.each<[string, ConfigField, string]>([
    ['beyond the end', { name: 'X', offset: 254, bytes: 4 }, 'X: 4 bytes at offset 254 do not lie in the 256'],
    ['no offset', { name: 'X', offset: 1.5, bytes: 1 }, 'offset 1.5'],
    ['a mask wider than its register', { name: 'X', offset: 64, bytes: 1, writable: 256 }, 'X: writable 256 is outside 0..ff'],
    ['a negative mask', { name: 'X', offset: 64, bytes: 4, clears: -1 }, 'X: clears -1'],
  ])('a register: %s', (_, field, message) => {
    expect(() => computeConfigRules(configBytes({}), [field])).toThrow(RangeError);
    expect(() => computeConfigRules(configBytes({}), [field])).toThrow(message);
  });
});

const described = RECORDED.flatMap((name) => describeFunctions(dumpsOf(name)).filter(isEndpoint));

describe('writes', () => {
  // Registers whose writes set more off than rules: COMMAND and power gate decoding, device control resets.
  const step = fc.record({ at: fc.nat(255), width: fc.constantFrom(1, 2, 4), value: fc.integer({ min: 0, max: 0xffff_ffff }) });

  test('of any width at any offset touch only their lanes, and of those only what the rules let', () => {
    const engine = createEngine();
    fc.assert(
      fc.property(fc.constantFrom(...described), fc.array(step, { minLength: 1, maxLength: 40 }), (description, steps) => {
        const one = new PciFunction(engine, description);
        const { sizes } = description;
        const rules = computeConfigRules(one.config.readBytes(0, new Uint8Array(Number(one.config.size))), describedBars(one));
        expect(sizes).toBeDefined();
        const model = description.config.slice();
        const write = (at: number, width: number, value: number): void => {
          if (width === 4) one.config.write32(at, value);
          else if (width === 2) one.config.write16(at, value & 0xffff);
          else one.config.write8(at, value & 0xff);
          for (let i = 0; i < width; i++) model[at + i] = rules.afterWrite(at + i, model[at + i]!, (value >>> (8 * i)) & 0xff);
        };
        for (const { at, width, value } of steps) {
          if (at + width > 256 || isEffective(description, at, width)) continue;
          write(at, width, value);
          const now = one.config.readBytes(0, new Uint8Array(model.length));
          expect([at, Buffer.compare(now, model)]).toEqual([at, 0]);
        }
        one.destroy();
      }),
      { numRuns: 150 },
    );
  });

  test('through a device file, the ports and the memory-mapped window: the same', () => {
    const engine = createEngine();
    const functions = [0, 1, 2].map(() => new PciFunction(engine, { ...described.find(({ slot }) => slot === '00:01.0')!, slot: '00:01.0' }));
    const process = new Process(engine);
    const fd = process.open(new VfioDevice({ name: 'registers', regions: { 7: { region: functions[0]!.config } } }));
    const ports = engine.space('ports');
    ports.map(PCI_CONFIG_PORTS, engine.region(configPorts(() => [functions[1]!])));
    const memory = engine.space('memory');
    memory.map(0xb000_8000, functions[2]!.config);
    const ways: ((at: number, width: number, value: number) => void)[] = [
      (at, width, value) => {
        const bytes = new Uint8Array(4);
        new DataView(bytes.buffer).setUint32(0, value, true);
        process.pwrite(fd, bytes.subarray(0, width), (7n << 40n) + BigInt(at));
      },
      (at, width, value) => {
        ports.write32(0xcf8, (0x8000_0800 | (at & 0xfc)) >>> 0);
        const port = 0xcfc + (at & 3);
        if (width === 4) ports.write32(port, value);
        else if (width === 2) ports.write16(port, value & 0xffff);
        else ports.write8(port, value & 0xff);
      },
      (at, width, value) => {
        if (width === 4) memory.write32(0xb000_8000 + at, value);
        else if (width === 2) memory.write16(0xb000_8000 + at, value & 0xffff);
        else memory.write8(0xb000_8000 + at, value & 0xff);
      },
    ];
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        for (const { at, width, value } of steps) {
          // The data port holds one dword: an access must not leave it.
          const aligned = at - (at % width);
          for (const way of ways) way(aligned, width, value);
        }
        const [first, ...others] = functions.map(({ config }) => config.readBytes(0, new Uint8Array(Number(config.size))));
        for (const other of others) expect(Buffer.compare(other, first!)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});

/** The fields of a function's BARs, which the bytes alone do not tell. */
function describedBars(one: PciFunction): ConfigField[] {
  const found = new Map<string, ConfigField>();
  for (let at = 0x10; at < 0x34; at += 4) {
    const field = one.registerAt(at);
    if (field !== undefined) found.set(field.name, field);
  }
  return [...found.values()];
}

function isEffective({ config }: PciFunctionDescription, at: number, width: number): boolean {
  // Power control and the FLR bits of the recorded functions.
  const capabilities: readonly (readonly [number, number])[] = [[config[0x40] === 0x11 && config[0x60] === 1 ? 0x64 : 0xcc, 4], [0x88, 2]];
  return capabilities.some(([from, bytes]) => at < from + bytes && at + width > from);
}

describe('resets', () => {
  const aer = { ...STANDARD, 0x40: 0xc803_5001, 0x44: 0x8103, 0x50: 0x0002_0010, 0x54: 0x1000_0000, 0x58: 0x000f_58f5, 0x100: 0x0002_0001, 0x104: 0x10, 0x108: 0x0600_0000, 0x10c: 0, 0x114: 0 };

  test('power-on: everything to its default, the device\'s own mask bits as they were', () => {
    const one = new PciFunction(createEngine(), { slot: '00:04.0', config: configBytes(aer, 4096) });
    one.resetToPowerOn();
    expect([0x44, 0x58, 0x104, 0x108, 0x10c, 0x114].map((at) => one.peek(at))).toEqual([0, 0x2810, 0, 0x0640_0000, 0x0046_2030, 0xe000]);
    expect(one.peek(0x54)).toBe(0x1000_0000);
  });

  test('power-on: what a guest wrote to the device\'s own mask bits is gone, and the target speed is the highest again', () => {
    const one = new PciFunction(createEngine(), { slot: '00:04.0', config: configBytes({ ...aer, 0x5c: 3, 0x80: 3 }, 4096) });
    one.config.write32(0x108, 0);
    one.config.write16(0x80, 0xffff);
    one.resetFunction();
    expect([one.peek(0x108), one.peek(0x80, 2)]).toEqual([0, 0xffbf]);
    one.resetToPowerOn();
    expect([one.peek(0x108), one.peek(0x80, 2)]).toEqual([0x0640_0000, 3]);
  });

  test('from a power state only D0 and deeper ones are entered: no way round the reset of D3hot', () => {
    const one = new PciFunction(createEngine(), { slot: '00:04.0', config: configBytes({ ...STANDARD, 0x40: 0x0603_0001 }) });
    const state = (asked: number): number => {
      one.config.write8(0x44, asked);
      return one.powerState;
    };
    expect([1, 2, 1, 3, 2, 1].map(state)).toEqual([1, 2, 2, 3, 3, 3]);
    one.config.write8(0x3c, 0x0b);
    expect([state(1), one.peek(0x3c, 1), state(0), one.peek(0x3c, 1)]).toEqual([3, 0x0b, 0, 0]);
  });

  test('a function-level reset leaves sticky bits', () => {
    const one = new PciFunction(createEngine(), { slot: '00:04.0', config: configBytes(aer, 4096) });
    one.config.write32(4, 0x547);
    one.config.write32(0x10c, 0x10);
    one.resetFunction();
    expect([0x04, 0x44, 0x104, 0x10c].map((at) => one.peek(at))).toEqual([0x0010_0000, 0x8100, 0x10, 0x10]);
    expect(one.peek(0x58)).toBe(0x2810 | 0x00e0);
  });

  test('peek and poke set nothing off', () => {
    const one = new PciFunction(createEngine(), { slot: '00:04.0', config: configBytes({ 0x10: 0xfe00_0000, 0x04: 2 }), sizes: { bars: [0x1000] } });
    const told: unknown[] = [];
    one.onDecode({ commit: (changes) => void told.push(changes.length) });
    one.poke(0x00, 2, 0x8086);
    one.poke(0x13, 1, 0xfd);
    expect([one.peek(0, 2), one.peek(0x10), one.decoded[0]!.start, told]).toEqual([0x8086, 0xfd00_0000, 0xfe00_0000n, [1]]);
    one.config.write16(4, 2);
    expect([one.decoded[0]!.start, told]).toEqual([0xfd00_0000n, [1, 1]]);
    expect(() => one.peek(254, 4)).toThrow(new RangeError('00:04.0 peek: 4 bytes at offset 254 do not lie in 0..255'));
    expect(() => one.poke(-1, 1, 0)).toThrow(RangeError);
  });
});

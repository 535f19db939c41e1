// The machine that dumps describe: every part at its place, with its size and its rank; what is missing, contradicts itself or comes from another kernel.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Engine, createEngine } from '../../src/core/index.ts';
import { type Machine, type MachineDumps, TraceFormatError, buildMachine, describeFunctions, parseIomem, parseLspciHex, parseLspciVerbose } from '../../src/trace/index.ts';
import { VfioError } from '../../src/uapi/index.ts';
import { RECORDED, configBytes, dumpsOf, textOf } from './recorded.ts';

const NOTHING = { nodes: 0, pages: 0, objects: 0, backingBytes: 0 };

/** Builds, looks, and checks that destroying leaves nothing. */
function withMachine(dumps: MachineDumps, look: (machine: Machine, engine: Engine) => void): void {
  const engine = createEngine();
  const machine = buildMachine(engine, dumps);
  look(machine, engine);
  machine.destroy();
  expect(engine.live()).toEqual(NOTHING);
}

const hexText = (slot: string, config: Uint8Array): string => {
  const rows = Array.from({ length: config.length / 16 }, (_, row) => `${(16 * row).toString(16).padStart(2, '0')}: ${Buffer.from(config.subarray(16 * row, 16 * row + 16)).toString('hex').replace(/..(?=.)/g, '$& ')}`);
  return `${slot} Class: X\n${rows.join('\n')}\n`;
};
const hexOf = (...functions: [string, Uint8Array][]): MachineDumps['lspciHex'] & object => parseLspciHex(functions.map(([slot, config]) => hexText(slot, config)).join('\n'));
const verboseOf = (text: string): MachineDumps['lspciVerbose'] & object => parseLspciVerbose(text);
const part = (machine: Machine, bus: 'memory' | 'ports', address: bigint): string | undefined => machine.at(bus, address)?.name;

describe.each(RECORDED)('the machine of %s', (name) => {
  const dumps = dumpsOf(name);

  test('every BAR that lspci prints is at its place with its size, and the configuration spaces are in the MMCONFIG window', () => {
    withMachine(dumps, (machine) => {
      const printed = dumps.lspciVerbose.flatMap(({ slot, regions }) => regions.map((region) => ({ slot, ...region })));
      expect(printed.length).toBe(name === 'nvme' ? 4 : 7);
      for (const { slot, index, kind, address, size } of printed) {
        const found = machine.at(kind === 'io' ? 'ports' : 'memory', address!)!;
        expect([found.name, found.window.start, found.window.size, found.owner?.index]).toEqual([`${slot} BAR ${index}`, address, size, index]);
        expect(machine.at(found.bus, address! + size! - 1n)).toBe(found);
        expect(machine.at(found.bus, address! + size!)).not.toBe(found);
        expect(machine.at(found.bus, address! - 1n)).not.toBe(found);
      }
      for (const { slot, address, bytes } of dumps.lspciHex) {
        const start = 0xb000_0000n + BigInt((address.device << 15) | (address.function << 12));
        const found = machine.at('memory', start)!;
        expect([found.name, found.window.start, found.window.size, found.owner?.index]).toEqual([`${slot} config`, start, BigInt(bytes.length), 7]);
        expect(machine.memory.readBytes(start, new Uint8Array(bytes.length))).toEqual(bytes);
        expect(part(machine, 'memory', start + BigInt(bytes.length))).toBe('MMCONFIG');
      }
      expect(machine.notes).toEqual([]);
    });
  });

  test('platform ranges of iomem, the local APIC over the message window, and the ports of a PC', () => {
    withMachine(dumps, (machine) => {
      for (const { start, last, name: called } of dumps.iomem) {
        const isBus = called.startsWith('PCI Bus');
        const expected = isBus ? undefined : called.startsWith('PCI MMCONFIG') ? 'MMCONFIG' : called;
        expect([part(machine, 'memory', last), called]).toEqual([expected, called]);
        if (!isBus && expected !== 'MMCONFIG') expect(machine.at('memory', start)!.window).toMatchObject({ start, last });
      }
      expect([0xfee0_0fffn, 0xfee0_1000n, 0xfeef_ffffn, 0xfef0_0000n].map((address) => part(machine, 'memory', address))).toEqual(['Local APIC', 'MSI window', 'MSI window', undefined]);
      expect([0x20n, 0x3f8n, 0xcf8n, 0xcffn, 0xd00n, 0x608n].map((port) => part(machine, 'ports', port))).toEqual(['pic1', 'serial', 'pci-conf', 'pci-conf', undefined, 'acpi pm']);
      expect(machine.memory.read32(0xb7ff_0000)).toBe(0xffff_ffff);
      machine.ports.write32(0xcf8, 0x8000_0800);
      expect(machine.ports.read32(0xcfc)).toBe(machine.memory.read32(0xb000_8000));
      machine.memory.validate();
      machine.ports.validate();
    });
  });

  test('without -vv: five notes, no BARs, configuration as before', () => {
    withMachine({ iomem: dumps.iomem, lspciHex: dumps.lspciHex }, (machine) => {
      expect(machine.notes).toHaveLength(5);
      expect(machine.notes[1]).toMatch(/^00:01\.0: no lspci -vv text/);
      expect(machine.regions.filter(({ owner }) => owner !== undefined).map(({ name: called }) => called)).toEqual(dumps.lspciHex.map(({ slot }) => `${slot} config`));
    });
  });

  test('iomem alone, and nothing at all', () => {
    withMachine({ iomem: dumps.iomem }, (machine) => {
      expect(machine.functions).toEqual([]);
      expect(machine.memory.read64(0xb000_8000)).toBe(0xffff_ffff_ffff_ffffn);
    });
    withMachine({}, (machine) => {
      expect([...new Set(machine.regions.map(({ bus }) => bus))]).toEqual(['memory', 'ports']);
      expect([part(machine, 'memory', 0xfee0_0000n), part(machine, 'memory', 0n)]).toEqual(['MSI window', undefined]);
      expect(machine.notes).toEqual([]);
    });
  });
});

describe('other machines\' dumps', () => {
  const bar = configBytes({ 0x10: 0xfe00_0000 });
  const verbose = '00:02.0 Class: X\n\tRegion 0: Memory at fe000000 (32-bit, non-prefetchable) [size=4K]\n';

  test('a configuration window inside a PCI bus, or inside a reserved range, by its newer name too', () => {
    for (const name of ['PCI MMCONFIG', 'PCI ECAM']) {
      for (const outer of ['PCI Bus 0000:00', 'Reserved']) {
        const iomem = parseIomem(`f0000000-fcffffff : ${outer}\n  f0000000-f7ffffff : ${name} 0000 [bus 00-7f]\n    f0000000-f7ffffff : pnp 00:00\n`);
        withMachine({ iomem, lspciHex: hexOf(['00:02.0', bar]) }, (machine) => {
          expect(machine.memory.read32(0xf001_0000)).toBe(0x0001_1234);
          expect(machine.memory.read32(0xf001_1000)).toBe(0xffff_ffff);
          expect(part(machine, 'memory', 0xf800_0000n)).toBe(outer === 'Reserved' ? 'Reserved' : undefined);
        });
      }
    }
  });

  test('windows of several domains, and one that starts above bus 0', () => {
    const iomem = parseIomem('80000000-83ffffff : PCI ECAM 0000 [bus 00-3f]\n90000000-93ffffff : PCI ECAM 0001 [bus 40-7f]\n');
    const lspciHex = hexOf(['0000:00:02.0', bar], ['0001:41:02.0', configBytes({ 0: 0x5678_9abc })], ['0001:00:02.0', bar], ['0000:40:00.0', bar]);
    withMachine({ iomem, lspciHex }, (machine) => {
      const found = machine.regions.filter(({ owner }) => owner?.index === 7).map(({ name, window }) => [name, window.start]);
      expect(found).toEqual([['0000:00:02.0 config', 0x8001_0000n], ['0001:41:02.0 config', 0x9011_0000n]]);
      machine.ports.write32(0xcf8, 0x8000_1000);
      expect(machine.ports.read32(0xcfc)).toBe(0x0001_1234);
    });
  });

  test('platform ranges inside a PCI bus are there, functions and their drivers are not', () => {
    const iomem = parseIomem('c0000000-fecfffff : PCI Bus 0000:00\n  d0000000-d0ffffff : PCI Bus 0000:01\n    d0000000-d0000fff : 0000:01:00.0\n      d0000000-d0000fff : nvme\n  fec00000-fec003ff : IOAPIC 0\n');
    withMachine({ iomem }, (machine) => {
      expect([0xd000_0000n, 0xc000_0000n, 0xfec0_0000n].map((address) => part(machine, 'memory', address))).toEqual([undefined, undefined, 'IOAPIC 0']);
    });
  });

  test('iomem as others than root see it is said, not used', () => {
    const iomem = parseIomem(textOf('nvme.iomem').replace(/^( *)[0-9a-f]+-[0-9a-f]+/gm, '$100000000-00000000'));
    withMachine({ iomem }, (machine) => {
      expect(machine.notes).toEqual(['iomem has no addresses: /proc/iomem shows them to root only']);
      expect(part(machine, 'memory', 0n)).toBeUndefined();
    });
  });

  test('a bridge is left out and said', () => {
    withMachine({ lspciHex: hexOf(['00:01.0', configBytes({ 0x0c: 0x0001_0000 })], ['00:02.0', bar]), lspciVerbose: verboseOf(verbose) }, (machine) => {
      expect(machine.functions.map(({ slot }) => slot)).toEqual(['00:02.0']);
      expect(machine.notes).toEqual(['00:01.0 is a bridge: it is left out']);
    });
  });

  test('one text with domains and one without are of the same functions', () => {
    withMachine({ lspciHex: hexOf(['0000:00:02.0', bar]), lspciVerbose: verboseOf(verbose) }, (machine) => {
      expect(machine.at('memory', 0xfe00_0fffn)!.name).toBe('0000:00:02.0 BAR 0');
    });
  });

  test('a region without a size is not mapped, and said', () => {
    withMachine({ lspciHex: hexOf(['00:02.0', bar]), lspciVerbose: verboseOf(verbose.replace(' [size=4K]', '')) }, (machine) => {
      expect(machine.regions.some(({ owner }) => owner !== undefined)).toBe(false);
      expect(machine.notes).toEqual(['00:02.0 BAR 0: lspci -vv does not tell its size: not mapped']);
    });
  });

  test.each(['[virtual] Memory at 000001f0 (32-bit, non-prefetchable) [size=8]', 'Memory at 000001f0 (32-bit, non-prefetchable) [virtual] [size=8]'])('%s is in no register', (text) => {
    withMachine({ lspciHex: hexOf(['00:02.0', configBytes({})]), lspciVerbose: verboseOf(`00:02.0 IDE interface: X\n\tRegion 0: ${text}\n`) }, (machine) => {
      expect(machine.functions[0]!.bars).toEqual([]);
    });
  });

  test('a BAR without an address, an enabled ROM, a disabled one', () => {
    const config = configBytes({ 0x14: 0, 0x30: 0xfe80_0001 });
    const text = '00:02.0 Class: X\n\tRegion 1: Memory at <unassigned> (32-bit, non-prefetchable) [size=4K]\n\tExpansion ROM at fe800000 [size=64K]\n';
    withMachine({ lspciHex: hexOf(['00:02.0', config]), lspciVerbose: verboseOf(text) }, (machine) => {
      expect(machine.notes).toEqual(['00:02.0 BAR 1 has no address: not mapped']);
      expect(machine.at('memory', 0xfe80_ffffn)).toMatchObject({ name: '00:02.0 ROM', owner: { index: 6 } });
    });
    withMachine({ lspciHex: hexOf(['00:02.0', configBytes({ 0x30: 0xfe80_0000 })]), lspciVerbose: verboseOf(text.replace(/\tRegion.*\n/, '')) }, (machine) => {
      expect(machine.at('memory', 0xfe80_0000n)).toBeUndefined();
    });
  });

  test('a 64-bit BAR at the end of the addresses, and one as large as half of them', () => {
    const config = configBytes({ 0x10: 0xffff_f004, 0x14: 0xffff_ffff, 0x18: 0x0000_0004, 0x1c: 0x8000_0000 });
    const text = '00:02.0 Class: X\n\tRegion 0: Memory at fffffffffffff000 (64-bit, non-prefetchable) [size=4K]\n\tRegion 2: Memory at 8000000000000000 (64-bit, non-prefetchable) [size=8388608T]\n';
    withMachine({ lspciHex: hexOf(['00:02.0', config]), lspciVerbose: verboseOf(text) }, (machine) => {
      expect(machine.at('memory', (1n << 64n) - 1n)).toMatchObject({ window: { last: (1n << 64n) - 1n } });
      expect(machine.at('memory', 1n << 63n)!.window.size).toBe(1n << 63n);
      machine.memory.validate();
    });
  });
});

describe('contradictions leave nothing behind', () => {
  const nvme = dumpsOf('nvme');
  const e1000e = dumpsOf('e1000e');
  test.each<[string, MachineDumps, string]>([
    ['-vv of a machine, -xxxx of another', { lspciHex: nvme.lspciHex, lspciVerbose: e1000e.lspciVerbose, iomem: nvme.iomem }, 'PciFunction 00:01.0: decodeBars: BAR 0'],
    ['-vv without -xxxx', { lspciVerbose: nvme.lspciVerbose }, 'lspci -vv has 00:00.0, but no lspci -xxxx text has its bytes'],
    ['a function twice', { lspciHex: [...nvme.lspciHex, nvme.lspciHex[1]!] }, 'lspci -xxxx has 00:01.0 twice'],
    ['a function twice, once with its domain', { lspciHex: [...nvme.lspciHex, { ...nvme.lspciHex[1]!, slot: '0000:00:01.0' }] }, 'lspci -xxxx has 0000:00:01.0 twice'],
    ['a platform range larger than a region', { iomem: parseIomem('0-ffffffffffffffff : Reserved') }, 'size'],
  ])('%s', (_, dumps, message) => {
    const engine = createEngine();
    expect(() => buildMachine(engine, dumps)).toThrow(RangeError);
    expect(() => buildMachine(engine, dumps)).toThrow(message);
    expect(engine.live()).toEqual(NOTHING);
  });

  test('a core that is full', () => {
    const engine = createEngine({ memoryLimit: 2 ** 20 });
    const config = configBytes({ 0x10: 0xfe00_0000, 0x14: 0xfd00_0000 });
    const text = '00:02.0 Class: X\n\tRegion 0: Memory at fe000000 (32-bit, non-prefetchable) [size=64K]\n\tRegion 1: Memory at fd000000 (32-bit, non-prefetchable) [size=1M]\n';
    expect(() => buildMachine(engine, { ...nvme, lspciHex: hexOf(['00:02.0', config]), lspciVerbose: verboseOf(text) })).toThrow(VfioError);
    expect(engine.live()).toEqual(NOTHING);
  });
});

test('edited dumps give a machine or an error of the documented kinds, and leave nothing', () => {
  const engine = createEngine();
  const edit = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), cut: fc.nat(40), put: fc.constantFrom('', '0', 'f', '\n', '\t', ' ', '-', 'Region 1: ', 'PCI Bus ', '[size=3]', 'ffffffff', '  ', '[disabled]', '00:03.0 ') });
  const edited = (text: string, edits: readonly { at: number; cut: number; put: string }[]): string =>
    edits.reduce((before, { at, cut, put }) => {
      const from = Math.floor(at * before.length);
      return before.slice(0, from) + put + before.slice(from + cut);
    }, text);
  const edits = fc.array(edit, { maxLength: 3 });
  let built = 0;
  fc.assert(
    fc.property(fc.constantFrom(...RECORDED), edits, edits, edits, (name, iomem, hex, verbose) => {
      try {
        const dumps = {
          iomem: parseIomem(edited(textOf(`${name}.iomem`), iomem)),
          lspciHex: parseLspciHex(edited(textOf(`${name}.lspci-xxxx`), hex)),
          lspciVerbose: parseLspciVerbose(edited(textOf(`${name}.lspci-vv`), verbose)),
        };
        describeFunctions(dumps);
        buildMachine(engine, dumps).destroy();
        built++;
      } catch (error) {
        expect([TraceFormatError, RangeError, VfioError].some((kind) => error instanceof kind) || error).toBe(true);
      }
      expect(engine.live()).toEqual(NOTHING);
    }),
    { numRuns: 300, examples: [['nvme', [], [], []]] },
  );
  expect(built).toBeGreaterThan(0);
});

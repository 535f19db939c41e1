// The readers of iomem and lspci texts: recorded machines, malformed lines, any cut, round trips, garbage.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type Chunk, type ChunkSource, type IomemRange, TraceFormatError, formatIomem, formatLspciHex, parseIomem, parseLspciHex, parseLspciVerbose, readIomem,
  readLspciHex, readLspciVerbose,
} from '../../src/trace/index.ts';

const fixture = (name: string) => readFileSync(join(__dirname, `../fixtures/traces/${name}`), 'utf8');

interface Format {
  format: string;
  extension: string;
  parse: (text: Chunk) => unknown[];
  read: (source: ChunkSource) => AsyncGenerator<unknown, void, undefined>;
}
const formats: Format[] = [
  { format: 'iomem', extension: 'iomem', parse: parseIomem, read: readIomem },
  { format: 'lspci-hex', extension: 'lspci-xxxx', parse: parseLspciHex, read: readLspciHex },
  { format: 'lspci-verbose', extension: 'lspci-vv', parse: parseLspciVerbose, read: readLspciVerbose },
];

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
function errorOf(parse: () => unknown): TraceFormatError {
  try {
    parse();
  } catch (error) {
    if (error instanceof TraceFormatError) return error;
    throw error;
  }
  throw new Error('no error');
}

describe('iomem', () => {
  test('the NVMe controller inside its bus inside the tree', () => {
    const tree = parseIomem(fixture('nvme.iomem'));
    expect(tree).toHaveLength(18);
    const bus = tree.find(({ start }) => start === 0xc0000000n)!;
    expect(bus).toEqual({
      start: 0xc0000000n, last: 0xfebfffffn, name: 'PCI Bus 0000:00',
      children: [
        { start: 0xfebf8000n, last: 0xfebfbfffn, name: '0000:00:01.0', children: [{ start: 0xfebf8000n, last: 0xfebfbfffn, name: 'nvme', children: [] }] },
        { start: 0xfebfc000n, last: 0xfebfcfffn, name: '0000:00:1f.2', children: [{ start: 0xfebfc000n, last: 0xfebfcfffn, name: 'ahci', children: [] }] },
      ],
    });
    expect(tree.at(-1)).toEqual({ start: 0xfd00000000n, last: 0xffffffffffn, name: 'Reserved', children: [] });
  });

  test.each(['nvme', 'e1000e'])('%s is written back byte for byte', (name) => {
    expect(formatIomem(parseIomem(fixture(`${name}.iomem`)))).toBe(fixture(`${name}.iomem`));
  });

  test('what a reader sees who is not root', () => {
    expect(parseIomem('00000000-00000000 : Reserved\n  00000000-00000000 : System ROM\n')[0]!.children).toHaveLength(1);
  });

  test.each<[string, number, string]>([
    ['x', 1, '"start-last : name"'],
    ['00-ff: a', 1, '"start-last : name"'],
    ['00-ff : ', 1, '"start-last : name"'],
    ['0-10000000000000000 : a', 1, '1 to 16 hex digits'],
    ['0-ff : a\n100-80 : b', 2, 'a start that is not above the last address'],
    ['0-ff : a\n 0-1 : b', 2, 'two spaces of indentation per level, found 1'],
    ['0-ff : a\n    0-1 : b', 2, 'at most 2 spaces of indentation below the line above, found 4'],
    ['  0-ff : a', 1, 'at most 0 spaces'],
    ['0-ff : a\n  80-100 : b', 2, 'a range inside its parent 0-ff a'],
    ['10-ff : a\n  0-20 : b', 2, 'a range inside its parent 10-ff a'],
    ['0-ff : a\n  0-f : b\n    0-1f : c', 3, 'a range inside its parent 0-f b'],
  ])('%j is refused', (text, line, expected) => {
    const error = errorOf(() => parseIomem(text));
    expect(error).toMatchObject({ format: 'iomem', line, text: text.split('\n')[line - 1] });
    expect(error.expected).toContain(expected);
  });

  test('any tree is written and read back', () => {
    const name = fc.stringMatching(/^[!-~][ -~]{0,11}$/);
    const node = (children: fc.Arbitrary<IomemRange[]>) =>
      fc.record({ start: fc.constant(0n), last: fc.constant((1n << 64n) - 1n), name, children }, { noNullPrototype: true });
    const leaf = node(fc.constant([]));
    const tree = node(fc.array(node(fc.array(leaf, { maxLength: 3 })), { maxLength: 3 }));
    fc.assert(fc.property(fc.array(tree, { maxLength: 4 }), (ranges) => expect(parseIomem(formatIomem(ranges))).toEqual(ranges)));
  });

  test('a tree as deep as the text is long', () => {
    const depth = 2000;
    const text = Array.from({ length: depth }, (_, i) => `${'  '.repeat(i)}00000000-000000ff : a\n`).join('');
    expect(formatIomem(parseIomem(text))).toBe(text);
  });
});

describe('lspci -xxxx', () => {
  test.each(['nvme', 'e1000e'])('%s: five functions of 4096 bytes, written back byte for byte', (name) => {
    const text = fixture(`${name}.lspci-xxxx`);
    const functions = parseLspciHex(text);
    expect(functions.map(({ slot, bytes }) => [slot, bytes.length])).toEqual(['00:00.0', '00:01.0', '00:1f.0', '00:1f.2', '00:1f.3'].map((slot, i) => [slot, [256, 4096, 256, 256, 256][i]]));
    expect(formatLspciHex(functions)).toBe(text);
    expect(formatLspciHex(functions, { emptyLineAtEnd: true })).toBe(`${text}\n`);
    expect(parseLspciHex(`${text}\n\n`)).toEqual(functions);
  });

  test('a domain stays, and the address is read', () => {
    const row = (offset: string) => `${offset}: ${'00 '.repeat(15)}ff\n`;
    const text = `10000:e1:1f.7 X [0000]: Y\n${['00', '10', '20', '30'].map(row).join('')}`;
    const [found] = parseLspciHex(text);
    expect(found).toMatchObject({ slot: '10000:e1:1f.7', address: { domain: 0x10000, bus: 0xe1, device: 31, function: 7 }, headline: 'X [0000]: Y' });
    expect(found!.bytes[15]).toBe(255);
    expect(formatLspciHex([found!])).toBe(text);
  });

  const row = '00: 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff';
  test.each<[string, number, string]>([
    [row, 1, 'a headline "bb:dd.f text" before the first row'],
    ['00:20.0 x', 1, 'a headline "bb:dd.f text", or a row'],
    ['00:01.0 x\n10: 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff', 2, 'row 00'],
    [`00:01.0 x\n${row}\n${row}`, 3, 'row 10'],
    ['00:01.0 x\n00: 00 11', 2, 'a headline "bb:dd.f text", or a row'],
    ['00:01.0 x\n00: 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee fg', 2, 'a headline "bb:dd.f text", or a row'],
    [`00:01.0 x\n${row}\n\n00:02.0 y`, 1, '64, 256 or 4096 bytes after the headline, found 16'],
    ['00:01.0 x', 1, '64, 256 or 4096 bytes after the headline, found 0'],
  ])('%j is refused', (text, line, expected) => {
    const error = errorOf(() => parseLspciHex(text));
    expect(error).toMatchObject({ format: 'lspci-hex', line });
    expect(error.expected).toContain(expected);
  });

  test('a row beyond 4096 bytes, and a length that cannot be written', () => {
    const rows = Array.from({ length: 257 }, (_, i) => `${(i * 16).toString(16).padStart(2, '0')}: ${'00 '.repeat(15)}00`);
    expect(errorOf(() => parseLspciHex(`00:01.0 x\n${rows.join('\n')}`)).line).toBe(258);
    expect(() => formatLspciHex([{ ...parseLspciHex(fixture('nvme.lspci-xxxx'))[0]!, bytes: new Uint8Array(100) }])).toThrow('formatLspciHex: 00:00.0 has 100 bytes');
  });

  test('any functions are written and read back', () => {
    const one = fc.record({
      address: fc.record({ domain: fc.constant(0), bus: fc.nat(255), device: fc.nat(31), function: fc.nat(7) }, { noNullPrototype: true }),
      headline: fc.stringMatching(/^[!-~][ -~]{0,30}$/),
      bytes: fc.constantFrom(64, 256).chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 4 }), (list) => {
        const hex = (n: number) => n.toString(16).padStart(2, '0');
        const functions = list.map((each) => ({ ...each, slot: `${hex(each.address.bus)}:${hex(each.address.device)}.${each.address.function}` }));
        const read = parseLspciHex(formatLspciHex(functions)).map(({ bytes, ...rest }) => ({ ...rest, bytes: [...bytes] }));
        expect(read).toEqual(functions.map(({ bytes, ...rest }) => ({ ...rest, bytes: [...bytes] })));
      }),
    );
  });
});

describe('lspci -vv', () => {
  test('the network controller', () => {
    const nic = parseLspciVerbose(fixture('e1000e.lspci-vv'))[1]!;
    expect(nic).toMatchObject({
      address: { domain: 0, bus: 0, device: 1, function: 0 },
      headline: { className: 'Ethernet controller', classCode: 0x200, device: { name: 'Intel Corporation 82574L Gigabit Network Connection', vendor: 0x8086, device: 0x10d3 }, revision: 0 },
      subsystem: { name: 'Intel Corporation Device', vendor: 0x8086, device: 0 },
      devsel: 'fast', interruptPin: 'A', irq: 21, kernelDriver: 'e1000e', capabilitiesDenied: false, other: ['Latency: 0'],
      rom: { address: 0xfeb40000n, size: 262144n, disabled: true },
      regions: [
        { index: 0, kind: 'memory', address: 0xfeb80000n, size: 131072n, width: 32, prefetchable: false, disabled: false },
        { index: 1, kind: 'memory', address: 0xfeba0000n, size: 131072n, width: 32, prefetchable: false, disabled: false },
        { index: 2, kind: 'io', address: 0xc040n, size: 32n, width: 32, prefetchable: false, disabled: false },
        { index: 3, kind: 'memory', address: 0xfebc0000n, size: 16384n, width: 32, prefetchable: false, disabled: false },
      ],
    });
    expect(nic.control).toEqual({ 'I/O': true, Mem: true, BusMaster: true, SpecCycle: false, MemWINV: false, VGASnoop: false, ParErr: false, Stepping: false, SERR: true, FastB2B: false, DisINTx: true });
    expect(nic.status).toMatchObject({ Cap: true, '>TAbort': false, INTx: false });
    expect(nic.capabilities.map(({ offset, version, name, lines }) => [offset, version, name, lines.length])).toEqual([
      [0xc8, undefined, 'Power Management', 2], [0xd0, undefined, 'MSI', 1], [0xe0, undefined, 'Express', 6], [0xa0, undefined, 'MSI-X', 2],
      [0x100, 2, 'Advanced Error Reporting', 8], [0x140, 1, 'Device Serial Number', 0],
    ]);
  });

  test('headlines with brackets in names, revisions and programming interfaces', () => {
    const sata = parseLspciVerbose(fixture('nvme.lspci-vv'))[3]!;
    expect(sata.headline).toEqual({
      className: 'SATA controller', classCode: 0x106, revision: 2, progIf: { code: 1, name: 'AHCI 1.0' },
      device: { name: 'Intel Corporation 82801IR/IO/IH (ICH9R/DO/DH) 6 port SATA Controller [AHCI mode]', vendor: 0x8086, device: 0x2922 },
    });
    expect(sata.capabilities.map(({ name }) => name)).toEqual(['MSI', 'SATA HBA']);
    expect(parseLspciVerbose('00:02.0 VGA compatible controller: Cirrus Logic GD 5446 (prog-if 00)')[0]!.headline).toEqual({
      className: 'VGA compatible controller', revision: 0, progIf: { code: 0 }, device: { name: 'Cirrus Logic GD 5446' },
    });
  });

  test.each<[string, bigint | null, bigint | null, boolean]>([
    ['Memory at 2fe0000000 (64-bit, prefetchable) [disabled] [size=256M]', 0x2fe0000000n, 1n << 28n, true],
    ['Memory at <unassigned> (32-bit, non-prefetchable) [virtual] [size=1G]', null, 1n << 30n, false],
    ['Memory at <ignored> (low-1M, non-prefetchable)', null, null, false],
    ['I/O ports at e000 [disabled] [size=8]', 0xe000n, 8n, true],
    ['Memory at 380000000000 (64-bit, prefetchable) [size=2T]', 0x380000000000n, 1n << 41n, false],
  ])('%s', (text, address, size, disabled) => {
    expect(parseLspciVerbose(`00:02.0 a: b\n\tRegion 2: ${text}\n`)[0]!.regions).toMatchObject([{ index: 2, address, size, disabled }]);
  });

  test('lines of other hardware, denied capabilities, modules', () => {
    const [found] = parseLspciVerbose(
      '0000:00:02.0 PCI bridge: a\n\tBus: primary=00, secondary=01\n\tCapabilities: <access denied>\n\t\tdetail of nothing\n\tKernel modules: x, y\n\n',
    );
    expect(found).toMatchObject({ capabilities: [], capabilitiesDenied: true, other: ['Bus: primary=00, secondary=01', '\tdetail of nothing'], kernelModules: ['x', 'y'] });
  });

  test.each<[string, number, string]>([
    ['\tControl: I/O+', 1, 'a headline "bb:dd.f class: name" before the first property'],
    ['hello', 1, 'a headline "bb:dd.f class: name", or a tab'],
    ['zz:01.0 a: b', 1, 'a headline "bb:dd.f class: name", or a tab'],
    ['00:01.0 a: b\n\tControl: I/O+ Mem', 2, 'flags "Name+" or "Name-", found "Mem"'],
    ['00:01.0 a: b\n\tStatus: Cap? ', 2, 'flags "Name+" or "Name-"'],
    ['00:01.0 a: b\n\tInterrupt: pin E routed to IRQ 3', 2, '"pin A routed to IRQ n"'],
    ['00:01.0 a: b\n\tRegion 6: I/O ports at c000', 2, '"Region n: Memory at address'],
    ['00:01.0 a: b\n\tRegion 0: Memory at xyz (32-bit, prefetchable)', 2, '"Region n: Memory at address'],
    ['00:01.0 a: b\n\tRegion 0: I/O ports at c000 [size=1Q]', 2, '"Region n: Memory at address'],
    ['00:01.0 a: b\n\tExpansion ROM at fe000000 [size=big]', 2, '"Expansion ROM at address'],
    ['00:01.0 a: b\n\tCapabilities: [4] x', 2, 'a capability "[offset] name"'],
  ])('%j is refused', (text, line, expected) => {
    const error = errorOf(() => parseLspciVerbose(text));
    expect(error).toMatchObject({ format: 'lspci-verbose', line });
    expect(error.expected).toContain(expected);
  });

  test('a flag may have any name', () => {
    const [found] = parseLspciVerbose('00:01.0 a: b\n\tControl: __proto__+ constructor-\n');
    expect(Object.entries(found!.control)).toEqual([['__proto__', true], ['constructor', false]]);
  });
});

describe.each(formats)('$format', ({ format, extension, parse, read }) => {
  const text = fixture(`nvme.${extension}`);
  const want = parse(text);

  test('from a stream in chunks of any length, as bytes and as strings, with CRLF, without the last line end', async () => {
    const bytes = new TextEncoder().encode(text);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 700 }), async (length) => {
        const cut = Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) => bytes.slice(i * length, (i + 1) * length));
        expect(await collect(read(cut))).toEqual(want);
        expect(await collect(read(cut.map((chunk) => String.fromCharCode(...chunk))))).toEqual(want);
      }),
      { numRuns: 20 },
    );
    expect(parse(text.replaceAll('\n', '\r\n'))).toEqual(want);
    expect(parse(text.trimEnd())).toEqual(want);
    expect(parse('')).toEqual([]);
  });

  test('any text gives records or a TraceFormatError of this format', () => {
    const check = (garbage: Chunk) => {
      try {
        parse(garbage);
      } catch (error) {
        if (!(error instanceof TraceFormatError)) throw error;
        expect(error.format).toBe(format);
        expect(error.text.length).toBeLessThanOrEqual(80);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check));
    // The recorded text with something else put somewhere in it: most lines stay good, so that the reader gets deep.
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(40), fc.string({ maxLength: 30 }), (at, removed, put) => check(text.slice(0, at) + put + text.slice(at + removed))),
    );
  });

  // A pattern that backtracks would run into the test's time-out here.
  test('a line made to be slow to match ends', () => {
    for (const part of [' (prog-if 00 [', ' [0000]: ', ' [8086:0000]', '+ ', ' [', '  ']) {
      const line = `00:01.0 a: ${part.repeat(16000 / part.length)}`;
      try {
        parse(`00:01.0 a: b\n\tCapabilities: [40] ${part.repeat(16000 / part.length)}`);
        parse(line);
      } catch (error) {
        expect(error).toBeInstanceOf(TraceFormatError);
      }
    }
  });
});

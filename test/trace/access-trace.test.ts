// The access trace reader and writer: the recorded traces, every kind of malformed line, any cut of the text, round trips.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  ACCESS_PORT, ACCESS_READ, ACCESS_TRACE_HEADER, ACCESS_WRITE, type Access, type AccessBlock, type Chunk, MAX_LINE_BYTES, MAX_REGION_NAMES,
  TraceFormatError, accessAt, accessesOf, createAccessTraceParser, formatAccess, formatAccessBlock, formatAccessTrace, parseAccessBlocks,
  readAccessBlocks, readAccesses,
} from '../../src/trace/index.ts';

const load = (name: string) => new Uint8Array(gunzipSync(readFileSync(join(__dirname, `../fixtures/traces/${name}.trace.gz`))));
const traces = { nvme: load('nvme'), e1000e: load('e1000e') };
/** The recorder noted what QEMU's device code returned, at times with more bits than the CPU asked for. */
const recorded = { wideReads: 'cut' } as const;
const cutValue = (size: bigint, value: bigint) => BigInt.asUintN(Number(size) * 8, value);

const recordsOf = (blocks: AccessBlock[]) => blocks.flatMap((block) => [...accessesOf(block)]);
const parse = (...chunks: Chunk[]) => {
  const parser = createAccessTraceParser({ blockLength: 7 });
  const blocks = chunks.flatMap((chunk) => parser.push(chunk));
  return recordsOf([...blocks, ...parser.end()]);
};
/** The result of a parse, or what it complained of: comparable either way. */
const outcome = (...chunks: Chunk[]) => {
  try {
    return parse(...chunks);
  } catch (error) {
    if (!(error instanceof TraceFormatError)) throw error;
    return { line: error.line, text: error.text, expected: error.expected };
  }
};
const errorOf = (text: Chunk) => {
  const found = outcome(text);
  if (Array.isArray(found)) throw new Error(`no error in ${JSON.stringify(text)}`);
  return found;
};

const arbitraryAccess: fc.Arbitrary<Access> = fc.constantFrom(1, 2, 4, 8).chain((size) =>
  fc.record({
    op: fc.constantFrom('R' as const, 'W' as const),
    space: fc.constantFrom('M' as const, 'P' as const),
    size: fc.constant(size),
    address: fc.oneof(fc.bigInt(0n, 0xffffffffn), fc.bigInt(0n, (1n << 64n) - BigInt(size)), fc.constant((1n << 64n) - BigInt(size))),
    value: fc.oneof(fc.constant(0n), fc.constant((1n << BigInt(8 * size)) - 1n), fc.bigInt(0n, (1n << BigInt(8 * size)) - 1n)),
    region: fc.oneof(fc.constantFrom('nvme', 'pci-conf-idx', 'größe', '🍁bar'), fc.stringMatching(/^[!-~]{1,20}$/)),
  }),
);

describe('the recorded traces', () => {
  test.each([['nvme', 128316], ['e1000e', 157886]] as const)('%s has %d accesses', (name, count) => {
    const blocks = parseAccessBlocks(traces[name], recorded);
    expect(blocks.reduce((sum, block) => sum + block.length, 0)).toBe(count);
    const text = new TextDecoder().decode(traces[name]);
    const lines = text.trimEnd().split('\n').slice(1).map((line) => line.split(' '));
    // A second, slow reading: sums per field must agree.
    const slow = { reads: 0, ports: 0, bytes: 0, addresses: 0n, values: 0n, regions: {} as Record<string, number> };
    for (const [op, space, size, address, value, region] of lines) {
      if (op === 'R') slow.reads++;
      if (space === 'P') slow.ports++;
      slow.bytes += Number(size);
      slow.addresses += BigInt(`0x${address}`);
      slow.values += cutValue(BigInt(size!), BigInt(`0x${value}`));
      slow.regions[region!] = (slow.regions[region!] ?? 0) + 1;
    }
    const fast = { reads: 0, ports: 0, bytes: 0, addresses: 0n, values: 0n, regions: {} as Record<string, number> };
    for (const block of blocks) {
      for (let i = 0; i < block.length; i++) {
        if (block.op[i] === ACCESS_READ) fast.reads++;
        if (block.space[i] === ACCESS_PORT) fast.ports++;
        fast.bytes += block.size[i]!;
        const access = accessAt(block, i);
        fast.addresses += access.address;
        fast.values += access.value;
        fast.regions[access.region] = (fast.regions[access.region] ?? 0) + 1;
      }
    }
    expect(fast).toEqual(slow);
  });

  test('what the drivers did, counted', () => {
    const count = (name: keyof typeof traces, region: string, op: number) =>
      parseAccessBlocks(traces[name], recorded).reduce((sum, block) => sum + block.region.filter((index, i) => block.names[index] === region && block.op[i] === op).length, 0);
    expect(count('nvme', 'nvme', ACCESS_WRITE)).toBe(12615);
    expect(count('nvme', 'nvme', ACCESS_READ)).toBe(30);
    expect(count('e1000e', 'e1000e-mmio', ACCESS_WRITE)).toBe(3666);
    expect(count('e1000e', 'e1000e-mmio', ACCESS_READ)).toBe(1707);
    expect(count('nvme', 'hpet', ACCESS_READ)).toBe(1023);
  });

  test.each(['nvme', 'e1000e'] as const)('%s is written back byte for byte, but for 8,334 reads that say more than the CPU saw', (name) => {
    const blocks = parseAccessBlocks(traces[name], recorded);
    const written = `${ACCESS_TRACE_HEADER}\n${blocks.map(formatAccessBlock).join('')}`.split('\n');
    const original = new TextDecoder().decode(traces[name]).split('\n');
    expect(written).toHaveLength(original.length);
    const different = original.flatMap((line, i) => (line === written[i] ? [] : [[line, written[i]!] as const]));
    expect(different).toHaveLength(8334);
    for (const [before, after] of different) {
      const [op, space, size, address, value, region] = before.split(' ');
      expect(op).toBe('R');
      expect(after).toBe([op, space, size, address, cutValue(BigInt(size!), BigInt(`0x${value}`)).toString(16), region].join(' '));
    }
    // What was cut is not malformed any more.
    expect(parseAccessBlocks(written.join('\n')).length).toBe(blocks.length);
  });

  test('a read of an absent port is the first that says more than it may', () => {
    expect(() => parseAccessBlocks(traces.nvme)).toThrow('access-trace: line 166: expected a value (field 5) that fits 1 byte in "R P 1 402 ffffffffffffffff io"');
  });

  test('from an async stream in odd chunks, into blocks of the asked length', async () => {
    async function* chunks() {
      for (let at = 0; at < traces.nvme.length; at += 4099) yield traces.nvme.subarray(at, at + 4099);
    }
    let total = 0;
    const lengths = new Set<number>();
    for await (const block of readAccessBlocks(chunks(), { ...recorded, blockLength: 1000 })) {
      total += block.length;
      lengths.add(block.length);
      expect(block.valueLow).toHaveLength(block.length);
    }
    expect(total).toBe(128316);
    expect([...lengths]).toEqual([1000, 316]);
  });

  test('a caller may fill a chunk anew after handing it over', async () => {
    const buffer = new Uint8Array(1021);
    function* reused() {
      for (let at = 0; at < 40000; at += buffer.length) {
        buffer.set(traces.nvme.subarray(at, at + buffer.length));
        yield buffer.subarray(0, Math.min(buffer.length, 40000 - at));
      }
    }
    const head = traces.nvme.slice(0, 40000);
    const cutAt = head.lastIndexOf(10) + 1;
    const got: Access[] = [];
    try {
      for await (const access of readAccesses(reused(), recorded)) got.push(access);
    } catch (error) {
      expect(error).toBeInstanceOf(TraceFormatError); // the last line is cut
    }
    expect(recordsOf(parseAccessBlocks(head.slice(0, cutAt), recorded)).slice(0, got.length)).toEqual(got);
  });
});

describe('malformed lines', () => {
  const good = 'R M 4 fed000f0 1f hpet';
  test.each<[string, string, RegExp]>([
    ['empty', '', /six fields/],
    ['too few fields', 'R M 4', /six fields/],
    ['two spaces', 'R  M 4 0 0 x', /six fields/],
    ['a tab', 'R\tM 4 0 0 x', /six fields/],
    ['op', 'X M 4 0 0 x', /R or W as op \(field 1\)/],
    ['lower-case op', 'r M 4 0 0 x', /R or W as op \(field 1\)/],
    ['space', 'R Q 4 0 0 x', /M or P as space \(field 2\)/],
    ['size 3', 'R M 3 0 0 x', /1, 2, 4 or 8 as size \(field 3\)/],
    ['size 16', 'R M 16 0 0 x', /six fields/],
    ['address not hex', 'R M 4 g 0 x', /hex digits and a space as address \(field 4\)/],
    ['address with 0x', 'R M 4 0x10 0 x', /address \(field 4\)/],
    ['address of 17 digits', 'R M 4 00000000000000001 0 x', /address \(field 4\)/],
    ['address missing', 'R M 4  0 x', /address \(field 4\)/],
    ['address then nothing', 'R M 4 10', /address \(field 4\)/],
    ['last byte beyond 2^64-1', 'R M 4 fffffffffffffffd 0 x', /last byte of 4 is not beyond/],
    ['value not hex', 'R M 4 0 -1 x', /value \(field 5\)/],
    ['value of 17 digits', 'R M 8 0 00000000000000000 x', /value \(field 5\)/],
    ['value too large for 1', 'R M 1 0 100 x', /fits 1 byte$/],
    ['value too large for 2', 'R M 2 0 10000 x', /fits 2 bytes$/],
    ['value too large for 4', 'R M 4 0 100000000 x', /fits 4 bytes$/],
    ['no region', 'R M 4 0 0', /value \(field 5\)/],
    ['empty region', 'R M 4 0 0 ', /one region name/],
    ['two regions', 'R M 4 0 0 a b', /one region name/],
    ['trailing space', 'R M 4 0 0 a ', /one region name/],
    ['leading space', ' R M 4 0 0 a', /six fields/],
    ['a control character', 'R M 4 0 0 a\u0007', /one region name/],
  ])('%s', (_, bad, expected) => {
    const found = errorOf(`# comment\n${good}\n${bad}\n${good}\n`);
    expect(found.line).toBe(3);
    expect(found.text).toBe(bad);
    expect(found.expected).toMatch(expected);
  });

  test('the message names format, line, text and what was expected', () => {
    expect(() => parse(`${good}\nR M 3 0 0 x\n`)).toThrow(new TraceFormatError('access-trace', 2, 'R M 3 0 0 x', '1, 2, 4 or 8 as size (field 3)'));
    expect(() => parse(`${good}\nR M 3 0 0 x\n`)).toThrow('access-trace: line 2: expected 1, 2, 4 or 8 as size (field 3) in "R M 3 0 0 x"');
  });

  test('a long line is cut to 80 characters, an endless one is not kept', () => {
    expect(errorOf(`X${'y'.repeat(5000)}\n`).text).toHaveLength(80);
    const parser = createAccessTraceParser();
    const feed = () => {
      for (let i = 0; i < 1000; i++) parser.push('a'.repeat(1000));
    };
    expect(feed).toThrow(`a line of at most ${MAX_LINE_BYTES} bytes`);
  });

  test('more region names than an index can hold', () => {
    const text = Array.from({ length: MAX_REGION_NAMES + 1 }, (_, i) => `R M 1 0 0 r${i}\n`).join('');
    expect(errorOf(text)).toMatchObject({ line: MAX_REGION_NAMES + 1, expected: expect.stringContaining('65536 different region names') });
  });

  test('a block length that is none', () => {
    expect(() => createAccessTraceParser({ blockLength: 0 })).toThrow('createAccessTraceParser: blockLength 0 is not an integer in 1..16777216');
  });

  test('an index beyond a block', () => {
    const [block] = parseAccessBlocks(`${good}\n`);
    expect(() => accessAt(block!, 1)).toThrow('accessAt: index 1 is not an integer in 0..0');
  });
});

test('reads of too many bits are cut on demand, writes never', () => {
  const values = (text: string) => recordsOf(parseAccessBlocks(text, { wideReads: 'cut' })).map(({ value }) => value);
  expect(values('R P 1 402 ffffffffffffffff io\nR P 2 cfc abcdef12 io\nR M 4 0 9896808086a201 hpet\nR M 8 0 9896808086a201 hpet\n')).toEqual([
    0xffn, 0xef12n, 0x8086a201n, 0x9896808086a201n,
  ]);
  expect(() => values('W P 1 402 100 io\n')).toThrow('a value (field 5) that fits 1 byte');
});

describe('forms that are fine', () => {
  const want = [{ op: 'W', space: 'P', size: 2, address: 0xcf8n, value: 0xabcdn, region: 'größe' }];
  test.each(['W P 2 cf8 abcd größe', 'W P 2 cf8 abcd größe\n', 'W P 2 CF8 ABCD größe\r\n', '# a\r\nW P 2 0000000000000cf8 0abcd größe\r\n# b\n#'])('%j', (text) => {
    expect(parse(text)).toEqual(want);
    expect(parse(new TextEncoder().encode(text))).toEqual(want);
  });

  test('nothing, and only comments', () => {
    expect(parse('')).toEqual([]);
    expect(parse('#\n# x')).toEqual([]);
  });

  test('the ends of the 64-bit range', () => {
    expect(parse('R M 8 fffffffffffffff8 ffffffffffffffff x\nW M 1 ffffffffffffffff ff x\n').map(({ address, value }) => [address, value])).toEqual([
      [0xfffffffffffffff8n, 0xffffffffffffffffn], [0xffffffffffffffffn, 0xffn],
    ]);
  });
});

describe('properties', () => {
  /** Cuts `whole` at the given places into chunks. */
  const cutAt = <T extends { length: number; slice(from: number, to?: number): T }>(whole: T, places: number[]) => {
    const sorted = [0, ...places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b), whole.length];
    return sorted.slice(1).map((to, i) => whole.slice(sorted[i]!, to));
  };
  const lines = fc.array(fc.oneof({ weight: 20, arbitrary: arbitraryAccess.map(formatAccess) }, { weight: 1, arbitrary: fc.constantFrom('# kömment', 'R M 3 0 0 x', '', '🍁') }), { maxLength: 12 });
  const text = fc.tuple(lines, fc.constantFrom('\n', '\r\n'), fc.boolean()).map(([each, end, last]) => each.join(end) + (last ? end : ''));
  const places = fc.array(fc.nat(), { maxLength: 8 });

  test('any cut of the text gives the same accesses, or the same error', () => {
    fc.assert(
      fc.property(text, places, places, (whole, first, second) => {
        const bytes = new TextEncoder().encode(whole);
        const want = outcome(bytes);
        expect(outcome(...cutAt(bytes, first))).toEqual(want);
        expect(outcome(...cutAt(whole, second))).toEqual(want);
        expect(outcome(...Array.from(bytes, (_, i) => bytes.slice(i, i + 1)))).toEqual(want);
        expect(outcome(...whole.split(''))).toEqual(want);
      }),
    );
  });

  test('bytes and strings may alternate', () => {
    fc.assert(
      fc.property(text, places, (whole, cuts) => {
        const chunks = cutAt([...whole], cuts).map((chars, i) => (i % 2 === 0 ? chars.join('') : new TextEncoder().encode(chars.join(''))));
        expect(outcome(...chunks)).toEqual(outcome(whole));
      }),
    );
  });

  test('what is written is read back, by access and by block', () => {
    fc.assert(
      fc.property(fc.array(arbitraryAccess, { maxLength: 40 }), (accesses) => {
        const written = formatAccessTrace(accesses);
        expect(parse(written)).toEqual(accesses);
        expect(`${ACCESS_TRACE_HEADER}\n${parseAccessBlocks(written, { blockLength: 5 }).map(formatAccessBlock).join('')}`).toBe(written);
      }),
    );
  });

  test('any bytes give accesses or a TraceFormatError', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void outcome(bytes)));
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'RWMP1248 0af\n\r#xé'), maxLength: 60 }), (garbage) => void outcome(garbage)));
  });

  test.each<[Partial<Access>, string]>([
    [{ size: 3 }, 'size 3 is not 1, 2, 4 or 8'],
    [{ address: -1n }, '4 bytes at address -1 are not inside'],
    [{ address: (1n << 64n) - 3n }, 'are not inside 0..2^64-1'],
    [{ value: 1n << 32n }, 'value 4294967296 is not below 2^32'],
    [{ value: -1n }, 'value -1 is not below'],
    [{ region: '' }, 'region "" is empty'],
    [{ region: 'a b' }, 'region "a b" is empty or has white space'],
  ])('the writer refuses %j', (change, message) => {
    const good: Access = { op: 'R', space: 'M', size: 4, address: 0n, value: 0n, region: 'x' };
    expect(() => formatAccess({ ...good, ...change })).toThrow(RangeError);
    expect(() => formatAccess({ ...good, ...change })).toThrow(message);
  });
});

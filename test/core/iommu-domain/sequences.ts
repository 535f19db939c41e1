// Histories of a domain that chance brings about too seldom, each named after what it leads to.

import { type Op } from './pair.ts';

const PAGE = 0x1000n;
const map = (first: bigint, bytes: bigint, region = 0, position = 0n): Op => ({ do: 'map', first, bytes, region, position, readable: true, writable: true });
const pages = (iovas: bigint[], bytes = PAGE): Op => ({ do: 'mapPages', iovas, positions: iovas.map((_, i) => BigInt(i % 5) * PAGE), bytes, region: 0, writable: true });
const unmap = (first: bigint, bytes: bigint): Op => ({ do: 'unmap', first, last: first + bytes - 1n });
const many = (n: number, first: bigint, stride: bigint): bigint[] => Array.from({ length: n }, (_, i) => first + BigInt(i) * stride);

export const sequences: Readonly<Record<string, readonly Op[]>> = {
  'D-unmap cuts a range in two; one rest goes, others take its record, the other rest stays what it was': [
    map(0n, 3n * PAGE, 1, PAGE),
    unmap(PAGE, PAGE),
    unmap(0n, PAGE),
    map(8n * PAGE, PAGE, 0, 2n * PAGE),
    map(9n * PAGE, PAGE, 0, 3n * PAGE),
    { do: 'write', iova: 2n * PAGE, bytes: 64, seed: 3 },
  ],
  'D-unmap twice from the same range': [map(0n, 5n * PAGE), unmap(PAGE, PAGE), unmap(3n * PAGE, PAGE), unmap(2n * PAGE, PAGE), map(PAGE, PAGE, 1), unmap(0n, PAGE), map(0n, PAGE, 1, PAGE)],
  'D-dirty an unmapped page is clean when it is mapped again': [
    { do: 'track', on: true },
    map(0n, 2n * PAGE),
    { do: 'write', iova: PAGE - 8n, bytes: 16, seed: 1 },
    unmap(0n, PAGE),
    map(0n, PAGE),
    { do: 'readDirty', first: 0n, last: 2n * PAGE - 1n, shift: 12, clear: false },
  ],
  'D-dirty half of a page goes: the page keeps its mark, and others keep theirs': [
    { do: 'track', on: true },
    map(0n, 0x800n),
    map(0x800n, 0x800n, 0, 0x800n),
    map(3n * PAGE, PAGE, 0, PAGE),
    { do: 'write', iova: 0n, bytes: 4, seed: 1 },
    { do: 'write', iova: 3n * PAGE, bytes: 4, seed: 2 },
    unmap(0x800n, 0x800n),
    { do: 'readDirty', first: 0n, last: 4n * PAGE - 1n, shift: 12, clear: false },
  ],
  'D-dirty an unmap that ends inside a page leaves that one its mark': [
    { do: 'track', on: true },
    map(0n, PAGE),
    map(PAGE, 0x800n, 0, PAGE),
    map(PAGE + 0x800n, 0x800n, 0, PAGE + 0x800n),
    { do: 'write', iova: PAGE - 4n, bytes: 8, seed: 1 },
    unmap(0n, PAGE + 0x800n),
    { do: 'readDirty', first: 0n, last: 2n * PAGE - 1n, shift: 12, clear: false },
  ],
  'D-read a dirty page that lies in two bits sets both': [
    { do: 'track', on: true },
    map(0n, 4n * PAGE),
    { do: 'write', iova: 2n * PAGE, bytes: 4, seed: 1 },
    { do: 'readDirty', first: 0x800n, last: 0x37ffn, shift: 12, clear: false },
  ],
  'D-copy bytes that were written': [map(0n, PAGE), map(4n * PAGE, PAGE, 1), { do: 'write', iova: 0n, bytes: 99, seed: 5 }, { do: 'copy', to: 4n * PAGE + 3n, from: 1n, bytes: 90 }, { do: 'read', iova: 4n * PAGE, bytes: 100 }],
  'D-map-pages that overlap by one byte, into nothing': [pages([0x10_0000n, 0x10_0000n + PAGE - 1n])],
  'D-map-pages where one begins in the last byte of a range, beside the one before': [map(0n, PAGE), map(0x2000n, 0x801n), map(0x9000n, PAGE), map(0xa000n, PAGE), pages([0x1000n, 0x2800n], 0x800n)],
  'D-map-pages where one begins in the last byte of all ranges, among many': [map(0n, 0x801n), pages([0x800n, 0x1000n, 0x2000n, 0x3000n, 0x4000n], 0x800n)],
  'D-map-pages where one ends in the first byte of a range': [map(0x2000n, PAGE), map(0x9000n, PAGE), pages([0x1000n, 0x1801n], 0x800n), pages([0x1000n, 0x1800n], 0x800n)],
  'D-read over the borders of leaves': [pages(many(40, 0n, PAGE)), { do: 'read', iova: 5n, bytes: 39 * 4096 }],
};

/** Pages among which one was there: they fail, and take nothing with them. In the first chunk of records there is room for all of them, once. */
export const refused = { there: many(50, 0n, 4n * PAGE), pages: [...many(199, 2n * PAGE, 4n * PAGE), 40n * PAGE], good: many(200, 2n * PAGE, 4n * PAGE) };

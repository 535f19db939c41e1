// The archive of the guest's first file system holds what was packed, as the kernel reads it.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ask } from './ask.ts';

interface Member {
  readonly path: string;
  readonly mode: number;
  readonly bytes: Buffer;
  readonly device: readonly number[];
}

/** Reads an archive as the kernel's initramfs code does: header, name and bytes begin at multiples of 4. */
function unpack(archive: Buffer): Member[] {
  const members: Member[] = [];
  for (let at = 0; ; ) {
    expect(archive.toString('latin1', at, at + 6)).toBe('070701');
    const field = (index: number): number => parseInt(archive.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const [size, nameSize] = [field(6), field(11)];
    const path = archive.toString('utf8', at + 110, at + 110 + nameSize - 1);
    expect(archive[at + 110 + nameSize - 1]).toBe(0);
    const start = (at + 110 + nameSize + 3) & ~3;
    if (path === 'TRAILER!!!') {
      expect(start).toBe(archive.length);
      return members;
    }
    members.push({ path, mode: field(1), bytes: archive.subarray(start, start + size), device: [field(9), field(10)] });
    at = (start + size + 3) & ~3;
  }
}

const name = fc.stringMatching(/^[a-z0-9._-]{1,12}$/).filter((text) => text !== '.' && text !== '..');
const entry = fc.record({ path: name, mode: fc.constantFrom(0o100644, 0o100755, 0o120777), bytes: fc.uint8Array({ maxLength: 40 }) });

test('what is packed is unpacked, whatever the lengths of names and bytes', () => {
  const lists = fc.sample(fc.uniqueArray(entry, { maxLength: 6, selector: ({ path }) => path }), { numRuns: 200, seed: 20261122 });
  const answers = ask(...lists.map((list) => ['cpio', list] as const));
  for (const [i, { value }] of answers.entries()) {
    expect(unpack(value as Buffer)).toEqual(lists[i]!.map(({ path, mode, bytes }) => ({ path, mode, bytes: Buffer.from(bytes), device: [0, 0] })));
  }
});

test('nodes keep their numbers', () => {
  const [{ value } = {}] = ask(['cpio', [{ path: 'dev', mode: 0o040755 }, { path: 'dev/console', mode: 0o020600, device: [5, 1] }]]);
  expect(unpack(value as Buffer)).toMatchObject([{ path: 'dev', mode: 0o040755 }, { path: 'dev/console', mode: 0o020600, device: [5, 1] }]);
});

test.each([
  ['an absolute path', [{ path: '/init', mode: 0o100755 }], 'RangeError: cpio: path "/init"; expected a relative one, once'],
  ['an empty path', [{ path: '', mode: 0o100755 }], 'RangeError: cpio: path ""; expected a relative one, once'],
  ['a path that is there', [{ path: 'a', mode: 0o100644 }, { path: 'a', mode: 0o100644 }], 'RangeError: cpio: path "a"; expected a relative one, once'],
  ['the name that ends an archive', [{ path: 'TRAILER!!!', mode: 0o100644 }], 'RangeError: cpio: path "TRAILER!!!"; expected a relative one, once'],
  ['a file before its folder', [{ path: 'bin/sh', mode: 0o100755 }], 'RangeError: cpio: bin/sh comes before its folder bin'],
  ['a file in a file', [{ path: 'bin', mode: 0o100644 }, { path: 'bin/sh', mode: 0o100755 }], 'RangeError: cpio: bin/sh comes before its folder bin'],
])('%s is refused', (_, entries, error) => {
  expect(ask(['cpio', entries])).toEqual([{ error }]);
});

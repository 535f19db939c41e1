// Which packages the guest is made of, and when a folder passes for a guest.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from './ask.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maplebar-guest-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the kernel', () => {
  test.each([
    [['linux-image-6.1.0-9-686', 'linux-image-6.1.0-50-686-unsigned', 'linux-image-6.1.0-47-686'], 'linux-image-6.1.0-50-686-unsigned'],
    [['linux-image-6.1.0-50-686', 'linux-image-6.1.0-50-686-unsigned'], 'linux-image-6.1.0-50-686-unsigned'],
    [['linux-image-6.1.0-50-686'], 'linux-image-6.1.0-50-686'],
    [['linux-image-6.1.0-50-686-pae', 'linux-image-6.1.0-50-rt-686-pae', 'linux-image-6.1.0-50-686-dbg', 'linux-image-6.12.0-60-686', 'linux-image-686'], undefined],
    [[], undefined],
  ])('of %j is %s: the newest of 6.1 without PAE', (names, kernel) => {
    expect(ask(['newestKernel', names])).toEqual([{ value: kernel }]);
  });
});

describe('sources', () => {
  test('are those of Debian among the machine\'s, for any architecture', () => {
    mkdirSync(join(folder, 'sources.list.d'));
    writeFileSync(join(folder, 'sources.list'), '# a comment\ndeb [arch=amd64 signed-by=/key] http://mirror.example/debian bookworm main\ndeb http://vendor.example/repo bookworm main\ndeb-src http://mirror.example/debian bookworm main\n');
    writeFileSync(join(folder, 'sources.list.d/both.sources'), 'Types: deb\nURIs: https://mirror.example/debian/\nSuites: bookworm\nArchitectures: amd64\n\nTypes: deb\nURIs: https://vendor.example/node\nSuites: nodistro\n');
    writeFileSync(join(folder, 'sources.list.d/both.sources.save'), 'Types: deb\nURIs: https://old.example/debian\nSuites: bookworm\n');
    expect(ask(['debianSources', folder])).toEqual([{
      value: [
        { name: 'sources.list', text: 'deb [signed-by=/key] http://mirror.example/debian bookworm main\n' },
        { name: 'both.sources', text: 'Types: deb\nURIs: https://mirror.example/debian/\nSuites: bookworm\n' },
      ],
    }]);
  });

  test('of a machine without apt are none', () => {
    expect(ask(['debianSources', join(folder, 'nothing')])).toEqual([{ value: [] }]);
  });
});

describe('a folder', () => {
  const [{ value: recipe } = {}] = ask(['recipe']);
  const manifest = { recipe, files: { vmlinuz: { bytes: 5, sha256: '' } } };
  const there = (): unknown => ask(['guestIn', folder])[0]!.value;

  test('with every file of its manifest is a guest', () => {
    writeFileSync(join(folder, 'vmlinuz'), '12345');
    ask(['writeManifest', folder, manifest]);
    expect(there()).toEqual(manifest);
  });

  test.each([
    ['nothing', () => undefined],
    ['a file that is missing', () => rmSync(join(folder, 'vmlinuz'))],
    ['a file that was cut off', () => writeFileSync(join(folder, 'vmlinuz'), '1234')],
    ['another recipe', () => void ask(['writeManifest', folder, { ...manifest, recipe: 'another' }])],
    ['a manifest that is no JSON', () => writeFileSync(join(folder, 'guest.json'), '{')],
  ])('with %s is none', (what, change) => {
    if (what !== 'nothing') {
      writeFileSync(join(folder, 'vmlinuz'), '12345');
      ask(['writeManifest', folder, manifest]);
    }
    change();
    expect(there()).toBeUndefined();
  });
});

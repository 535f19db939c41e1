// Which QEMU will do, what a machine must have, and when a folder passes for one of QEMU's.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from '../guest/ask.ts';

test('QEMU has vfio-user-pci from 10.1 on', () => {
  const versions = ['1:11.1.3+ds-1~bpo13+1', '1:10.1.0+ds-1', '10.2', '1:10.0.13+ds-0+deb13u1', '1:7.2+dfsg-7', '1:9.10', '', 'unknown'];
  expect(ask(...versions.map((version) => ['isNewEnough', version] as const)).map(({ value }) => value)).toEqual([true, true, true, false, false, false, false, false]);
});

test('QEMU is run by the linker of its own folder, with its libraries and firmware', () => {
  const [{ value } = {}] = ask(['qemuCommand', '/there']);
  const { command, args, env } = value as { command: string; args: string[]; env: Record<string, string> };
  expect(command).toBe('/there/usr/lib64/ld-linux-x86-64.so.2');
  expect(args.slice(0, 2)).toEqual(['--library-path', '/there/usr/lib/x86_64-linux-gnu:/there/usr/lib/x86_64-linux-gnu/blas:/there/usr/lib/x86_64-linux-gnu/lapack']);
  expect([...args, ...Object.values(env)].filter((arg) => arg.includes('/')).every((arg) => arg.includes('/there/'))).toBe(true);
});

describe('a machine is refused', () => {
  const able = { isThere: false, processor: 'x64', platform: 'linux', missing: [], hasCompiler: true };
  const cases = [
    [{}, undefined],
    [{ processor: 'arm64' }, 'the packages are for Linux on x64, and this is linux on arm64'],
    [{ platform: 'darwin' }, 'the packages are for Linux on x64, and this is darwin on x64'],
    [{ missing: ['apt-get', 'dpkg-deb'] }, 'no apt: apt-get, dpkg-deb not found'],
    [{ hasCompiler: false }, 'no compiler: gcc not found, and the guest has a program of test/qemu/guest/ (apt-get install gcc libc6-dev)'],
  ] as const;
  const answers = ask(...cases.map(([parts]) => ['whyNoQemu', { ...able, ...parts }] as const));
  test.each(cases.map((one, i) => [...one, i] as const))('%j: %s', (_, why, i) => {
    expect(answers[i]).toEqual({ value: why });
  });
});

describe('sources of a newer release', () => {
  test('are of the mirror that the machine has', () => {
    const own = [{ name: 'a.list', text: 'deb http://mirror.example/debian-security bookworm-security main\n' }, { name: 'b.sources', text: 'Types: deb\nURIs: https://mirror.example/debian/\nSuites: bookworm\n' }];
    expect(ask(['mirrorOf', own], ['mirrorOf', own.slice(0, 1)], ['mirrorOf', []])).toEqual([{ value: 'https://mirror.example/debian' }, { value: undefined }, { value: undefined }]);
  });

  test('name each suite once', () => {
    const [{ value } = {}] = ask(['mirrorSources', 'http://mirror.example/debian', ['trixie', 'trixie-backports']]);
    const [{ text } = { text: '' }] = value as { text: string }[];
    expect(text.trimEnd().split('\n').map((line) => line.replace(/ \[.*\]/, ''))).toEqual(['deb http://mirror.example/debian trixie main', 'deb http://mirror.example/debian trixie-backports main']);
  });
});

test('the kernel is the newest of 6.1 of its flavour', () => {
  const names = ['linux-image-6.1.0-56-amd64-unsigned', 'linux-image-6.1.0-50-686', 'linux-image-6.1.0-47-amd64', 'linux-image-6.1.0-57-cloud-amd64', 'linux-image-6.12.0-60-amd64'];
  expect(ask(['newestKernel', names, 'amd64'], ['newestKernel', names])).toEqual([{ value: 'linux-image-6.1.0-56-amd64-unsigned' }, { value: 'linux-image-6.1.0-50-686' }]);
});

test("the archive has an init of its caller's, and its files", () => {
  const more = [{ path: 'usr/share/misc/pci.ids', mode: 0o100644, bytes: Buffer.from('ids') }];
  const [{ value } = {}] = ask(['initramfs', { busybox: Buffer.from('busybox'), release: '6.1', modules: [], init: 'the first program', more }]);
  const text = (value as Buffer).toString('latin1');
  for (const part of ['the first program', 'usr\0', 'usr/share\0', 'usr/share/misc\0', 'usr/share/misc/pci.ids\0']) expect(text).toContain(part);
});

describe('a folder', () => {
  const [{ value: recipe } = {}] = ask(['qemuRecipe']);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'maplebar-qemu-'));
    mkdirSync(join(folder, 'root'));
    writeFileSync(join(folder, 'vmlinuz'), '12345');
    writeFileSync(join(folder, 'qemu.json'), JSON.stringify({ recipe, files: { vmlinuz: 5 } }));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('with QEMU and every file of its manifest is whole', () => {
    expect(ask(['qemuIn', folder])).toEqual([{ value: { recipe, files: { vmlinuz: 5 } } }]);
  });

  test.each([
    ['without a manifest', () => rmSync(join(folder, 'qemu.json'))],
    ['without QEMU', () => rmSync(join(folder, 'root'), { recursive: true })],
    ['with a file that was cut off', () => writeFileSync(join(folder, 'vmlinuz'), '1234')],
    ['of another recipe', () => writeFileSync(join(folder, 'qemu.json'), '{ "recipe": "another", "files": {} }')],
    ['with a manifest that is no JSON', () => writeFileSync(join(folder, 'qemu.json'), '{')],
  ])('%s is none', (_, change) => {
    change();
    expect(ask(['qemuIn', folder])).toEqual([{ value: undefined }]);
  });
});

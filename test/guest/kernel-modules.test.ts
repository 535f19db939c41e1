// Of a kernel's modules those are taken that are asked for and all that they need, in an order in which they can be loaded.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from './ask.ts';

/**
 * A module: an ELF file of 32 or 64 bits with the sections .modinfo and .shstrtab.
 *
 *   0 header (52 or 64) | .modinfo | .shstrtab | section headers (3 of 40 or 64)
 */
function elfModule(lines: readonly string[], bits: 32 | 64 = 32): Buffer {
  const is64 = bits === 64;
  const [headerBytes, sectionBytes, counts] = is64 ? [64, 64, 0x3a] : [52, 40, 0x2e];
  const long = (bytes: Buffer, at: number, value: number): unknown => (is64 ? bytes.writeBigUInt64LE(BigInt(value), at) : bytes.writeUInt32LE(value, at));
  const info = Buffer.from(lines.map((line) => `${line}\0`).join(''));
  const names = Buffer.from('\0.modinfo\0.shstrtab\0');
  const header = Buffer.alloc(headerBytes);
  header.write(`7f454c460${is64 ? 2 : 1}0101`, 0, 'hex');
  long(header, is64 ? 0x28 : 0x20, headerBytes + info.length + names.length);
  for (const [i, value] of [sectionBytes, 3, 2].entries()) header.writeUInt16LE(value, counts + 2 * i);
  const section = (name: number, offset: number, size: number): Buffer => {
    const bytes = Buffer.alloc(sectionBytes);
    bytes.writeUInt32LE(name, 0);
    long(bytes, is64 ? 0x18 : 0x10, offset);
    long(bytes, is64 ? 0x20 : 0x14, size);
    return bytes;
  };
  return Buffer.concat([header, info, names, section(0, 0, 0), section(1, headerBytes, info.length), section(10, headerBytes + info.length, names.length)]);
}

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'maplebar-modules-'));
  mkdirSync(join(folder, 'kernel/drivers'), { recursive: true });
  const modules = { 'top-driver': ['depends=left,right', 'alias=pci:v00001234d*', 'license=GPL'], left: ['depends=base'], right: ['depends=base,built_in'], base: ['depends='], broken: ['depends=nowhere'] };
  for (const [name, lines] of Object.entries(modules)) writeFileSync(join(folder, `kernel/drivers/${name}.ko`), elfModule(lines));
  writeFileSync(join(folder, 'kernel/drivers/text.ko'), 'this is no module');
  writeFileSync(join(folder, 'modules.builtin'), 'kernel/lib/built-in.ko\n');
});

afterAll(() => rmSync(folder, { recursive: true }));

interface Module {
  readonly name: string;
  readonly path: string;
  readonly depends: readonly string[];
}

describe('modules', () => {
  test('come with all that they need, the needed ones first, each once', () => {
    const [{ value } = {}] = ask(['modulesFor', folder, ['top-driver', 'left']]);
    expect((value as Module[]).map(({ name }) => name)).toEqual(['base', 'left', 'right', 'top_driver']);
    expect((value as Module[]).at(-1)).toMatchObject({ path: 'kernel/drivers/top-driver.ko', depends: ['left', 'right'], aliases: ['pci:v00001234d*'] });
  });

  test('are named with dashes or underscores; those that are built in need no file', () => {
    const [underscores, builtIn] = ask(['modulesFor', folder, ['top_driver']], ['modulesFor', folder, ['built-in']]);
    expect(underscores?.value).toHaveLength(4);
    expect(builtIn).toEqual({ value: [] });
  });

  test('that are not there are named, with who needs them', () => {
    expect(ask(['modulesFor', folder, ['nvme']], ['modulesFor', folder, ['broken']])).toEqual([
      { error: 'Error: the kernel has no module nvme' },
      { error: 'Error: the kernel has no module nowhere, which broken needs' },
    ]);
  });

  test('of 64 bits say the same of themselves', () => {
    const said = ['depends=left,right', 'alias=pci:v00001234d*', 'license=GPL'];
    expect(ask(['moduleInfo', elfModule(said, 64)], ['moduleInfo', elfModule(said, 32)])).toEqual(Array(2).fill({ value: { depends: ['left', 'right'], aliases: ['pci:v00001234d*'] } }));
  });

  test('that are no modules are refused', () => {
    const without = elfModule([]);
    without.write('.other', without.indexOf('.modinfo'));
    expect(ask(['modulesFor', folder, ['text']], ['moduleInfo', elfModule([], 64).subarray(0, 63)], ['moduleInfo', without])).toEqual([
      { error: 'RangeError: a module begins with 746869732069; expected 7f454c460101 or 7f454c460201, ELF of 32 or 64 bits' },
      { error: 'RangeError: a module begins with 7f454c460201; expected 7f454c460101 or 7f454c460201, ELF of 32 or 64 bits' },
      { error: 'RangeError: a module has no section .modinfo' },
    ]);
  });
});

test('modprobe is told of every module all that it needs, so that each stands behind those that need it', () => {
  const [{ value } = {}] = ask(['modulesFor', folder, ['top-driver']]);
  const [{ value: files } = {}] = ask(['modprobeFiles', value]);
  const lists = files as { readonly 'modules.dep': string; readonly 'modules.alias': string };
  const lines = lists['modules.dep'].trimEnd().split('\n').map((line) => line.replaceAll('kernel/drivers/', '').replaceAll('.ko', ''));
  expect(lines.slice(0, 3)).toEqual(['base:', 'left: base', 'right: base']);
  const [, needed] = lines[3]!.split(': ');
  expect(needed!.split(' ').sort()).toEqual(['base', 'left', 'right']);
  expect(needed!.endsWith('base')).toBe(true);
  expect(lists['modules.alias']).toBe('alias pci:v00001234d* top_driver\n');
});

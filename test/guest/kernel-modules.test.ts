// Of a kernel's modules those are taken that are asked for and all that they need, in an order in which they can be loaded.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from './ask.ts';

/**
 * A module: an ELF file of 32 bits with the sections .modinfo and .shstrtab.
 *
 *   0 header (52) | .modinfo | .shstrtab | section headers (3 of 40)
 */
function elfModule(lines: readonly string[]): Buffer {
  const info = Buffer.from(lines.map((line) => `${line}\0`).join(''));
  const names = Buffer.from('\0.modinfo\0.shstrtab\0');
  const header = Buffer.alloc(52);
  header.write('7f454c46010101', 0, 'hex');
  header.writeUInt32LE(52 + info.length + names.length, 0x20);
  for (const [at, value] of [[0x2e, 40], [0x30, 3], [0x32, 2]] as const) header.writeUInt16LE(value, at);
  const section = (name: number, offset: number, size: number): Buffer => {
    const bytes = Buffer.alloc(40);
    for (const [at, value] of [[0, name], [0x10, offset], [0x14, size]] as const) bytes.writeUInt32LE(value, at);
    return bytes;
  };
  return Buffer.concat([header, info, names, section(0, 0, 0), section(1, 52, info.length), section(10, 52 + info.length, names.length)]);
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

  test('that are no modules are refused', () => {
    const without = elfModule([]);
    without.write('.other', without.indexOf('.modinfo'));
    expect(ask(['modulesFor', folder, ['text']], ['moduleInfo', without])).toEqual([
      { error: 'RangeError: a module begins with 746869732069; expected 7f454c460101, ELF of 32 bits' },
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

// Texts and drawings made from a map, against files that were looked at. UPDATE_GOLDEN=1 writes them anew.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { cHeaderOf, markdownOf, registerMap, registerNamed, rw, svdOf, svgOf } from '../../src/registers/index.ts';
import { copyEngine } from './example.ts';

const golden = join(__dirname, 'golden');

describe('golden files', () => {
  test.each([
    ['copy-engine.md', () => markdownOf(copyEngine)],
    ['copy-engine.h', () => cHeaderOf(copyEngine)],
    ['copy-engine.svd', () => svdOf(copyEngine, { baseAddress: 0x4000_0000 })],
    ...['CTRL', 'SOURCE', 'DATA', 'WORDS', 'QUEUE[0].TAIL'].map((path): [string, () => string] => [`${path.replaceAll(/[[\]]/g, '')}.svg`, () => svgOf(registerNamed(copyEngine, path))]),
  ])('%s', (name, make) => {
    const path = join(golden, name);
    if (process.env.UPDATE_GOLDEN === '1') {
      mkdirSync(golden, { recursive: true });
      writeFileSync(path, make());
    }
    expect(make()).toBe(readFileSync(path, 'utf8'));
  });
});

test('the C header compiles, and its numbers are those of the map', () => {
  const compiler = ['/usr/bin/cc', '/usr/bin/gcc', '/usr/bin/clang'].find((path) => existsSync(path));
  if (compiler === undefined) return;
  const folder = mkdtempSync(join(tmpdir(), 'maplebar-header-'));
  const checks = copyEngine.registers.map(({ entry, indices, position, reset, bits }) => {
    const name = `COPY_ENGINE_${entry.replaceAll('[]', '').replaceAll('.', '_')}`;
    return `_Static_assert(${name}${indices.length === 0 ? '' : `(${indices.join(', ')})`} == ${position}u && ${name}_RESET == 0x${reset.toString(16)}${bits === 64 ? 'ull' : 'u'}, "${entry}");`;
  });
  writeFileSync(join(folder, 'map.h'), cHeaderOf(copyEngine));
  writeFileSync(join(folder, 'map.c'), `#include "map.h"\n#include "map.h"\n_Static_assert(COPY_ENGINE_CTRL_MODE_MASK >> COPY_ENGINE_CTRL_MODE_SHIFT == 3 && COPY_ENGINE_CTRL_MODE_CRC == 2, "MODE");\n${checks.join('\n')}\n`);
  try {
    execFileSync(compiler, ['-std=c11', '-Wall', '-Wextra', '-Werror', '-pedantic', '-fsyntax-only', join(folder, 'map.c')], { stdio: 'pipe' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a C header refuses two names that become the same macro', () => {
  const map = registerMap('m', { bytes: 8 }, { DATA: { at: 0, fields: { x: rw(0), X: rw(1) } } });
  expect(() => cHeaderOf(map)).toThrow('m: DATA and DATA both give the macro M_DATA_X_MASK');
});

test('texts hold whatever a doc line says', () => {
  const map = registerMap('odd', { bytes: 8, doc: 'a */ b | c < d & "e"' }, { A: { at: 0, doc: 'x | y\nz', fields: { f: rw(31, 0, { doc: '<&>' }) } } });
  expect(markdownOf(map)).toContain('x \\| y z');
  expect(cHeaderOf(map).split('\n')[0]).toBe('/* a * / b | c < d & "e" */');
  expect(svdOf(map)).toContain('<description>a */ b | c &lt; d &amp; &quot;e&quot;</description>');
  expect(svgOf(map.registers[0]!)).toContain('rw: &lt;&amp;&gt;');
});

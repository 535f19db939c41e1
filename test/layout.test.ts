// The one table of numbers that both sides of the Wasm border need.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as layout from '../src/core/layout.generated.ts';
import { ERRNO } from '../src/uapi/index.ts';

const root = join(__dirname, '..');
const { groups } = JSON.parse(readFileSync(join(root, 'layout.json'), 'utf8')) as { groups: Record<string, { values: Record<string, number> }> };

describe('layout.json', () => {
  test('is what both generated files say', () => {
    expect(execFileSync(process.execPath, [join(root, 'scripts/generate.mjs'), '--check'], { encoding: 'utf8' })).toBe('');
    expect({ ...layout }).toEqual(Object.assign({}, ...Object.values(groups).map(({ values }) => values)));
  });

  test('gives errnos their Linux numbers', () => {
    for (const [name, number] of Object.entries(groups['errno']!.values)) expect([name, ERRNO[name as keyof typeof ERRNO]]).toEqual([name, number]);
  });
});

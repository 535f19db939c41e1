// `maplebar conformance`: what it runs, prints and exits with.
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { runProgram } from '../../src/cli/program.ts';
import type { Section, Table } from '../../src/conformance/index.ts';

const rows = join(__dirname, '../conformance/rows');
const folder = mkdtempSync(join(tmpdir(), 'maplebar-rows-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function run(from: string, ...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const ended = { code: -1, out: '', err: '' };
  const output = { out: (text: string) => void (ended.out += text), err: (text: string) => void (ended.err += text), interactive: false };
  ended.code = await runProgram(['conformance', ...argv], output, '1.2.3', { rows: from });
  return ended;
}

describe('what is run', () => {
  test('one section: a row of the summary each, and the total', async () => {
    const { code, out, err } = await run(rows, '--section', '1.4');
    expect([code, err]).toEqual([0, '']);
    expect(out.split('\n').map((line) => line.trimEnd())).toEqual([
      expect.stringMatching(/^section {2}about +rows {2}passed {2}failed$/),
      expect.stringMatching(/^1\.4 +VFIO_DEVICE_GET_INFO +32 +32 +0$/),
      expect.stringMatching(/^total +32 +32 +0$/),
      '',
    ]);
  });

  test('a section and those below it, in the order of their numbers', async () => {
    const few = mkdtempSync(join(tmpdir(), 'maplebar-rows-'));
    for (const name of readdirSync(rows)) {
      const json = JSON.parse(readFileSync(join(rows, name), 'utf8')) as Partial<Section>;
      writeFileSync(join(few, name), JSON.stringify(json.rows === undefined ? json : { ...json, rows: json.rows.slice(0, 1) }));
    }
    const { code, out } = await run(few, '--section', '1');
    rmSync(few, { recursive: true });
    const sections = out.split('\n').slice(1, -2).map((line) => line.split(' ')[0]!);
    expect(code).toBe(0);
    expect(sections).toEqual([...sections].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })));
    expect(sections).toContain('1.10');
  });

  test('files that go on with a section: its rows are told together, under the title of the first', async () => {
    const other = mkdtempSync(join(tmpdir(), 'maplebar-rows-'));
    cpSync(rows, other, { recursive: true });
    const first = JSON.parse(readFileSync(join(rows, '1.14.json'), 'utf8')) as Section;
    writeFileSync(join(other, '1.14-more.json'), JSON.stringify({ section: '1.14', title: 'more of it', rows: [{ ...first.rows[0]!, id: '1.14-more' }] }));
    const { code, out } = await run(other, '--section', '1.14');
    rmSync(other, { recursive: true });
    expect([code, out.split('\n')[1]!.trim().split(/ {2,}/)]).toEqual([0, ['1.14', first.title, String(first.rows.length + 1), String(first.rows.length + 1), '0']]);
  });

  test('one row', async () => {
    expect((await run(rows, '--row', '1.5-01')).out).toMatch(/^total +1 +1 +0$/m);
  });

  test('a row that fails: it is printed in full, and the exit code is 1', async () => {
    cpSync(rows, folder, { recursive: true });
    const path = join(folder, '1.4.json');
    const section = JSON.parse(readFileSync(path, 'utf8')) as Section;
    const changed = section.rows.map((row, i) => (i === 0 ? { ...row, call: { ...row.call, out: row.call.out!.replace('09000000', '08000000') } } : row));
    writeFileSync(path, JSON.stringify({ ...section, rows: changed }));
    const { code, out } = await run(folder, '--section', '1.4');
    expect(code).toBe(1);
    expect(out).toContain('    0000: 18000000 03000000 08000000 05000000 | 0000: 18000000 03000000 09000000 05000000\n');
    expect(out).toMatch(/^1\.4-01 {2}section 1\.4, device card: /);
    expect(out).toMatch(/^total +32 +31 +1$/m);
  });
});

describe('--json', () => {
  test('the chosen rows with all devices, and nothing is run', async () => {
    const { code, out } = await run(rows, '--json', '--section', '1.5');
    const table = JSON.parse(out) as Table;
    expect(code).toBe(0);
    expect(table.sections.map(({ section }) => section)).toEqual(['1.5']);
    expect(table.sections[0]).toEqual(JSON.parse(readFileSync(join(rows, '1.5.json'), 'utf8')));
    expect(Object.keys(table.devices)).toContain('card');
  });
});

describe('called wrongly', () => {
  test.each([
    ['a section that is not there', ['--section', '9.9'], 2, /^maplebar: no section 9\.9; there are 1\.1, 1\.2, /],
    ['half of a section', ['--section', '1.'], 2, /^maplebar: no section 1\.; /],
    ['a row that is not there', ['--row', '1.4-99'], 2, /^maplebar: no row 1\.4-99; /],
    ['a row of another section', ['--row', '1.4-01', '--section', '1.5'], 2, /^maplebar: no row 1\.4-01 in section 1\.5; /],
    ['an option that is none', ['--fast'], 2, /^error: unknown option '--fast'\nTry --help\.\n$/],
    ['a word too much', ['1.4'], 2, /^error: too many arguments/],
  ])('%s', async (_name, argv, code, err) => {
    expect(await run(rows, ...argv)).toEqual({ code, out: '', err: expect.stringMatching(err) });
  });

  test('a table that says what none can: nothing is run', async () => {
    const other = mkdtempSync(join(tmpdir(), 'maplebar-rows-'));
    try {
      cpSync(rows, other, { recursive: true });
      const path = join(other, '1.4.json');
      const section = JSON.parse(readFileSync(path, 'utf8')) as Section;
      writeFileSync(path, JSON.stringify({ ...section, rows: section.rows.map((row) => ({ ...row, call: { ...row.call, times: 0 } })) }));
      const { code, out, err } = await run(other, '--section', '1.4');
      expect([code, out, err.split('\n')[0]]).toEqual([2, '', 'maplebar: 1.4-01, call: it is made 0 times; expected 1 or more']);
      expect(err.split('\n')).toHaveLength(section.rows.length + 1);
    } finally {
      rmSync(other, { recursive: true });
    }
  });

  test('a host that two files have: nothing is run', async () => {
    const other = mkdtempSync(join(tmpdir(), 'maplebar-rows-'));
    try {
      cpSync(rows, other, { recursive: true });
      writeFileSync(join(other, 'hosts-more.json'), JSON.stringify({ one: { about: 'Another one.', functions: {} } }));
      expect(await run(other, '--section', '1.4')).toEqual({ code: 2, out: '', err: 'maplebar: two of hosts*.json have a one\n' });
    } finally {
      rmSync(other, { recursive: true });
    }
  });

  test('a folder without a table', async () => {
    expect(await run(join(folder, 'nowhere'), '--json')).toEqual({ code: 1, out: '', err: expect.stringMatching(/^maplebar: .*nowhere/) });
  });

  test('--help says what it exits with', async () => {
    const { code, out } = await run(rows, '--help');
    expect([code, out]).toEqual([0, expect.stringContaining('Exits with 0 when all rows pass, 1 when some fail, 2 for a wrong command line, a section or row that is not there, and a table that says what none can.')]);
  });
});

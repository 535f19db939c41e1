// The program of docs/call-trace.md, run by the built command, prints what the page says; and its lines are the library's.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { callLine } from '../../src/vfio/index.ts';

const root = join(__dirname, '../..');
const page = readFileSync(join(root, 'docs/call-trace.md'), 'utf8');
const block = (language: string): string => new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page)![1]!;
const command = (...argv: string[]): { status: number | null; stdout: string; stderr: string } => spawnSync(process.execPath, [join(root, 'dist/esm/cli/main.js'), 'trace', ...argv], { encoding: 'utf8' });

test('the program runs verbatim, and its JSON is decoded to the same lines', () => {
  const folder = join(root, 'build/docs/call-trace');
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'program.mjs');
  writeFileSync(program, block('js'));
  expect(command(program, 'edu')).toMatchObject({ status: 0, stdout: block('text'), stderr: '' });

  const json = command(program, 'edu', '--json').stdout;
  writeFileSync(join(folder, 'calls.json'), json);
  expect(command('--decode', join(folder, 'calls.json'))).toMatchObject({ status: 0, stdout: block('text'), stderr: '' });
  expect(command(program, 'edu', '--why').stdout).toContain(/`(= -1 EINVAL .*?\*\/)`/.exec(page)![1]!);

  writeFileSync(program, 'export default () => { throw new Error("enough"); }\n');
  expect(command(program)).toMatchObject({ status: 1, stdout: 'exit_group(0) = ?\n', stderr: 'maplebar: enough\n' });
});

test('the line in its listing is the one that the library prints', () => {
  const [, request, line] = /request: (0x\w+), result: -25 \}\); \/\/ (.*)$/m.exec(page)!;
  expect(callLine({ call: 'ioctl', kind: 'device', fd: 5, request: Number(request), result: -25 })).toBe(line);
});

test('every file that it links to is there', () => {
  for (const [, path] of page.matchAll(/\]\(([\w./-]+)\)/g)) expect([path, existsSync(join(root, 'docs', path!))]).toEqual([path, true]);
});

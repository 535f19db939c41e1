// docs/vfio-user.md: its programs run and print what the page says, its links lead somewhere.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { VfioUserClient } from '../../src/hosts/vfio-user/index.ts';

const root = join(__dirname, '../..');
const page = readFileSync(join(root, 'docs/vfio-user.md'), 'utf8');

function run(name: string, code: string): string {
  const folder = join(root, 'build/docs/vfio-user');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), code);
  return execFileSync(process.execPath, [join(folder, name)], { encoding: 'utf8' });
}

test('a device is served, and its client has it copy memory', () => {
  const [, code, output] = /^```js\n(import [\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/m.exec(page)!;
  expect(run('serve.mjs', code!)).toBe(output);
});

test('with fds: an interrupt comes, and nothing is missing', () => {
  const [, code, output] = [...page.matchAll(/^```js\n((?:(?!^```)[\s\S])*?koffiTransport[\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/gm)].at(0)!;
  expect(run('fds.mjs', code!)).toBe(output);
});

test('an error says what the page says', () => {
  const code = [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)].at(-1)![1]!;
  expect(run('error.mjs', code)).toBe(`${/\/\/ (EINVAL.*)$/m.exec(code)![1]!}\n`);
});

test('every file that it names is there', () => {
  const links = [...page.matchAll(/\]\(([^)#]+)/g)].map(([, to]) => to!);
  expect(links.length).toBeGreaterThan(1);
  expect(links.filter((to) => !existsSync(join(root, 'docs', to)))).toEqual([]);
});

test('the device of its TypeScript file is served by the built command, and traced as shown; Ctrl-C takes the socket away', async () => {
  const folder = join(root, 'build/docs/vfio-user');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'doubler.ts'), /^```ts\n([\s\S]*?)^```$/m.exec(page)![1]!);
  const sockets = mkdtempSync(join(tmpdir(), 'serve-'));
  const path = join(sockets, 'doubler.sock');
  const server = spawn(process.execPath, [join(root, 'dist/esm/cli/main.js'), 'serve', join(folder, 'doubler.ts'), '--socket', path, '--trace'], { stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    let out = '';
    server.stdout.on('data', (text: Buffer) => void (out += text.toString()));
    const ended = new Promise((resolve) => server.on('close', (code, signal) => resolve([code, signal])));
    const begun = new Promise<string>((resolve) => server.stderr.on('data', (text: Buffer) => resolve(text.toString())));
    expect(await Promise.race([begun, ended])).toMatch(/^serving .*doubler\.ts at .*doubler\.sock, transport (koffi|net)\n/);
    const client = await VfioUserClient.connect(path);
    client.postWrite(0, 0, Uint8Array.of(21, 0, 0, 0));
    expect(await client.read32(0, 4)).toBe(42);
    server.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
    expect([client.isOver, existsSync(path)]).toEqual([true, false]);
    const untimed = (text: string): string[] => text.trimEnd().split('\n').map((line) => line.replace(/^ +[\d.]+ /, ''));
    const shown = [...page.matchAll(/^```text\n([\s\S]*?)^```$/gm)].map(([, text]) => text!).find((text) => text.includes('REGION_WRITE'))!;
    expect(untimed(out)).toEqual(expect.arrayContaining(untimed(shown)));
  } finally {
    server.kill('SIGKILL');
    rmSync(sockets, { recursive: true });
  }
});

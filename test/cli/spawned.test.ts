// The built command (the suite's setup builds it) as a shell runs it: exit codes, what goes to which stream, readers that go away, pipes, a terminal.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { ACCESSES } from '../trace/recorded.ts';
import { Folder, dumps, lspci, run, trace } from './support.ts';

const root = join(__dirname, '../..');
const main = join(root, 'dist/esm/cli/main.js');
const folder = new Folder();
afterAll(() => folder.remove());

const start = (...argv: string[]): { status: number | null; stdout: string; stderr: string } => spawnSync(process.execPath, [main, ...argv], { encoding: 'utf8', maxBuffer: 2 ** 26 });
const shell = (command: string): { status: number | null; stdout: string; stderr: string } => spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8', env: { ...process.env, NODE: process.execPath, MAIN: main } });
const quoted = (argv: readonly string[]): string => argv.map((one) => `'${one}'`).join(' ');

describe('streams and exit codes', () => {
  test('--version is the package\'s', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(start('--version')).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('0 with output, 1 for a file that is not there, 2 for a word that is no command', async () => {
    const expected = await run('inspect', ...lspci('nvme'));
    expect(start('inspect', ...lspci('nvme'))).toMatchObject({ status: 0, stdout: expected.out, stderr: '' });
    expect(start('replay', 'no-such-file')).toMatchObject({ status: 1, stdout: '', stderr: 'maplebar: no-such-file: no such file\n' });
    expect(start('bogus')).toMatchObject({ status: 2, stdout: '', stderr: "error: unknown command 'bogus'\nTry --help.\n" });
  });

  test('a replay in a pipe: a table without colours, no progress', () => {
    const { status, stdout, stderr } = start('replay', trace('nvme'), ...dumps('nvme'));
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^[\n\x20-\x7e]*$/);
    expect(stdout).toMatch(/^serial +ports +03f8-03ff +8,122 +24,448 +1:32,570 +7 \(0\.1 %\) +\d+$/m);
  });

  test('the conformance table is found from the built command, wherever that is called', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'conformance', '--section', '1.6'], { encoding: 'utf8', cwd: folder.path });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^total +(\d+) +\1 +0$/m);
  });

  test('--json is one document and nothing else', () => {
    const { status, stdout, stderr } = start('replay', trace('e1000e'), '--no-timing', '--json');
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ accesses: ACCESSES.e1000e });
  });
});

describe('the other end of a pipe', () => {
  test.each([['stdout', ['inspect', ...lspci('nvme'), '--json']], ['stderr', ['replay', 'no-such-file']]] as const)('%s closed before anything was written: no stack trace', async (which, argv) => {
    const child = spawn(process.execPath, [main, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
    child[which].destroy();
    let text = '';
    const open = which === 'stdout' ? child.stderr : child.stdout;
    open.on('data', (chunk: Buffer) => void (text += chunk.toString()));
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect([status, text]).toEqual([which === 'stdout' ? 0 : 1, '']);
  });

  test('a reader of one line gets it', () => {
    const { stdout, stderr } = shell(`"$NODE" "$MAIN" inspect ${quoted(lspci('nvme'))} | head -n 1`);
    expect([stdout, stderr]).toEqual([expect.stringMatching(/^00:00\.0 Host bridge .*\n$/), '']);
  });

  test('a pipe as trace: read once with dumps, refused without', () => {
    const path = folder.file('few.trace', 'R P 1 71 0 rtc\nW P 1 70 1 rtc\n');
    const piped = (more: readonly string[]): ReturnType<typeof shell> => shell(`cat '${path}' | "$NODE" "$MAIN" replay /dev/stdin --json --no-timing ${quoted(more)}`);
    expect(JSON.parse(piped(dumps('nvme')).stdout)).toMatchObject({ accesses: 2 });
    expect(piped([])).toMatchObject({ status: 1, stdout: '', stderr: 'maplebar: /dev/stdin: is no regular file, and without --iomem and --lspci a trace is read twice\n' });
  });
});

// Not on every system; where they are missing there is nothing to check.
if (existsSync('/dev/full')) {
  test('a full disk is one line of error', () => {
    expect(shell(`"$NODE" "$MAIN" inspect ${quoted(lspci('nvme'))} > /dev/full`)).toMatchObject({ status: 1, stdout: '', stderr: 'maplebar: cannot write: ENOSPC: no space left on device, write\n' });
  });
}

// util-linux's: it runs a command in a pseudo-terminal.
if (spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux')) {
  test('in a terminal a bar is drawn where errors go, and the output stays as it is in a pipe', () => {
    const [table, screen] = [join(folder.path, 'table'), join(folder.path, 'screen')];
    const command = `"$NODE" "$MAIN" replay ${quoted([trace('nvme'), ...dumps('nvme')])} --no-timing > '${table}'`;
    expect(shell(`script -qec '${command.replaceAll("'", `'\\''`)}' '${screen}' > /dev/null`).status).toBe(0);
    expect(readFileSync(screen, 'utf8')).toMatch(/replaying [^]*=[^]*100%/);
    expect(readFileSync(table, 'utf8')).toMatch(/^region {2}[\n\x20-\x7e]* checksum [0-9a-f]{8}\n$/);
  });
}

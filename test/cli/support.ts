// What the tests of the command share: a run inside this process with its output captured, and files to hand to it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../../src/cli/program.ts';
import { fixture } from '../trace/recorded.ts';

export interface Ended {
  code: number;
  out: string;
  err: string;
}

/** Runs the command line in this process. */
export async function run(...argv: string[]): Promise<Ended> {
  const ended = { code: -1, out: '', err: '' };
  ended.code = await runProgram(argv, { out: (text) => void (ended.out += text), err: (text) => void (ended.err += text), interactive: false }, '1.2.3');
  return ended;
}

/** A folder for the files of one test file. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'maplebar-cli-'));

  file(name: string, contents: string | Uint8Array): string {
    const path = join(this.path, name);
    writeFileSync(path, contents);
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}

export const dumps = (name: 'nvme' | 'e1000e'): string[] => ['--iomem', fixture(`${name}.iomem`), ...lspci(name)];
export const lspci = (name: 'nvme' | 'e1000e'): string[] => ['--lspci', fixture(`${name}.lspci-xxxx`), '--lspci', fixture(`${name}.lspci-vv`)];
export const trace = (name: 'nvme' | 'e1000e'): string => fixture(`${name}.trace.gz`);

// The programs of the benchmark: two servers, and the client in C that measures each, all on one processor.

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { PROCESSOR, keepingImpossible } from '../processor.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const built = `${root}build/bench/native/`;

/** Compiles the C programs. What is missing here for the benchmark, in words; undefined when nothing is. */
export function compile(): string | undefined {
  const impossible = keepingImpossible();
  if (impossible !== undefined) return impossible;
  mkdirSync(built, { recursive: true });
  for (const name of ['server', 'client']) {
    const { status, error, stderr } = spawnSync('gcc', ['-O2', '-o', `${built}vfio-user-${name}`, `${root}bench/native/vfio-user-${name}.c`], { encoding: 'utf8' });
    if (error !== undefined) return 'gcc is not installed: the server and the client to measure with are in C';
    if (status !== 0) return `gcc: ${stderr}`;
  }
  return undefined;
}

/** A program that answers lines with lines. */
export class Peer {
  readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private readonly name: string;

  private constructor(name: string, command: readonly string[]) {
    this.name = name;
    this.child = spawn('taskset', ['-c', PROCESSOR, ...command], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  /** Starts it, and waits until it says that it is ready. */
  static async start(name: string, command: readonly string[]): Promise<Peer> {
    const peer = new Peer(name, command);
    await peer.line();
    return peer;
  }

  async line(): Promise<string> {
    const { value, done } = await this.lines.next();
    if (done === true) throw new Error(`${this.name} has ended`);
    return value;
  }

  /** Nanoseconds per message of `count` of them. */
  async measure(kind: string, count: number): Promise<number> {
    this.child.stdin!.write(`${kind} ${count}\n`);
    return Number(await this.line());
  }

  /** Bytes of memory that it has, and how many fds. taskset becomes the program that it starts, so the process is that. */
  get held(): { readonly bytes: number; readonly fds: number } {
    const { pid } = this.child;
    const pages = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return { bytes: Number(pages![1]) * 1024, fds: readdirSync(`/proc/${pid}/fd`).length };
  }

  end(): void {
    this.child.kill('SIGKILL');
  }
}

/** The servers by name: how each is started at a path. */
export const SERVERS: Readonly<Record<'ours' | 'C', (path: string) => readonly string[]>> = {
  ours: (path) => [process.execPath, fileURLToPath(new URL('server.js', import.meta.url)), path],
  C: (path) => [`${built}vfio-user-server`, path],
};

export const clientCommand = (path: string): readonly string[] => [`${built}vfio-user-client`, path];

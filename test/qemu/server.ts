// A process that serves devices, and what a test asks of it.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A device at a socket. */
export interface Served {
  /** What it is called here. */
  readonly name: string;
  /** What it is: `idio16`. */
  readonly device: 'idio16' | 'edu' | 'endpoint-test' | 'nvme-lite' | 'window';
  readonly path: string;
  readonly transport: 'net' | 'koffi';
}

/** What a server has counted. */
export interface ServerCounts {
  readonly clients: number;
  readonly isConnected: boolean;
  readonly mappings: number;
  /** Of the client's, for its interrupts. */
  readonly heldFds: number;
  /** Messages by command, whoever sent them. */
  readonly messages: Readonly<Record<string, number>>;
  readonly resets: number;
  /** Of the whole process. */
  readonly openFds: number;
  /** The most mappings that there were at a time, and the most fds then. */
  readonly most: { readonly mappings: number; readonly openFds: number };
}

const PROCESS = fileURLToPath(new URL('./server-process.mjs', import.meta.url));
const ANSWER_MS = 20_000;

/** A running process of servers. */
export class ServerProcess {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, (answer: { readonly value?: unknown; readonly error?: string }) => void>();
  private asked = 0;
  private ended: string | undefined;

  private constructor() {
    // It ends when its parent does, however that ends: nobody asks it any more.
    this.child = fork(PROCESS, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.child.on('message', (answer: { readonly id: number; readonly value?: unknown; readonly error?: string }) => {
      this.waiting.get(answer.id)?.(answer);
      this.waiting.delete(answer.id);
    });
    this.child.on('exit', (status, signal) => {
      this.ended = `the server's process ended with ${signal ?? status}`;
      for (const finish of this.waiting.values()) finish({ error: this.ended });
      this.waiting.clear();
    });
  }

  /** Starts one, and serves devices. */
  static async start(devices: readonly Served[]): Promise<ServerProcess> {
    const server = new ServerProcess();
    try {
      for (const one of devices) await server.ask('serve', one);
      return server;
    } catch (error) {
      await server.kill();
      throw error;
    }
  }

  private async ask(call: string, ...args: readonly unknown[]): Promise<unknown> {
    if (this.ended !== undefined) throw new Error(`${call}: ${this.ended}`);
    const id = this.asked++;
    const { value, error } = await new Promise<{ readonly value?: unknown; readonly error?: string }>((resolve) => {
      const timer = setTimeout(() => resolve({ error: `no answer within ${ANSWER_MS} ms` }), ANSWER_MS);
      this.waiting.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.child.send({ id, call, args });
    });
    if (error !== undefined) throw new Error(`${call} ${JSON.stringify(args)}: ${error}`);
    return value;
  }

  /** Calls a method of a card. */
  async card(name: string, method: 'setInputs' | 'outputs' | 'peek' | 'poke' | 'trapped', ...args: readonly number[]): Promise<unknown> {
    return this.ask('card', name, method, ...args);
  }

  async counts(name: string): Promise<ServerCounts> {
    return (await this.ask('counts', name)) as ServerCounts;
  }

  /** What a card has complained of since the last call: what it threw, and what its driver did against its documentation. */
  async complaints(name: string): Promise<readonly string[]> {
    return (await this.ask('complaints', name)) as readonly string[];
  }

  /** The last lines of the wires, for an error. */
  async trace(): Promise<string> {
    return this.ask('trace').then((lines) => (lines as string[]).join('\n'), (error: unknown) => String(error));
  }

  /** Closes all servers and ends. */
  async close(): Promise<void> {
    if (this.ended !== undefined) return;
    const end = once(this.child, 'exit');
    await this.ask('close').catch(() => undefined);
    await end;
  }

  /** Ends it at once, as kill -9 does. */
  async kill(): Promise<void> {
    if (this.ended !== undefined) return;
    const end = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await end;
  }
}

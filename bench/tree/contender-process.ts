// One contender at work in a process of its own: a metric per line goes in, a line of JSON comes out. Between two samples it is stopped: its compiler and its garbage
// collector would go on in threads of their own, on the other half of a core that another contender is measured on.

import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Contender } from './contenders.ts';
import type { Measured } from './metrics.ts';
import type { TreeSample } from './sampler.ts';

export class ContenderProcess {
  readonly contender: Contender;
  metrics: readonly Measured[] = [];
  private readonly child: ChildProcessWithoutNullStreams;
  private errors = '';
  private waiting: { resolve(line: string): void; reject(error: Error): void } | undefined;
  private failed: Error | undefined;

  constructor(contender: Contender, n: number) {
    this.contender = contender;
    const [program, ...parameters] = contender.command(n);
    this.child = spawn(program, parameters);
    this.child.stderr.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      const { waiting } = this;
      this.waiting = undefined;
      waiting?.resolve(line);
    });
    this.child.stdin.on('error', () => {});
    this.child.on('error', (error) => this.fail(error));
    this.child.on('exit', (code, signal) => this.fail(new Error(`ended with ${signal ?? code}\n${this.errors}`)));
  }

  private fail(error: Error): void {
    this.failed ??= error;
    this.waiting?.reject(this.failed);
    this.waiting = undefined;
  }

  private async line<T>(): Promise<T> {
    if (this.failed !== undefined) throw this.failed;
    const text = await new Promise<string>((resolve, reject) => (this.waiting = { resolve, reject }));
    const answer = JSON.parse(text) as T & { error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }

  /** Waits until it can be asked. One at a time, so that no process warms up while another is measured. */
  async start(): Promise<void> {
    this.metrics = (await this.line<{ metrics: Measured[] }>()).metrics;
    this.signal('SIGSTOP');
  }

  async sample(metric: Measured): Promise<TreeSample> {
    this.signal('SIGCONT');
    const answer = this.line<TreeSample>();
    this.child.stdin.write(`${metric}\n`);
    try {
      return await answer;
    } finally {
      this.signal('SIGSTOP');
    }
  }

  end(): void {
    this.child.kill('SIGKILL');
  }

  private signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    // Windows has neither; there the contenders' threads go on.
    if (process.platform !== 'win32') this.child.kill(signal);
  }
}

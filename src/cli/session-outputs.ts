// What is made of a session while it goes on: a record, lines, a Perfetto file. Each only where it was asked for: what they need passes through a log, and pages and a twin socket do not.

import { PerfettoText, RegisterNames, SessionEncoder, SessionSteps, stepLine } from '../hosts/vfio-user/index.ts';
import type { NamedDevice, SessionHeader, SessionListener, SessionStep } from '../hosts/vfio-user/index.ts';
import type { LiveCounters } from './live-counters.ts';
import { OutputFile } from './output-file.ts';
import type { Output } from './terminal.ts';

/** What was asked for. */
export interface SessionOutputOptions {
  readonly trace?: boolean;
  readonly record?: string;
  readonly perfetto?: string;
}

/** Listeners of one server's sessions. */
export class SessionOutputs {
  private readonly listeners: SessionListener[];
  private readonly takers: ((step: SessionStep) => void)[] = [];
  private readonly ends: (() => void)[] = [];
  private readonly onError: (error: Error) => void;
  private readonly names = new RegisterNames();

  /**
   * @param listeners - Where it adds its own.
   * @param onError - Is told when a file can be written no more.
   * @throws Error that names a file that cannot be made.
   */
  constructor(options: SessionOutputOptions, header: SessionHeader, listeners: SessionListener[], counters: LiveCounters, output: Output, onError: (error: Error) => void) {
    this.listeners = listeners;
    this.onError = onError;
    try {
      if (options.record !== undefined) this.record(options.record, header);
      if (options.perfetto !== undefined) this.perfetto(options.perfetto, header.device);
    } catch (error) {
      this.close();
      throw error;
    }
    if (options.trace === true) {
      this.takers.push((step) => {
        counters.clear();
        output.out(`${stepLine(step, this.names)}\n`);
      });
    }
    if (this.takers.length > 0) this.listeners.push(new SessionSteps((step) => this.take(step)).listen);
  }

  /** Whether anything is listened to. */
  get isWanted(): boolean {
    return this.listeners.length > 0;
  }

  private take(step: SessionStep): void {
    for (const taker of this.takers) taker(step);
  }

  private record(path: string, header: SessionHeader): void {
    const file = new OutputFile(path, this.onError);
    const encoder = new SessionEncoder();
    encoder.begin(header);
    file.write(encoder.take());
    this.listeners.push((event) => {
      encoder.add(event);
      file.write(encoder.take());
    });
    this.ends.push(() => {
      encoder.end();
      file.write(encoder.take());
      file.close();
    });
  }

  private perfetto(path: string, device: string): void {
    const file = new OutputFile(path, this.onError);
    const text = new PerfettoText(device, this.names);
    file.write(text.begin());
    this.takers.push((step) => file.write(text.add(step)));
    this.ends.push(() => {
      file.write(text.end());
      file.close();
    });
  }

  /** The device has been made: its registers have names. */
  learn(device: NamedDevice): void {
    this.names.learn(device);
  }

  /** Writes what waits, and ends the files. */
  close(): void {
    for (const end of this.ends.splice(0)) end();
  }
}

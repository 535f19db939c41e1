// What a served device has done, as one line of a terminal that is drawn again and again.

import { commandName } from '../hosts/vfio-user/index.ts';
import type { CommandStep, SessionStep } from '../hosts/vfio-user/index.ts';
import { bytes, grouped } from './terminal.ts';
import type { Output } from './terminal.ts';

/** What is counted. */
export interface SessionCounts {
  clients: number;
  isConnected: boolean;
  reads: number;
  writes: number;
  /** Of the writes, those that nobody waited for. */
  posted: number;
  interrupts: number;
  transfers: number;
  transferred: number;
  messages: number;
}

export function noCounts(): SessionCounts {
  return { clients: 0, isConnected: false, reads: 0, writes: 0, posted: 0, interrupts: 0, transfers: 0, transferred: 0, messages: 0 };
}

const DMA_HEAD = 16;

/** Adds a step. */
export function count(counts: SessionCounts, step: SessionStep): void {
  switch (step.kind) {
    case 'client':
      counts.clients++;
      counts.isConnected = true;
      break;
    case 'client-gone':
      counts.isConnected = false;
      break;
    case 'interrupt':
      counts.interrupts++;
      break;
    case 'transfer':
      counts.transfers++;
      counts.transferred += step.bytes.length;
      break;
    case 'command':
      counts.messages++;
      countCommand(counts, step);
  }
}

function countCommand(counts: SessionCounts, { command, reply }: CommandStep): void {
  const name = commandName(command.header.command);
  if (name === 'REGION_READ') counts.reads++;
  else if (name === 'REGION_WRITE' || name === 'REGION_WRITE_MULTI') {
    counts.writes++;
    if (reply === undefined) counts.posted++;
  } else if (name === 'DMA_READ' || name === 'DMA_WRITE') {
    counts.transfers++;
    const carrier = name === 'DMA_READ' ? reply : command;
    counts.transferred += Math.max(0, (carrier?.payload.length ?? 0) - DMA_HEAD);
  }
}

/** The line: `client 1: 12,345 reads, 678 writes (600 posted), 9 interrupts, 10 transfers of 40K; 5,000 messages/s`. */
export function countersLine(counts: SessionCounts, perSecond: number): string {
  const { clients, isConnected, reads, writes, posted, interrupts, transfers, transferred } = counts;
  const who = isConnected ? `client ${clients}` : clients === 0 ? 'no client yet' : `${clients} client${clients === 1 ? '' : 's'} gone`;
  const moved = transfers === 0 ? '' : ` of ${transferred >= 1 << 20 ? `${(transferred / 2 ** 20).toFixed(1)}M` : bytes(BigInt(transferred))}`;
  return `${who}: ${grouped(reads)} reads, ${grouped(writes)} writes (${grouped(posted)} posted), ${grouped(interrupts)} interrupts, ${grouped(transfers)} transfers${moved}; ${grouped(Math.round(perSecond))} messages/s`;
}

const DRAWN_MS = 250;
const COLUMNS = 80;

/** The line on a terminal. Where nobody looks nothing is drawn. */
export class LiveCounters {
  readonly counts = noCounts();
  private readonly output: Output;
  private readonly timer: NodeJS.Timeout | undefined;
  private before = 0;
  private isDrawn = false;

  constructor(output: Output) {
    this.output = output;
    if (output.interactive) this.timer = setInterval(() => this.draw(), DRAWN_MS).unref();
  }

  readonly listen = (step: SessionStep): void => count(this.counts, step);

  private draw(): void {
    const { messages } = this.counts;
    const line = countersLine(this.counts, ((messages - this.before) * 1000) / DRAWN_MS);
    this.before = messages;
    // A line that wraps could not be taken back.
    this.output.err(`\r\x1b[K${line.slice(0, (this.output.columns ?? COLUMNS) - 1)}`);
    this.isDrawn = true;
  }

  /** Takes the line away, so that others can be printed; it comes again. */
  clear(): void {
    if (this.isDrawn) this.output.err('\r\x1b[K');
    this.isDrawn = false;
  }

  stop(): void {
    clearInterval(this.timer);
    this.clear();
  }
}

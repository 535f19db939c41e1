// What a served device has done, as one line of a terminal that is drawn again and again. The sessions count; here it is only asked for.

import type { Session, SessionCounts } from '../hosts/vfio-user/index.ts';
import { bytes, grouped } from './terminal.ts';
import type { Output } from './terminal.ts';

/** What is shown: the sum of all clients, and who there is. */
export interface ServerCounts extends SessionCounts {
  readonly clients: number;
  readonly isConnected: boolean;
}

export function noCounts(): ServerCounts {
  return { clients: 0, isConnected: false, messages: 0, reads: 0, writes: 0, posted: 0, doorbells: 0, interrupts: 0, transfers: 0, transferred: 0 };
}

/** The counts before a client with those of the client. */
function sum(before: ServerCounts, counts: SessionCounts): ServerCounts {
  return {
    ...before,
    messages: before.messages + counts.messages,
    reads: before.reads + counts.reads,
    writes: before.writes + counts.writes,
    posted: before.posted + counts.posted,
    doorbells: before.doorbells + counts.doorbells,
    interrupts: before.interrupts + counts.interrupts,
    transfers: before.transfers + counts.transfers,
    transferred: before.transferred + counts.transferred,
  };
}

/** The line: `client 1: 12,345 reads, 678 writes (600 posted), 9 interrupts, 10 transfers of 40K; 5,000 messages/s`. */
export function countersLine(counts: ServerCounts, perSecond: number): string {
  const { clients, isConnected, reads, writes, posted, doorbells, interrupts, transfers, transferred } = counts;
  const who = isConnected ? `client ${clients}` : clients === 0 ? 'no client yet' : `${clients} client${clients === 1 ? '' : 's'} gone`;
  const moved = transfers === 0 ? '' : ` of ${transferred >= 1 << 20 ? `${(transferred / 2 ** 20).toFixed(1)}M` : bytes(BigInt(transferred))}`;
  return `${who}: ${grouped(reads)} reads, ${grouped(writes)} writes (${grouped(posted)} posted), ${doorbells === 0 ? '' : `${grouped(doorbells)} doorbells, `}${grouped(interrupts)} interrupts, ${grouped(transfers)} transfers${moved}; ${grouped(Math.round(perSecond))} messages/s`;
}

const DRAWN_MS = 250;
const COLUMNS = 80;

/** The line on a terminal. Where nobody looks nothing is drawn. */
export class LiveCounters {
  private readonly output: Output;
  private readonly timer: NodeJS.Timeout | undefined;
  private total = noCounts();
  private session: Pick<Session, 'counts'> | undefined;
  private before = 0;
  private isDrawn = false;

  constructor(output: Output) {
    this.output = output;
    if (output.interactive) this.timer = setInterval(() => this.draw(), DRAWN_MS).unref();
  }

  /** A client has come. */
  readonly began = (session: Pick<Session, 'counts'>): void => {
    this.total = { ...this.total, clients: this.total.clients + 1, isConnected: true };
    this.session = session;
  };

  /** It is gone. */
  readonly gone = (): void => {
    this.total = { ...this.counts, isConnected: false };
    this.session = undefined;
  };

  /** What has happened so far. */
  get counts(): ServerCounts {
    return this.session === undefined ? this.total : sum(this.total, this.session.counts);
  }

  private draw(): void {
    const { counts } = this;
    const { messages } = counts;
    const line = countersLine(counts, ((messages - this.before) * 1000) / DRAWN_MS);
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

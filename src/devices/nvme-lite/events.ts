// Asynchronous events: commands that wait until there is something to tell.
//
//   report --> masked until its log is read? --> yes: nothing more of its type is told
//              a request waits?              --> yes: it ends with   log identifier 23..16 | information 15..8 | type 2..0
//                                            --> no:  the event waits
//
// Source: NVM Express 1.4, 5.2

import { ASYNC_EVENT_LIMIT } from './identify.ts';
import { LOG } from './log-pages.ts';
import { fail } from './status.ts';

/** Events of type 0, which point at log page 01. */
export const ERROR_EVENT = { INVALID_DOORBELL_REGISTER: 0x00, INVALID_DOORBELL_VALUE: 0x01 } as const;

const ERROR_TYPE = 0;

/** What the events of a controller are. */
export interface AsyncEventsState {
  /** Identifiers of Async Event Requests. */
  readonly requests: readonly number[];
  readonly waiting: readonly number[];
  readonly isMasked: boolean;
}

/** The events of one controller. */
export class AsyncEvents {
  private readonly end: (command: number, result: number) => void;
  private requests: number[] = [];
  private waiting = new Set<number>();
  private isMasked = false;

  /** @param end ends a request. */
  constructor(end: (command: number, result: number) => void) {
    this.end = end;
  }

  /** Async Event Request: it ends when there is an event. */
  request(command: number): void {
    if (this.requests.length === ASYNC_EVENT_LIMIT) fail('ASYNC_EVENT_LIMIT_EXCEEDED', `more than ${ASYNC_EVENT_LIMIT} Async Event Requests`);
    this.requests.push(command);
    this.tell();
  }

  /** Takes a request back; false when it does not wait. */
  abort(command: number): boolean {
    const at = this.requests.indexOf(command);
    if (at >= 0) this.requests.splice(at, 1);
    return at >= 0;
  }

  /** Something went wrong that no command can tell. */
  error(information: number): void {
    this.waiting.add(ERROR_TYPE | (information << 8) | (LOG.ERRORS << 16));
    this.tell();
  }

  /** The log that errors point at was read: later ones are told again. */
  errorsRead(): void {
    this.isMasked = false;
    this.tell();
  }

  /** What is to be migrated. */
  save(): AsyncEventsState {
    return { requests: [...this.requests], waiting: [...this.waiting], isMasked: this.isMasked };
  }

  /** Becomes what was saved. */
  load({ requests, waiting, isMasked }: AsyncEventsState): void {
    this.requests = [...requests];
    this.waiting = new Set(waiting);
    this.isMasked = isMasked;
  }

  private tell(): void {
    const [event] = this.waiting;
    if (event === undefined || this.isMasked || this.requests.length === 0) return;
    this.waiting.delete(event);
    this.isMasked = true;
    this.end(this.requests.shift()!, event);
  }
}

// What happens at the edge of a served device, as events: enough to make it happen again.
//
//   client --- received ---> transport ---> session ---> device          inputs: connect, received, closed, signalled, timer, block-read, fd-read
//          <-- sent --------           <---         <---                 outputs: sent, signal, fd-write
//
// The device sees no other time than that of the last input, so that a replay can show it the same. A transport may hand over several pieces before promises
// go on: a replay does the same.

/** What every event has. */
export interface TimedEvent {
  /** Nanoseconds since the recording began. */
  readonly at: number;
  /** Of an input: no promise was settled since the one before. */
  readonly isJoined?: true;
}

/** What an fd can be used as, where the transport has looked. */
export type FdKind = 'unknown' | 'event' | 'memory' | 'other';

/** What events of fds have. */
export interface FdEvent {
  /** Fds of the clients are numbered in the order in which they came, from 0 on. */
  readonly fd: number;
}

/** One event. Bytes are valid while a listener is called. */
export type SessionEvent = TimedEvent &
  (
    | { readonly kind: 'connect' }
    | { readonly kind: 'closed' }
    /** A piece of the client's stream, and the fds that came with it. */
    | { readonly kind: 'received'; readonly fds: readonly FdKind[]; readonly bytes: Uint8Array }
    /** One message to the client, and how many fds went with it. */
    | { readonly kind: 'sent'; readonly fds: number; readonly bytes: Uint8Array }
    /** A timer of the device is due: timers are numbered in the order in which they were set, from 0 on. */
    | { readonly kind: 'timer'; readonly timer: number }
    /** An eventfd was signalled: by the device, by the client. */
    | ({ readonly kind: 'signal' } & FdEvent)
    | ({ readonly kind: 'signalled' } & FdEvent)
    | ({ readonly kind: 'fd-read' | 'fd-write'; readonly offset: bigint; readonly bytes: Uint8Array } & FdEvent)
    /** What blocks of the device's disk held. */
    | { readonly kind: 'block-read'; readonly block: number; readonly bytes: Uint8Array }
  );

/** An event without its time. */
export type UntimedEvent = SessionEvent extends infer Event ? (Event extends TimedEvent ? Omit<Event, keyof TimedEvent> : never) : never;

/** Who is told of events. */
export type SessionListener = (event: SessionEvent) => void;

/** Stamps events and tells listeners of them. */
export class SessionLog {
  private readonly now: () => number;
  private readonly listeners: readonly SessionListener[];
  private last = 0;
  private isTurning = false;
  private fds = 0;

  /** @param now - Nanoseconds since the recording began, never less than before. */
  constructor(now: () => number, listeners: readonly SessionListener[]) {
    this.now = now;
    this.listeners = listeners;
  }

  /** When the last input came. */
  get time(): number {
    return this.last;
  }

  /** Something came in: time goes on. */
  input(event: UntimedEvent): void {
    this.last = this.now();
    this.tell({ ...event, at: this.last, ...(this.isTurning && { isJoined: true }) });
    if (this.isTurning) return;
    this.isTurning = true;
    queueMicrotask(() => (this.isTurning = false));
  }

  /** The device did something. */
  output(event: UntimedEvent): void {
    this.tell({ ...event, at: this.now() });
  }

  private tell(event: SessionEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  /** Numbers of `count` fds that have come. */
  number(count: number): readonly number[] {
    return Array.from({ length: count }, () => this.fds++);
  }
}

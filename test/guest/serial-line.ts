// The serial line of a guest: what it has said, and waiting until it says something. A wait that lasts too long ends with an error that shows the last lines.

/** How long a wait may last. Whatever is reached first ends it. */
export interface Limit {
  /** In which this process worked or slept: when other programs keep it waiting, only what it worked counts. Default 60. */
  readonly seconds?: number;
  /** Executed by the guest; a guest that idles executes none. Default: any number. */
  readonly instructions?: number;
}

/** What a line is connected to. */
export interface LineEnd {
  /** The guest's counter of executed instructions: 32 bits, wraps. */
  readonly instructions: () => number;
  readonly send: (text: string) => void;
}

interface Waiter {
  readonly pattern: RegExp;
  readonly from: number;
  readonly found: (match: RegExpExecArray) => void;
}

const LOOK_EVERY_MS = 25;
/** A look that comes later was kept waiting: by this process itself, which takes processor time, or by others. */
const LATE_SECONDS = (1.5 * LOOK_EVERY_MS) / 1000;
const SHOWN_LINES = 20;
const DEFAULT_SECONDS = 60;

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** One serial line. */
export class SerialLine {
  private readonly end: LineEnd;
  private readonly waiters = new Set<Waiter>();
  private text = '';
  private looks = false;

  constructor(end: LineEnd) {
    this.end = end;
  }

  /** Everything heard so far, a character for each byte. */
  get heard(): string {
    return this.text;
  }

  /** Takes a byte that the guest sent. */
  hear(byte: number): void {
    this.text += String.fromCharCode(byte);
    if (this.looks || this.waiters.size === 0) return;
    this.looks = true;
    // Once for all bytes of this turn: searching a long text at each byte would take longer than the guest.
    setImmediate(() => this.look());
  }

  private look(): void {
    this.looks = false;
    for (const waiter of this.waiters) {
      waiter.pattern.lastIndex = waiter.from;
      const match = waiter.pattern.exec(this.text);
      if (match === null) continue;
      this.waiters.delete(waiter);
      waiter.found(match);
    }
  }

  send(text: string): void {
    this.end.send(text);
  }

  /** The last lines heard, for an error. */
  lastLines(count = SHOWN_LINES): string {
    return this.text.trimEnd().split(/\r?\n/).slice(-count).join('\n');
  }

  /**
   * Waits until the guest has said something.
   *
   * @param pattern what is looked for in all that comes from `from` on.
   * @param from an index of `heard`. Default: what comes from now on.
   * @throws Error when the limit is reached: what was waited for, how long, and the last lines.
   */
  waitFor(pattern: string | RegExp, limit: Limit = {}, from = this.text.length): Promise<RegExpExecArray> {
    const { seconds = DEFAULT_SECONDS, instructions = Infinity } = limit;
    const wanted = typeof pattern === 'string' ? new RegExp(pattern.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'g') : new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}g`);
    return new Promise((resolve, reject) => {
      let looked = performance.now();
      let workedBefore = cpuSeconds();
      let waited = 0;
      let last = this.end.instructions();
      let executed = 0;
      const finish = (): void => {
        clearInterval(timer);
        this.waiters.delete(waiter);
      };
      const waiter: Waiter = {
        pattern: wanted,
        from,
        found: (match) => {
          finish();
          resolve(match);
        },
      };
      const timer = setInterval(() => {
        const now = this.end.instructions();
        executed += (now - last) >>> 0;
        last = now;
        const elapsed = (performance.now() - looked) / 1000;
        const worked = cpuSeconds() - workedBefore;
        waited += elapsed < LATE_SECONDS ? elapsed : Math.min(elapsed, worked);
        looked += elapsed * 1000;
        workedBefore += worked;
        if (waited < seconds && executed < instructions) return;
        finish();
        const reached = waited >= seconds ? `${waited.toFixed(1)} s of ${seconds} s` : `${executed} instructions of ${instructions}`;
        reject(new Error(`waited for ${wanted.source}: ${reached}, ${this.text.length - from} bytes heard; the last lines:\n${this.lastLines()}`));
      }, LOOK_EVERY_MS);
      this.waiters.add(waiter);
      this.look();
    });
  }
}

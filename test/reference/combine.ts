// Write combining: rules W. All lines that wait, as one list with the oldest first; a line is a map from a byte's offset to the byte.

import type { ReferenceEngine } from './engine.ts';
import { EDEADLK, ELOOP, roundDown } from './result.ts';
import type { ReferenceSpace, ReferenceWindow } from './space.ts';
import { ReferenceXorshift } from './xorshift.ts';

const LINE_BYTES = 64n;
const BUFFERS = 4;
const ROUNDS = 16;

interface Line {
  readonly window: ReferenceWindow;
  /** Position in the region of its first byte. */
  readonly position: bigint;
  readonly bytes: Map<bigint, number>;
}

export class ReferenceCombiner {
  private readonly engine: ReferenceEngine;
  private lines: readonly Line[] = [];
  /** Of each line on its way out. */
  private readonly leaving: ReferenceWindow[] = [];
  private readonly random = new Map<ReferenceSpace, ReferenceXorshift>();

  constructor(engine: ReferenceEngine) {
    this.engine = engine;
  }

  /** W-policy: no seed is `in-order`. */
  setPolicy(space: ReferenceSpace, seed: number | undefined): void {
    if (seed === undefined) this.random.delete(space);
    else this.random.set(space, new ReferenceXorshift(seed));
  }

  buffered(window: ReferenceWindow): number {
    return this.of(window).reduce((sum, line) => sum + line.bytes.size, 0);
  }

  /** W-merge. Answers an errno or 0. */
  store(window: ReferenceWindow, position: bigint, from: Uint8Array): number {
    let done = 0;
    while (done < from.length) {
      const at = position + BigInt(done);
      const start = roundDown(at, LINE_BYTES);
      const part = from.subarray(done, done + Math.min(from.length - done, Number(start + LINE_BYTES - at)));
      const errno = this.storePart(window, start, at - start, part);
      if (errno !== 0) return errno;
      done += part.length;
    }
    return 0;
  }

  private storePart(window: ReferenceWindow, start: bigint, offset: bigint, part: Uint8Array): number {
    const find = (): Line | undefined => this.of(window).find((line) => line.position === start);
    if (find() === undefined && this.of(window).length + this.leaving.filter((other) => other === window).length === BUFFERS) {
      const waiting = this.of(window);
      if (waiting.length === 0) return EDEADLK;
      const errno = this.drainLine(this.pick(window.space, waiting)); // W-evict
      if (errno !== 0) return errno;
    }
    if (find() === undefined) this.lines = [...this.lines, { window, position: start, bytes: new Map() }];
    const line = find()!;
    part.forEach((byte, k) => line.bytes.set(offset + BigInt(k), byte));
    if (line.bytes.size === Number(LINE_BYTES)) return this.drainFull(line);
    const random = this.random.get(window.space);
    if (random !== undefined && random.next() % 8 === 0) return this.drainLine(this.pick(window.space, this.of(window)));
    return 0;
  }

  /** W-full */
  private drainFull(line: Line): number {
    if (this.random.has(line.window.space)) return this.drainLine(line);
    const own = this.of(line.window);
    return this.drain(line.window.space, own.slice(0, own.indexOf(line) + 1));
  }

  /** W-fence */
  fence(space: ReferenceSpace): number {
    return this.drain(space, this.lines.filter((line) => line.window.space === space));
  }

  /** W-read, W-same-device */
  before(window: ReferenceWindow): number {
    const { space, region } = window;
    const isTaken = (other: ReferenceWindow): boolean => (window.combining ? other === window : other.space === space && other.region.isSameDevice(region));
    return this.drain(space, this.lines.filter((line) => isTaken(line.window)));
  }

  /** W-unmap */
  drainGoing(goes: (window: ReferenceWindow) => boolean): number {
    for (let round = 0; round < ROUNDS; round++) {
      const taken = this.lines.filter((line) => goes(line.window));
      if (taken.length === 0) return 0;
      const errno = this.engine.access(() => {
        for (const line of taken) {
          const fault = this.lines.includes(line) ? this.drainLine(line) : 0;
          if (fault !== 0) return fault;
        }
        return 0;
      });
      if (errno !== 0) return errno;
    }
    return ELOOP;
  }

  /** W-drain: of the lines taken when it began, those that wait still, until none does. */
  private drain(space: ReferenceSpace, taken: readonly Line[]): number {
    for (;;) {
      const left = taken.filter((line) => this.lines.includes(line));
      if (left.length === 0) return 0;
      const errno = this.drainLine(this.pick(space, left));
      if (errno !== 0) return errno;
    }
  }

  /** W-order */
  private pick(space: ReferenceSpace, lines: readonly Line[]): Line {
    const random = this.random.get(space);
    return lines[random === undefined ? 0 : random.next() % lines.length]!;
  }

  /** W-partial, W-fault */
  private drainLine(line: Line): number {
    const { region } = line.window;
    if (region.isClosed) return EDEADLK;
    this.lines = this.lines.filter((other) => other !== line);
    this.leaving.push(line.window);
    let errno = 0;
    for (const run of runs(line)) if (errno === 0) errno = region.serveRun(line.position + run.offset, Uint8Array.from(run.bytes));
    this.leaving.splice(this.leaving.indexOf(line.window), 1);
    return errno;
  }

  private of(window: ReferenceWindow): readonly Line[] {
    return this.lines.filter((line) => line.window === window);
  }
}

/** The longest runs of neighbouring bytes, lowest first. */
function runs(line: Line): { readonly offset: bigint; readonly bytes: number[] }[] {
  const found: { readonly offset: bigint; readonly bytes: number[] }[] = [];
  for (let offset = 0n; offset < LINE_BYTES; offset++) {
    const byte = line.bytes.get(offset);
    if (byte === undefined) continue;
    if (line.bytes.has(offset - 1n)) found.at(-1)!.bytes.push(byte);
    else found.push({ offset, bytes: [byte] });
  }
  return found;
}

// One process of a run and its block of memory: arguments go there, and each byte that differs after a call is one that the call may write.
//
//   block of 4096 bytes, at the very end of what is mapped     | argument .. | .. pointed to ...... |  nothing
//   mirror: what it held before
//   an argument as bytes has 16 bytes of its own on either side

import type { Engine } from '../../../src/core/index.ts';
import { Process } from '../../../src/vfio/index.ts';
import { Broken } from '../broken.ts';
import type { Place } from './operation.ts';
import { BLOCK } from './scene.ts';
import type { Span } from './written.ts';

const FILLER = 0xa5;
const MARGIN = 16;

/** Where an argument lies while a call is made. */
export interface Handed {
  readonly pointer: number | Uint8Array;
  /** What the call finds there, to the end of what there is. */
  readonly given: Uint8Array;
}

interface Canary {
  readonly whole: Uint8Array;
  readonly before: Uint8Array;
}

function isInside(at: number, spans: readonly Span[]): boolean {
  return spans.some(([from, to]) => at >= from && at < to);
}

/** The first byte that differs and lies in no span, nor is one in which bits were set that may be. */
function stray(before: Uint8Array, after: Uint8Array, spans: readonly Span[], bits: Span): number {
  if (Buffer.compare(before, after) === 0) return -1;
  return after.findIndex((byte, at) => byte !== before[at] && !isInside(at, spans) && !(isInside(at, [bits]) && (byte & before[at]!) === before[at]));
}

export class Caller {
  readonly process: Process;
  /** Its address. */
  readonly block: number;
  private readonly mirror = new Uint8Array(BLOCK).fill(FILLER);
  private readonly scratch = new Uint8Array(BLOCK);
  private canary: Canary | undefined;
  private at = 0;
  private hasEnded = false;
  /** Whether the scratch is what the block holds. */
  private isRead = false;

  constructor(engine: Engine, name: string) {
    this.process = new Process(engine, { name, maxFds: 20 });
    // The first mapping ends where no other can begin.
    this.block = this.process.allocate(BLOCK);
    this.process.memory.writeBytes(this.block, this.mirror);
  }

  get ended(): boolean {
    return this.hasEnded;
  }

  exit(): void {
    this.process.exit();
    this.hasEnded = true;
  }

  /** The program writes to its own memory. */
  put(at: number, bytes: Uint8Array): void {
    if (this.hasEnded || bytes.length === 0) return;
    const inside = bytes.subarray(0, BLOCK - at);
    this.mirror.set(inside, at);
    this.process.memory.writeBytes(this.block + at, inside);
  }

  /** Puts an argument where its place says. */
  hand(bytes: Uint8Array, place: Place): Handed {
    this.canary = undefined;
    this.at = 0;
    if (place.in === 'nowhere') return { pointer: place.address, given: new Uint8Array() };
    if (place.in === 'bytes' || this.hasEnded) {
      const whole = new Uint8Array(bytes.length + 2 * MARGIN).fill(FILLER);
      whole.set(bytes, MARGIN);
      this.canary = { whole, before: whole.slice() };
      return { pointer: whole.subarray(MARGIN, MARGIN + bytes.length), given: bytes };
    }
    this.at = place.at;
    this.put(place.at, bytes);
    return { pointer: this.block + place.at, given: this.mirror.subarray(place.at) };
  }

  /** The argument after the call. */
  after(): Uint8Array {
    if (this.canary !== undefined) return this.canary.whole.subarray(MARGIN, this.canary.whole.length - MARGIN);
    if (this.hasEnded) return new Uint8Array();
    this.process.memory.readBytes(this.block, this.scratch);
    this.isRead = true;
    return this.scratch.subarray(this.at);
  }

  /** Whether bytes at some of its addresses have changed. */
  differs([from, to]: readonly [bigint, bigint]): boolean {
    if (this.hasEnded) return false;
    const [start, end] = [from, to].map((address) => Math.max(0, Math.min(BLOCK, Number(address - BigInt(this.block))))) as [number, number];
    return Buffer.compare(this.mirror.subarray(start, end), this.process.memory.readBytes(this.block, this.scratch).subarray(start, end)) !== 0;
  }

  /**
   * Nothing has changed but what may have.
   *
   * @param spans of the argument that was handed over last.
   * @param bitmap addresses of bytes in which bits may have been set.
   */
  verify(spans: readonly Span[] = [], bitmap: readonly [bigint, bigint] = [0n, 0n]): void {
    const { canary, at, block, mirror, scratch } = this;
    const say = (where: string, byte: number): never => {
      throw new Broken(`byte ${byte} of ${where} has changed; the call may change ${spans.length === 0 ? 'none' : spans.map(([from, to]) => `${from} to ${to}`).join(', ')}`);
    };
    if (canary !== undefined) {
      const found = stray(canary.before, canary.whole, spans.map(([from, to]) => [from + MARGIN, Math.min(canary.whole.length - MARGIN, to + MARGIN)] as const), [0, 0]);
      if (found >= 0) say('the argument', found - MARGIN);
    }
    if (this.hasEnded) return;
    if (!this.isRead) this.process.memory.readBytes(block, scratch);
    this.isRead = false;
    const inBlock = canary === undefined ? spans.map(([from, to]) => [from + at, to + at] as const) : [];
    const found = stray(mirror, scratch, inBlock, [Number(bitmap[0] - BigInt(block)), Number(bitmap[1] - BigInt(block))]);
    if (found >= 0) say(`the memory of ${this.process.name}, whose argument is at ${at},`, found - at);
    mirror.set(scratch);
    this.canary = undefined;
    this.at = 0;
  }
}

// A set of 4 KiB frames of a 64-bit address space: a bitmap whose clean parts are not there.
//
//   frame  0 .. 2^52-1 = chunk number * 32768 + bit
//
//   chunks (Map)    3 --> 1024 words        128 MiB each: those in which something is dirty
//                   7 --> null              all of it is
//                   (others: clean)

const CHUNK_FRAMES = 32768;
const WORDS = CHUNK_FRAMES / 32;

type Chunk = Uint32Array | null;

/** The first bit from `at` on that is 1 after all were xored with `flip`; `end` when there is none. */
function next(words: Uint32Array, at: number, end: number, flip: 0 | -1): number {
  while (at < end) {
    const rest = (words[at >>> 5]! ^ flip) >>> (at & 31);
    if (rest !== 0) return Math.min(end, at + 31 - Math.clz32(rest & -rest));
    at = (at | 31) + 1;
  }
  return end;
}

/** Sets or clears the bits from..end-1. */
function assign(words: Uint32Array, from: number, end: number, value: boolean): void {
  for (let at = from; at < end; ) {
    const count = Math.min(32 - (at & 31), end - at);
    const mask = (count === 32 ? -1 : (1 << count) - 1) << (at & 31);
    if (value) words[at >>> 5]! |= mask;
    else words[at >>> 5]! &= ~mask;
    at += count;
  }
}

/** @internal */
export class DirtyFrames {
  private readonly chunks = new Map<number, Chunk>();

  /** Chunks in which something is dirty. */
  get size(): number {
    return this.chunks.size;
  }

  /** Adds the frames first..end-1. */
  add(first: number, end: number): void {
    for (let at = first; at < end; ) {
      const number = Math.floor(at / CHUNK_FRAMES);
      const base = number * CHUNK_FRAMES;
      const stop = Math.min(end, base + CHUNK_FRAMES);
      if (stop - at === CHUNK_FRAMES) this.chunks.set(number, null);
      else this.addTo(number, at - base, stop - base);
      at = stop;
    }
  }

  private addTo(number: number, from: number, end: number): void {
    let words = this.chunks.get(number);
    if (words === null) return;
    if (words === undefined) this.chunks.set(number, (words = new Uint32Array(WORDS)));
    assign(words, from, end, true);
  }

  /** Calls `found` with runs of frames among first..end-1, by ascending frame: a run may be cut at the border of a chunk. */
  runs(first: number, end: number, found: (frame: number, frames: number) => void): void {
    for (const number of this.between(first, end)) {
      const base = number * CHUNK_FRAMES;
      const stop = Math.min(CHUNK_FRAMES, end - base);
      const words = this.chunks.get(number) ?? null;
      let at = Math.max(0, first - base);
      if (words === null) {
        found(base + at, stop - at);
        continue;
      }
      while ((at = next(words, at, stop, 0)) < stop) {
        const last = next(words, at, stop, -1);
        found(base + at, last - at);
        at = last;
      }
    }
  }

  /** Takes the frames first..end-1 out. */
  remove(first: number, end: number): void {
    for (const number of this.between(first, end)) {
      const base = number * CHUNK_FRAMES;
      const [from, stop] = [Math.max(0, first - base), Math.min(CHUNK_FRAMES, end - base)];
      if (stop - from === CHUNK_FRAMES) this.chunks.delete(number);
      else this.removeFrom(number, from, stop);
    }
  }

  private removeFrom(number: number, from: number, end: number): void {
    const words = this.chunks.get(number) ?? new Uint32Array(WORDS).fill(-1);
    assign(words, from, end, false);
    if (next(words, 0, CHUNK_FRAMES, 0) === CHUNK_FRAMES) this.chunks.delete(number);
    else this.chunks.set(number, words);
  }

  /** Numbers of the chunks that hold something of first..end-1, ascending: found by whichever is shorter, the range or what is there. */
  private between(first: number, end: number): number[] {
    if (first >= end) return [];
    const [low, high] = [Math.floor(first / CHUNK_FRAMES), Math.floor((end - 1) / CHUNK_FRAMES)];
    if (high - low >= this.chunks.size) return [...this.chunks.keys()].filter((number) => number >= low && number <= high).sort((a, b) => a - b);
    const found: number[] = [];
    for (let number = low; number <= high; number++) if (this.chunks.has(number)) found.push(number);
    return found;
  }

  clear(): void {
    this.chunks.clear();
  }
}

// Memory that areas of an address space show: pages of a process, found when it was mapped and pinned while somebody needs them to stay.
//
//   pages     |  0  |  1  |  2  |  3  |  4  |         page 0 holds the first byte that was mapped
//   holds        [ area A  ]  [ area B ]              pages 1 to 3 are counted, each once
//   segments     [ A ][ A and B ][  B   ]             what is held twice is pinned once, and leads to the same bytes; a segment goes with its last holder
//
// Source: drivers/iommu/iommufd/pages.c iopt_alloc_user_pages, pfn_reader, iopt_pages_update_pinned

import type { Region } from '../../core/index.ts';
import { VfioError } from '../../uapi/index.ts';
import type { CallingProcess, PinnedMemory } from '../files/open-file.ts';
import { PAGE_SIZE } from '../page.ts';
import type { PageAccount } from './locked-pages.ts';

const PAGE = BigInt(PAGE_SIZE);

/** Where pages come from. */
export interface PageSource {
  /** The address of a process's memory, or the offset in a file, of byte 0. */
  readonly start: bigint;
  /** Whether a file is mapped rather than a process's memory. */
  readonly isFile: boolean;
  /** VfioError EFAULT for a process's memory, EINVAL for a file that cannot be pinned. */
  pin(call: string, address: bigint, bytes: bigint, writes: boolean): PinnedMemory;
  /** Moves bytes without pinning them. VfioError as `pin`. */
  read(call: string, address: bigint, target: Uint8Array): void;
  write(call: string, address: bigint, bytes: Uint8Array): void;
}

/** Memory of a process. */
export function processSource(process: CallingProcess, start: bigint): PageSource {
  const reach = <T>(call: string, run: () => T): T => {
    try {
      return run();
    } catch (error) {
      // A process that has ended has no memory at all.
      if (error instanceof VfioError && error.code !== 'ENOMEM') throw new VfioError('EFAULT', call, error.message);
      throw error;
    }
  };
  return {
    start,
    isFile: false,
    pin: (call, address, bytes, writes) => reach(call, () => process.pin(call, address, bytes, { writes, devices: false })),
    read: (call, address, target) => target.set(reach(call, () => process.memoryAt(address).copyIn(0, target.length))),
    write: (call, address, bytes) => reach(call, () => process.memoryAt(address).copyOut(0, bytes)),
  };
}

/** A file: none of those here is a memfd, and only those are pinned. */
export function fileSource(kind: string, start: bigint): PageSource {
  const refuse = (call: string): never => {
    throw new VfioError('EINVAL', call, `the pages of a ${kind} file cannot be pinned: it is no memfd`);
  };
  return { start, isFile: true, pin: refuse, read: refuse, write: refuse };
}

/** What was pinned together, from page `first` on. It is released with its last segment. */
interface Pinned {
  readonly first: bigint;
  readonly memory: PinnedMemory;
  segments: number;
}

/** Pages that the same holders hold: no hold ends inside one, so that nobody finds pages pinned that nobody holds. */
interface Segment {
  readonly first: bigint;
  readonly last: bigint;
  readonly pinned: Pinned;
  users: number;
}

/** Pages that stay until they are given back, by their numbers, both ends included. */
export interface HeldPages {
  readonly first: bigint;
  readonly last: bigint;
  /** In order. */
  segments: readonly Segment[];
}

/** Consecutive bytes of pages that are held. */
export interface PageRun {
  readonly region: Region;
  readonly position: bigint;
  readonly bytes: bigint;
}

/** Pages that were mapped by one call, whatever areas show of them since. */
export class Pages {
  /** Devices may write them. */
  readonly writable: boolean;
  readonly source: PageSource;
  private readonly account: PageAccount;
  private segments: Segment[] = [];
  private readonly holds = new Set<HeldPages>();
  private counted = 0;

  /** @param source - Starts at a page. */
  constructor(source: PageSource, writable: boolean, account: PageAccount) {
    this.source = source;
    this.writable = writable;
    this.account = account;
  }

  /** How many pages are held. */
  get pinned(): number {
    return this.counted;
  }

  /** Holds the pages of bytes first..last. VfioError EFAULT, EINVAL, ENOMEM; then nothing is held. */
  hold(call: string, first: bigint, last: bigint): HeldPages {
    const [from, to] = [first / PAGE, last / PAGE];
    this.cut(from);
    this.cut(to + 1n);
    const segments = this.segmentsOf(call, from, to);
    const held: HeldPages = { first: from, last: to, segments };
    for (const segment of segments) segment.users++;
    this.holds.add(held);
    try {
      this.count(call);
    } catch (error) {
      this.drop(held);
      throw error;
    }
    return held;
  }

  /** What is pinned in from..to, in order; pins what is not yet. */
  private segmentsOf(call: string, from: bigint, to: bigint): Segment[] {
    const found: Segment[] = [];
    const made: Segment[] = [];
    const pin = (first: bigint, last: bigint): void => {
      const memory = this.source.pin(call, this.source.start + first * PAGE, (last - first + 1n) * PAGE, this.writable);
      const segment = { first, last, pinned: { first, memory, segments: 1 }, users: 0 };
      made.push(segment);
      found.push(segment);
    };
    try {
      let next = from;
      for (const segment of this.segments) {
        if (segment.last < from || segment.first > to) continue;
        if (segment.first > next) pin(next, segment.first - 1n);
        found.push(segment);
        next = segment.last + 1n;
      }
      if (next <= to) pin(next, to);
    } catch (error) {
      for (const { pinned } of made) pinned.memory.release();
      throw error;
    }
    if (made.length > 0) this.segments = [...this.segments, ...made].sort((a, b) => (a.first < b.first ? -1 : 1));
    return found;
  }

  /** Gives pages back. */
  release(held: HeldPages): void {
    this.drop(held);
    this.count('release');
  }

  private drop(held: HeldPages): void {
    this.holds.delete(held);
    for (const segment of held.segments) {
      if (--segment.users > 0) continue;
      this.segments = this.segments.filter((other) => other !== segment);
      if (--segment.pinned.segments === 0) segment.pinned.memory.release();
    }
  }

  /** Makes a segment begin with page `at`, if one holds it. */
  private cut(at: bigint): void {
    const whole = this.segments.find(({ first, last }) => first < at && at <= last);
    if (whole === undefined) return;
    const parts = [{ ...whole, last: at - 1n }, { ...whole, first: at }];
    whole.pinned.segments++;
    const cut = (segments: readonly Segment[]): Segment[] => segments.flatMap((segment) => (segment === whole ? parts : segment));
    this.segments = cut(this.segments);
    for (const held of this.holds) if (held.segments.includes(whole)) held.segments = cut(held.segments);
  }

  /** Two holds instead of one: the second begins with page `at`. */
  split(held: HeldPages, at: bigint): readonly [HeldPages, HeldPages] {
    this.cut(at);
    const part = (first: bigint, last: bigint): HeldPages => ({ first, last, segments: held.segments.filter((segment) => segment.first <= last && segment.last >= first) });
    const parts = [part(held.first, at - 1n), part(at, held.last)] as const;
    for (const { segments } of parts) for (const segment of segments) segment.users++;
    this.holds.add(parts[0]).add(parts[1]);
    this.drop(held);
    return parts;
  }

  /** Settles how many pages are charged: those that anybody holds, each once. */
  private count(call: string): void {
    const now = this.union();
    if (now > this.counted) this.account.lock(call, now - this.counted);
    else if (now < this.counted) this.account.unlock(this.counted - now);
    this.counted = now;
  }

  private union(): number {
    let pages = 0n;
    let next = 0n;
    const holds = this.holds.size < 2 ? this.holds : [...this.holds].sort((a, b) => (a.first < b.first ? -1 : 1));
    for (const { first, last } of holds) {
      const from = first > next ? first : next;
      if (last < from) continue;
      pages += last - from + 1n;
      next = last + 1n;
    }
    return Number(pages);
  }

  /** Where bytes first..last of pages that are held are. */
  *runs(held: HeldPages, first: bigint, last: bigint): Generator<PageRun, void, undefined> {
    for (const segment of held.segments) {
      const [low, high] = [segment.first * PAGE, segment.last * PAGE + PAGE - 1n];
      const [begin, end] = [low > first ? low : first, high < last ? high : last];
      let at = segment.pinned.first * PAGE;
      for (const { region, position, bytes } of segment.pinned.memory.runs) {
        const [from, to] = [at > begin ? at : begin, at + bytes - 1n < end ? at + bytes - 1n : end];
        if (from <= to) yield { region, position: position + (from - at), bytes: to - from + 1n };
        at += bytes;
      }
    }
  }

  /** Moves bytes from byte `at` on: of pinned pages where the pages are pinned, else of the memory as it is. VfioError EFAULT, EINVAL. */
  move(call: string, at: bigint, bytes: Uint8Array, writes: boolean): void {
    for (let done = 0; done < bytes.length; ) {
      const from = at + BigInt(done);
      const segment = this.segments.find(({ first, last }) => from / PAGE >= first && from / PAGE <= last);
      const next = segment === undefined ? this.segments.find(({ first }) => first * PAGE > from) : undefined;
      const end = segment !== undefined ? (segment.last + 1n) * PAGE : (next?.first ?? 1n << 64n) * PAGE;
      const count = end - from < BigInt(bytes.length - done) ? Number(end - from) : bytes.length - done;
      const part = bytes.subarray(done, done + count);
      if (segment !== undefined) this.movePinned(segment, from, part, writes);
      else this.source[writes ? 'write' : 'read'](call, this.source.start + from, part);
      done += count;
    }
  }

  private movePinned(segment: Segment, from: bigint, bytes: Uint8Array, writes: boolean): void {
    let done = 0;
    const held = { first: segment.first, last: segment.last, segments: [segment] };
    for (const { region, position, bytes: count } of this.runs(held, from, from + BigInt(bytes.length) - 1n)) {
      const part = bytes.subarray(done, done + Number(count));
      if (writes) region.writeBytes(position, part);
      else region.readBytes(position, part);
      done += Number(count);
    }
  }
}

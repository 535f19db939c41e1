// Ports that cards decode, in v86's table of 64 Ki entries: an entry is replaced while a card decodes its port, and given back.
//
//   ports[c000]  theirs        a BAR of 8 ports at c000:  ports[c000..c007] ours, each knows its port
//
// Entries are replaced, not changed: the ones that were there may be a movable BAR's of v86's own. Ports below 0x1000 are the platform's: v86's own BARs do not go there
// either.

import type { Space } from '../../core/index.ts';
import type { V86Io, V86Port } from './internals.ts';
import { DecodedRuns, countRead, countWrite, tell } from './region-counts.ts';
import type { DecodedRun } from './region-counts.ts';

const FIRST = 0x1000;
const LAST = 0xffff;

/** The ports of one emulator that cards decode. */
export class PortRuns {
  private readonly io: V86Io;
  private readonly space: Space;
  private readonly runs = new DecodedRuns();
  private readonly taken = new Map<number, { runs: number; readonly ours: V86Port; readonly before: V86Port }>();

  constructor(io: V86Io, space: Space) {
    this.io = io;
    this.space = space;
  }

  /** How many ports are taken. */
  get count(): number {
    return this.taken.size;
  }

  /** A card decodes a run. */
  add(run: DecodedRun): void {
    this.runs.add(run);
    for (let port = Math.max(run.first, FIRST); port <= Math.min(run.last, LAST); port++) {
      const taken = this.taken.get(port);
      const before = this.io.ports[port]!;
      if (taken?.ours === before) taken.runs++;
      else {
        const ours = this.entry(port);
        this.taken.set(port, { runs: (taken?.runs ?? 0) + 1, ours, before });
        this.io.ports[port] = ours;
      }
    }
  }

  /** A card decodes a run no more. */
  remove(run: DecodedRun): void {
    this.runs.remove(run);
    for (let port = Math.max(run.first, FIRST); port <= Math.min(run.last, LAST); port++) {
      const taken = this.taken.get(port);
      if (taken === undefined || --taken.runs > 0) continue;
      this.taken.delete(port);
      if (this.io.ports[port] === taken.ours) this.io.ports[port] = taken.before;
    }
  }

  private entry(port: number): V86Port {
    return {
      read8: () => this.read(port, 1),
      read16: () => this.read(port, 2),
      read32: () => this.read(port, 4) | 0,
      write8: (value) => this.write(port, 1, value),
      write16: (value) => this.write(port, 2, value),
      write32: (value) => this.write(port, 4, value),
      device: undefined,
    };
  }

  private read(port: number, width: 1 | 2 | 4): number {
    const run = this.runs.holding(port, width);
    if (run === undefined) return this.strayRead(port, width);
    countRead(run, width);
    let value = width === 1 ? 0xff : width === 2 ? 0xffff : 0xffff_ffff;
    try {
      value = width === 1 ? this.space.read8(port) : width === 2 ? this.space.read16(port) : this.space.read32(port);
    } catch (error) {
      run.failed(error);
    }
    tell(run, 'read', port, width, value);
    return value;
  }

  private write(port: number, width: 1 | 2 | 4, given: number): void {
    const run = this.runs.holding(port, width);
    if (run === undefined) {
      this.strayWrite(port, width, given);
      return;
    }
    const value = width === 1 ? given & 0xff : width === 2 ? given & 0xffff : given >>> 0;
    countWrite(run, width);
    tell(run, 'write', port, width, value);
    try {
      if (width === 1) this.space.write8(port, value);
      else if (width === 2) this.space.write16(port, value);
      else this.space.write32(port, value);
    } catch (error) {
      run.failed(error);
    }
  }

  // An access that begins in a card's ports and ends elsewhere: byte by byte. A byte that is no card's, though its entry is still here, reads as nothing.
  private strayRead(port: number, width: 1 | 2 | 4): number {
    if (width === 1) return 0xff;
    let value = 0;
    for (let i = 0; i < width; i++) value |= (port + i <= LAST ? this.io.port_read8(port + i) : 0xff) << (8 * i);
    return value >>> 0;
  }

  private strayWrite(port: number, width: 1 | 2 | 4, value: number): void {
    if (width === 1) return;
    for (let i = 0; i < width; i++) if (port + i <= LAST) this.io.port_write8(port + i, (value >>> (8 * i)) & 0xff);
  }
}

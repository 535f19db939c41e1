// The writer of the soak: writes of every kind, spread over the readers' whole run.
import { A, B, BRIEF, BRIEF_ROWS, CELLS, CHECKSUM, CHUNK, DONE, FAR, FAR_ROWS, PAGES, PULSE_KEYS, READERS, SEEN_SNAPSHOT, SNAPSHOT, SNAPSHOT_NUMBER, STOP, WRITTEN, cellOf, checksumOf, pageOf, random, valueOf } from './plan.mjs';

const FAR_FIRSTS = Float64Array.from({ length: FAR_ROWS }, (_, i) => FAR + 10 * i);
const FAR_LASTS = FAR_FIRSTS.map((first) => first + 7);

export class SoakWriter {
  constructor({ RangeMap, SharedRangeArena }, { build, ranges, lookups, writes }, pace) {
    Object.assign(this, { RangeMap, ranges, lookups, writes, pace });
    this.arena = new SharedRangeArena({ ...(build && { build }), memoryLimit: 2 ** 28 });
    const { arena } = this;
    this.map = new RangeMap({ arena });
    this.pulse = new RangeMap({ arena });
    this.other = new RangeMap({ arena });
    this.random = random(20261121);
    this.generation = 1;
    this.written = 0;
    this.warm = Math.max(1, Math.floor(writes / 5), Math.min(1500, Math.floor(writes / 2)));
    this.mostWaiting = 0;
    this.lastSnapshot = 0;
    this.pulseUp = true;
    this.pulseAt = 0;
    this.cells = new Uint8Array((ranges / 4) * CELLS);
    for (let slot = 0; slot < ranges; slot++) this.storeWhole(slot);
    this.pair();
    this.refill();
    this.renewBrief();
    // Alone at first, until slots are in as many pieces as they ever are: afterwards the map's own size stays about the same.
    for (this.before = 8 * ranges; this.generation <= this.before; this.generation++) this.step();
  }

  /** What the readers begin with; each seat is for one of them. */
  messages() {
    this.seats = Array.from({ length: READERS }, () => this.arena.openReader());
    return this.seats.map((seat) => ({ seat, map: this.arena.share(this.map), pulse: this.arena.share(this.pulse), ranges: this.ranges, before: this.before }));
  }

  storeWhole(slot) {
    this.map.store(pageOf(slot, 0), pageOf(slot, PAGES) - 1, valueOf(this.generation, slot, false));
  }

  storePages(slot, from, to) {
    this.map.store(pageOf(slot, from), pageOf(slot, to) - 1, valueOf(this.generation, slot, false));
  }

  /** From the middle of one slot to the middle of another of its group. */
  storeSpread(slot) {
    const start = slot & ~3;
    this.map.store(pageOf(start, PAGES / 2), pageOf(start + 1 + this.random(3), PAGES / 2) - 1, valueOf(this.generation, start, true));
  }

  toggleCell() {
    const group = this.random(this.ranges / 4);
    const cell = this.random(CELLS);
    const at = cellOf(group, cell);
    const i = group * CELLS + cell;
    if (this.cells[i] === 1) this.map.erase(at + 5);
    else this.map.insert(at, at + 63, this.generation);
    this.cells[i] ^= 1;
  }

  /** Two keys far apart, and a map beside, in one change. Nobody may see one without the other. */
  pair() {
    const { generation } = this;
    this.arena.together(this.map, () => {
      this.map.store(A, A + 9, generation);
      this.other.store(generation % 64, (generation % 64) + 8, generation);
      this.storePages(this.random(this.ranges), 3, 4);
      this.map.store(B, B + 9, generation);
    });
  }

  refill() {
    this.map.setMany(FAR_FIRSTS, FAR_LASTS, new Uint32Array(FAR_ROWS).fill(this.generation));
  }

  /** The small map goes up to three levels and down to nothing. */
  stepPulse() {
    const key = ((this.pulseAt * 241) % PULSE_KEYS) * 16;
    if (this.pulseUp) this.pulse.insert(key, key + 15, key + 1);
    else this.pulse.erase(key);
    if (++this.pulseAt === PULSE_KEYS) {
      this.pulseAt = 0;
      this.pulseUp = !this.pulseUp;
    }
  }

  /** A map whose handle readers know goes; another one comes, often in the same record. */
  renewBrief() {
    this.brief?.destroy();
    this.brief = new this.RangeMap({ arena: this.arena });
    const { handle } = this.arena.share(this.brief);
    this.brief.bulkLoad(Array.from({ length: BRIEF_ROWS }, (_, i) => [10 * i, 10 * i + 4, handle]));
    Atomics.store(this.pace, BRIEF, handle);
  }

  /** A new snapshot when all readers have compared the last one with its checksum. */
  renewSnapshot() {
    const { pace } = this;
    // In the warm-up they are kept three times as long: then the memory has room for whatever readers hold up later, when the system lets one sleep.
    const patience = Math.max(100, Math.floor(this.writes / 200)) * (this.written < this.warm ? 3 : 1);
    if (this.written < this.lastSnapshot + patience) return;
    const number = Atomics.load(pace, SNAPSHOT_NUMBER);
    for (let i = 0; i < READERS; i++) if (Atomics.load(pace, SEEN_SNAPSHOT + i) !== number) return;
    this.lastSnapshot = this.written;
    this.snapshot?.destroy();
    this.snapshot = this.map.snapshot();
    Atomics.store(pace, CHECKSUM, checksumOf(this.snapshot));
    Atomics.store(pace, SNAPSHOT, this.arena.share(this.snapshot).handle);
    Atomics.store(pace, SNAPSHOT_NUMBER, number + 1);
  }

  step() {
    const { generation, random: pick } = this;
    const slot = pick(this.ranges);
    if (generation > this.before) this.renewSnapshot();
    if (generation % 1000 === 0) return this.map.eraseRange(FAR, FAR + 10 * FAR_ROWS);
    if (generation % 1000 === 300) return this.refill();
    if (generation % 200 === 0) return this.renewBrief();
    if (generation % 200 === 100) return this.brief.destroy();
    switch (pick(8)) {
      case 0:
      case 1:
        return this.storeWhole(slot);
      case 2: {
        const from = 1 + pick(PAGES - 2);
        return this.storePages(slot, from, from + 1 + pick(PAGES - 1 - from));
      }
      case 3:
        return this.storeSpread(slot);
      case 4: {
        const odd = slot | 1;
        this.map.eraseRange(pageOf(odd, 0), pageOf(odd, PAGES) - 1);
        if (pick(2) === 0) this.map.insert(pageOf(odd, 0), pageOf(odd, PAGES) - 1, valueOf(generation, odd, false));
        return undefined;
      }
      case 5:
        return this.toggleCell();
      case 6:
        return this.stepPulse();
      default:
        return this.pair();
    }
  }

  /** Writes as many as are due at the readers' progress; true while there is more to do. */
  advance() {
    const { pace, writes, lookups } = this;
    const each = lookups / READERS;
    let slowest = each;
    for (let i = 0; i < READERS; i++) slowest = Math.min(slowest, Atomics.load(pace, DONE + i));
    const due = Math.min(writes, Math.ceil(((slowest + CHUNK) / each) * writes));
    while (this.written < due) {
      this.step();
      this.generation++;
      this.written++;
      Atomics.store(pace, WRITTEN, this.written);
      if (this.written % 1000 === 0) this.mostWaiting = Math.max(this.mostWaiting, this.arena.collect());
      if (this.written === this.warm) this.bytesBefore = this.arena.memoryBytes;
    }
    for (let i = 0; i < READERS; i++) Atomics.notify(pace, WRITTEN);
    return due < writes && Atomics.load(pace, STOP) === 0;
  }

  /** To the end. Sleeps while nothing is due, so it must run where a thread may sleep. */
  run() {
    const started = performance.now();
    while (this.advance()) {
      const [first, second] = [Atomics.load(this.pace, DONE), Atomics.load(this.pace, DONE + 1)];
      Atomics.wait(this.pace, first <= second ? DONE : DONE + 1, Math.min(first, second), 2);
    }
    return { writes: this.written, bytesBefore: this.bytesBefore, seconds: (performance.now() - started) / 1000 };
  }

  /** When the readers have ended: what is left once everything is destroyed, all of it zero. */
  end() {
    const bytesAfter = this.arena.memoryBytes;
    this.map.validate();
    this.pulse.validate();
    for (const one of [this.snapshot, this.brief, this.map, this.pulse, this.other]) one?.destroy();
    for (const seat of this.seats) this.arena.closeReader(seat);
    return { mostWaiting: this.mostWaiting, bytesAfter, waitingAtEnd: this.arena.collect(), live: this.arena.live() };
  }
}


// A reader of the soak: looks things up beside the writer and checks every answer.
import { A, B, BRIEF, BRIEF_ROWS, CELLS, CHECKSUM, CHUNK, DONE, FAR, FAR_ROWS, PAGE, PAGES, PULSE_KEYS, SEEN_SNAPSHOT, SNAPSHOT, SNAPSHOT_NUMBER, STOP, WINDOW, WRITTEN, belongs, cellOf, checksumOf, generationOf, pageOf, random } from './plan.mjs';

export class SoakReader {
  constructor({ SharedRangeReader }, { seat, map, pulse, ranges, before }, number, pace) {
    Object.assign(this, { ranges, before, number, pace });
    this.reader = new SharedRangeReader(seat);
    this.map = this.reader.map(map);
    this.pulse = this.reader.map(pulse);
    this.random = random(977 * (number + 1));
    this.newest = new Uint32Array(ranges * PAGES);
    this.pairs = 0;
    this.lookups = 0;
    this.wrong = 0;
    this.messages = [];
    this.kinds = { point: 0, range: 0, together: 0, far: 0, pulse: 0, brief: 0, batch: 0, snapshots: 0 };
  }

  fault(what) {
    this.wrong++;
    if (this.messages.length < 8) this.messages.push(`reader ${this.number}, lookup ${this.lookups}: ${what}`);
  }

  /** A value that stood at a page of a slot. */
  check(slot, page, value, how) {
    this.lookups++;
    if (value === undefined) {
      if ((slot & 1) === 0) this.fault(`${how}: slot ${slot}, page ${page} is empty`);
      return;
    }
    const generation = generationOf(value);
    const probe = slot * PAGES + page;
    if (!belongs(value, slot)) this.fault(`${how}: slot ${slot}, page ${page} holds ${value}, of slot ${value & 4095}`);
    else if (generation < this.newest[probe]) this.fault(`${how}: slot ${slot}, page ${page} holds generation ${generation} after ${this.newest[probe]}`);
    else this.newest[probe] = generation;
  }

  point() {
    const { random: pick } = this;
    this.kinds.point++;
    const slot = pick(this.ranges);
    const page = pick(PAGES);
    this.check(slot, page, this.map.get(pageOf(slot, page) + pick(PAGE)), 'get');
  }

  /** Every other way to ask, and a walk over a window. */
  range() {
    const { random: pick, map } = this;
    this.kinds.range++;
    const slot = pick(this.ranges);
    const page = pick(PAGES);
    const key = pageOf(slot, page) + pick(PAGE);
    const at = map.at(key);
    if (at.first > key || at.last < key) this.fault(`at ${key} answers ${at.first}..${at.last}`);
    this.check(slot, page, at.value === 0 ? undefined : at.value, 'at');
    const found = map.find(key);
    this.lookups++;
    if (found === undefined || found.last < key) this.fault(`find ${key} answers ${found?.first}..${found?.last}`);
    const before = map.findPrevious(key);
    this.lookups++;
    if (before === undefined || before.first > key) this.fault(`findPrevious ${key} answers ${before?.first}..${before?.last}`);
    let end = -1;
    let rows = 0;
    for (const { first, last, value } of map.walk(key, key + 4 * PAGES * PAGE)) {
      this.lookups++;
      if (first <= end || last < first || value === 0) this.fault(`walk from ${key}: ${first}..${last} = ${value} behind ${end}`);
      end = last;
      // Rows behind these are fetched later, and an entry that came in between may begin in front of them.
      if (++rows === WINDOW) break;
    }
    this.lookups++;
    const cell = cellOf(slot >>> 2, pick(CELLS));
    const value = map.get(cell + 63);
    if (value > this.before + Atomics.load(this.pace, WRITTEN) + 1) this.fault(`cell ${cell} holds ${value}, which is not written yet`);
  }

  /** Two keys that are written together: whichever is looked up later is at least as new, and one walk sees both alike. */
  together() {
    const { map } = this;
    this.kinds.together++;
    this.lookups += 4;
    const a = map.get(A + 3);
    const b = map.get(B + 3);
    const again = map.get(A + 3);
    if (!(a <= b && b <= again && a >= this.pairs)) this.fault(`together: A ${a}, then B ${b}, then A ${again}, after ${this.pairs}`);
    this.pairs = again;
    const rows = [...map.walk(A, B + 9)];
    if (rows.length !== 2 || rows[0].value !== rows[1].value || rows[0].value < again) this.fault(`together: one walk sees ${JSON.stringify(rows)} after ${again}`);
  }

  /** The rows of a bulk write: all of it, or nothing. */
  far() {
    this.kinds.far++;
    this.lookups++;
    const from = this.random(FAR_ROWS - WINDOW);
    const rows = [...this.map.walk(FAR + 10 * from, FAR + 10 * (from + WINDOW - 1))];
    if (rows.length === 0) return;
    const whole = rows.length === WINDOW && rows.every(({ first, last, value }, i) => first === FAR + 10 * (from + i) && last === first + 7 && value === rows[0].value);
    if (!whole) this.fault(`far rows from ${from}: ${JSON.stringify(rows.slice(0, 3))}, ${rows.length} of them`);
  }

  grown() {
    this.kinds.pulse++;
    this.lookups++;
    const key = this.random(PULSE_KEYS) * 16;
    const value = this.pulse.get(key + this.random(16));
    if (value !== undefined && value !== key + 1) this.fault(`pulse ${key} holds ${value}`);
  }

  /** A map that may be destroyed by now: nothing, or what it held. */
  brief() {
    this.kinds.brief++;
    const handle = Atomics.load(this.pace, BRIEF);
    const view = this.reader.map({ handle, keys: 'number' });
    for (let i = 0; i < 4; i++) {
      this.lookups++;
      const value = view.get(10 * this.random(BRIEF_ROWS) + this.random(5));
      if (value !== undefined && value !== handle) this.fault(`the brief map ${handle} holds ${value}`);
    }
    view.destroy();
  }

  batch() {
    this.kinds.batch++;
    const slots = Array.from({ length: 16 }, () => [this.random(this.ranges), this.random(PAGES)]);
    const values = this.map.getMany(Float64Array.from(slots, ([slot, page]) => pageOf(slot, page)));
    slots.forEach(([slot, page], i) => this.check(slot, page, values[i] || undefined, 'getMany'));
  }

  /** The writer's newest snapshot has its checksum, also in the turn after. */
  snapshot() {
    const { pace, number } = this;
    const newest = Atomics.load(pace, SNAPSHOT_NUMBER);
    if (newest === Atomics.load(pace, SEEN_SNAPSHOT + number)) return;
    this.kinds.snapshots++;
    const expected = Atomics.load(pace, CHECKSUM);
    const view = this.reader.map({ handle: Atomics.load(pace, SNAPSHOT), keys: 'number' });
    for (let i = 0; i < 2; i++) {
      this.lookups++;
      const sum = checksumOf(view);
      if (sum !== expected) this.fault(`snapshot ${newest} has checksum ${sum}, not ${expected}`);
      this.reader.renew();
    }
    view.destroy();
    Atomics.store(pace, SEEN_SNAPSHOT + number, newest);
  }

  step() {
    switch (this.random(128)) {
      case 0:
        return this.range();
      case 1:
      case 2:
        return this.together();
      case 3:
        return this.far();
      case 4:
      case 5:
        return this.grown();
      case 6:
        return this.brief();
      case 7:
        return this.batch();
      default:
        return this.point();
    }
  }

  /** Sleeps while the writer is behind, with no turn at times. */
  keepPace(wanted, writes) {
    const { pace } = this;
    for (;;) {
      const written = Atomics.load(pace, WRITTEN);
      if (written >= Math.floor((this.lookups / wanted) * writes) || Atomics.load(pace, STOP) !== 0) return;
      const asleep = this.random(2) === 0;
      if (asleep) this.reader.pause();
      Atomics.wait(pace, WRITTEN, written, 2);
      if (asleep) this.reader.renew();
    }
  }

  /** `wanted` lookups beside all of the writer's `writes`. */
  run(wanted, writes) {
    const { pace, number } = this;
    try {
      while (this.lookups < wanted && Atomics.load(pace, STOP) === 0) {
        const until = Math.min(wanted, this.lookups + CHUNK);
        while (this.lookups < until) this.step();
        this.snapshot();
        this.reader.renew();
        Atomics.store(pace, DONE + number, Math.min(this.lookups, wanted));
        Atomics.notify(pace, DONE + number);
        this.keepPace(wanted, writes);
      }
    } catch (error) {
      this.fault(`threw ${error?.stack ?? error}`);
      Atomics.store(pace, STOP, 1);
    }
    this.reader.pause();
    const { wrong, messages, kinds } = this;
    return { lookups: this.lookups, wrong, messages, kinds };
  }
}

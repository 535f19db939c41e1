// Domains of an IOMMU through the public interface, and inside Wasm in columns.

import { createEngine } from '../../src/core/index.ts';
import { COUNT_BACKING_BYTES, COUNT_INNER_NODES, COUNT_LEAVES, IOMMU_READABLE, TREE_LOAD } from '../../src/core/layout.generated.ts';
import type { Side } from '../comparison.ts';
import { BASE, PAGE, RAM_BYTES, createPages, createPlaces, digestOf } from './dma.ts';
import type { Order } from './dma.ts';
import { createRandom, shuffled } from '../random.ts';

const LOOKUPS = 1024;
const BLOCKS = 64;

function machine() {
  const engine = createEngine();
  return { engine, domain: engine.iommuDomain(), region: engine.region({ kind: 'ram', size: RAM_BYTES }) };
}

const BOTH = { readable: true, writable: true };

/** What the mappings take in the core: nodes of the tree and records. */
function bytesOfEach({ engine, domain }: ReturnType<typeof machine>): string {
  const { liveCount } = engine.core.exports;
  const bytes = liveCount(COUNT_LEAVES) * 256 + liveCount(COUNT_INNER_NODES) * 640 + liveCount(COUNT_BACKING_BYTES) - RAM_BYTES;
  return `${(bytes / domain.count).toFixed(1)} bytes for a mapping`;
}

/** One call for each page. */
export function mapOneByOne(n: number, order: Order): Side {
  const all = machine();
  const { domain, region } = all;
  const { iovas, positions } = createPages(n, order);
  return {
    operations: n,
    note: () => bytesOfEach(all),
    digest: () => digestOf(n, order, (iova) => domain.locate(iova, 'read'), () => run()),
    run: () => run(),
  };
  function run(): number {
    domain.clear();
    for (let i = 0; i < n; i++) domain.map(iovas[i]!, PAGE, { region, position: positions[i]!, ...BOTH });
    return domain.count;
  }
}

/** `batch` pages a call. */
export function mapInBatches(n: number, order: Order, batch: number): Side {
  const all = machine();
  const { domain, region } = all;
  const { iovas, positions } = createPages(n, order);
  const [first, second] = [BigUint64Array.from(iovas, BigInt), BigUint64Array.from(positions, BigInt)];
  return {
    operations: n,
    note: () => bytesOfEach(all),
    digest: () => digestOf(n, order, (iova) => domain.locate(iova, 'read'), () => run()),
    run: () => run(),
  };
  function run(): number {
    domain.clear();
    for (let i = 0; i < n; i += batch) domain.mapPages(first.subarray(i, i + batch), second.subarray(i, i + batch), PAGE, { region, ...BOTH });
    return domain.count;
  }
}

function mapped(n: number) {
  const { engine, domain, region } = machine();
  const { iovas, positions } = createPages(n, 'ascending');
  domain.mapPages(BigUint64Array.from(iovas, BigInt), BigUint64Array.from(positions, BigInt), PAGE, { region, ...BOTH });
  return { engine, domain };
}

/** `locate`, one call from JavaScript for each page. */
export function locate(n: number): Side {
  const { domain } = mapped(n);
  const places = createPlaces(n, LOOKUPS);
  return {
    operations: LOOKUPS,
    prepare: (round) => places.renew(round),
    run() {
      const block = places.next();
      let sum = 0;
      for (let k = 0; k < LOOKUPS; k++) sum = (sum + domain.locate(block[k]!, 'read')) | 0;
      return sum;
    },
  };
}

/** `translate`, which makes an object. */
export function translate(n: number): Side {
  const { domain } = mapped(n);
  const places = createPlaces(n, LOOKUPS);
  return {
    operations: LOOKUPS,
    prepare: (round) => places.renew(round),
    run() {
      const block = places.next();
      let sum = 0;
      for (let k = 0; k < LOOKUPS; k++) sum = (sum + (domain.translate(block[k]!)?.readable === true ? 1 : 0)) | 0;
      return sum;
    },
  };
}

function storeOf(n: number) {
  const engine = createEngine();
  const store = engine.rangeStore();
  const { iovas } = createPages(n, 'ascending');
  store.bulkLoad(Array.from(iovas, (first, i) => ({ first, last: first + PAGE - 1, value: i + 1 })));
  return { engine, store };
}

/** A range store with the same ranges: `load`. */
export function load(n: number): Side {
  const { store } = storeOf(n);
  const places = createPlaces(n, LOOKUPS);
  return {
    operations: LOOKUPS,
    prepare: (round) => places.renew(round),
    run() {
      const block = places.next();
      let sum = 0;
      for (let k = 0; k < LOOKUPS; k++) sum = (sum + store.load(block[k]!)) | 0;
      return sum;
    },
  };
}

/** All places of a block in one call: the loop is inside Wasm. The bigints are made before: making them costs more than looking them up. */
function inWasm(n: number, engine: ReturnType<typeof createEngine>, look: (columns: number) => number): Side {
  const places = createPlaces(n, LOOKUPS);
  const columns = engine.core.exports.takeBuffer(LOOKUPS * 20) >>> 0;
  const blocks: BigUint64Array[] = [];
  let block = 0;
  return {
    operations: LOOKUPS,
    prepare(round) {
      places.renew(round);
      for (let i = 0; i < BLOCKS; i++) blocks[i] = BigUint64Array.from(places.next(), BigInt);
    },
    run() {
      new BigUint64Array(engine.core.exports.memory.buffer, columns, LOOKUPS).set(blocks[block++ % BLOCKS]!);
      return look(columns);
    },
  };
}

export function locateAll(n: number): Side {
  const { engine, domain } = mapped(n);
  const handle = (domain as unknown as { handle: number }).handle;
  return inWasm(n, engine, (columns) => engine.core.exports.domainLocateAll(handle, columns, columns + 8 * LOOKUPS, columns + 16 * LOOKUPS, LOOKUPS, IOMMU_READABLE));
}

export function loadAll(n: number): Side {
  const { engine, store } = storeOf(n);
  const { treeBatch } = engine.core.exports as unknown as { treeBatch(tree: number, operation: number, firsts: number, lasts: number, values: number, errnos: number, n: number, numbers: number): number };
  const handle = (store as unknown as { handle: number }).handle;
  return inWasm(n, engine, (columns) => treeBatch(handle, TREE_LOAD, columns, 0, columns + 16 * LOOKUPS, 0, LOOKUPS, 0));
}

/** 64 MiB through 16,384 mappings whose pages lie scattered in the RAM: source in one RAM, target in another. */
function scattered() {
  const engine = createEngine();
  const domain = engine.iommuDomain();
  const pages = RAM_BYTES / PAGE;
  const random = createRandom(5);
  for (const at of [0, 1]) {
    const region = engine.region({ kind: 'ram', size: RAM_BYTES });
    region.bytes().fill(at + 1);
    domain.mapPages(
      BigUint64Array.from({ length: pages }, (_, i) => BigInt(BASE + at * 2 * RAM_BYTES + i * PAGE)),
      BigUint64Array.from(shuffled(pages, random), (page) => BigInt(page * PAGE)),
      PAGE,
      { region, ...BOTH },
    );
  }
  return domain;
}

export function copy(): Side {
  const domain = scattered();
  return { operations: 1, run: () => (domain.copy(BASE + 2 * RAM_BYTES, BASE, RAM_BYTES), 1) };
}

export function read(): Side {
  const domain = scattered();
  const target = new Uint8Array(RAM_BYTES).fill(1);
  return { operations: 1, run: () => (domain.read(BASE, target), target[5]!) };
}

export function write(): Side {
  const domain = scattered();
  const source = new Uint8Array(RAM_BYTES).fill(1);
  return { operations: 1, run: () => (domain.write(BASE, source), 1) };
}

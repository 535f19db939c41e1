// Blocks against a plain array: whatever is written, zeroed, read and compared, through two queues with many commands in flight, wherever in pages the data lie.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nvmeLite } from '../../../src/devices/index.ts';
import { createTestbench } from '../../../src/hosts/index.ts';
import { NvmeDriver, PAGE } from './driver.ts';

const LANES = 5;
/** Blocks that one command of a batch has to itself: what runs at once must not meet. */
const LANE_BLOCKS = 96;
const OPCODES = { write: 0x01, read: 0x02, compare: 0x05, zero: 0x08 } as const;

const operation = fc.record({
  kind: fc.constantFrom(...(Object.keys(OPCODES) as (keyof typeof OPCODES)[])),
  queue: fc.integer({ min: 0, max: 1 }),
  first: fc.nat(LANE_BLOCKS - 1),
  count: fc.integer({ min: 1, max: LANE_BLOCKS }),
  /** Where in its page the data begin, in dwords; and its list, in entries. */
  offset: fc.oneof(fc.constant(0), fc.nat(PAGE / 4 - 1)),
  listOffset: fc.oneof(fc.constant(0), fc.integer({ min: PAGE / 8 - 12, max: PAGE / 8 - 1 })),
  seed: fc.nat(255),
});
const batches = fc.array(fc.tuple(fc.array(operation, { minLength: 1, maxLength: LANES }), fc.nat(3)), { minLength: 1, maxLength: 6 });

test('each batch of commands does to the blocks what it would do to an array', async () => {
  await fc.assert(
    fc.asyncProperty(batches, fc.integer({ min: LANES + 1, max: 9 }), async (rounds, depth) => {
      const bench = createTestbench();
      const disk = new Uint8Array(LANES * LANE_BLOCKS * 512);
      const card = bench.plug((engine, host) => nvmeLite(engine, host, { store: disk }));
      const driver = new NvmeDriver(bench, card);
      const model = new Uint8Array(disk.length);
      await driver.enable(3);
      const pairs = [await driver.createPair(1, depth), await driver.createPair(2, depth)];
      for (const [operations, rotation] of rounds) {
        const expected = operations.map(({ kind, queue, first, count, offset, listOffset, seed }, i) => {
          const blocks = Math.min(count, LANE_BLOCKS - first);
          const block = ((i + rotation) % LANES) * LANE_BLOCKS + first;
          const bytes = blocks * 512;
          const at = driver.pages(Math.ceil(bytes / PAGE) + 1) + 4 * offset;
          const stored = model.subarray(block * 512, block * 512 + bytes);
          const data = new Uint8Array(bytes).map((_, n) => (n * 13 + seed) & 0xff);
          if (kind === 'write') bench.memory.writeBytes(at, data);
          // Every other comparison is of what is there.
          if (kind === 'compare') bench.memory.writeBytes(at, seed % 2 === 0 ? stored : data);
          const before = stored.slice();
          if (kind === 'write') stored.set(data);
          if (kind === 'zero') stored.fill(0);
          const differs = kind === 'compare' && seed % 2 === 1 && Buffer.compare(before, data) !== 0;
          const ended = driver.put(pairs[queue]!, driver.blocks(OPCODES[kind], block, blocks, at, { listOffset: 8 * listOffset }));
          return { ended, status: differs ? 0x4285 : 0, at, wanted: kind === 'read' ? before : null };
        });
        for (const pair of pairs) driver.ringTail(pair);
        await driver.drain();
        expect(pairs.map(({ inFlight }) => inFlight.size)).toEqual([0, 0]);
        for (const { ended, status, at, wanted } of expected) {
          expect((await ended).status).toBe(status);
          if (wanted !== null) expect(Buffer.compare(bench.memory.readBytes(at, new Uint8Array(wanted.length)), wanted)).toBe(0);
        }
        expect(Buffer.compare(disk, model)).toBe(0);
      }
      expect(bench.guestErrors).toEqual([]);
      bench.destroy();
      expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
    }),
    { numRuns: 20 },
  );
});

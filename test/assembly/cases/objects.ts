// Objects: handles, generations and their wrap, kinds, the directory of chunks.

import { setMemoryLimit } from '../../../assembly/memory/arena';
import { deleteObject, handleOf, liveCount, newObject, resolve } from '../../../assembly/memory/objects';
import { equal, truth } from '../lib/expect';

export function objects_resolve_only_live_handles_of_the_kind(): void {
  const record = newObject(3);
  const handle = handleOf(record);
  equal(resolve(handle, 3), record, 'live');
  equal(resolve(handle, 4), 0, 'kind');
  equal(resolve(handle ^ 0x100000, 3), 0, 'generation');
  equal(resolve(handle + 1, 3), 0, 'a place never used');
  equal(resolve(0xfffff, 3), 0, 'a chunk that is not there');
  equal(resolve(0, 3), 0, 'no handle');
  deleteObject(record);
  equal(resolve(handle, 3), 0, 'stale');
  equal(resolve(0, 0), 0, 'the empty handle and the empty kind');
}

export function objects_records_are_zero_but_for_handle_and_kind(): void {
  const record = newObject(7);
  memory.fill(record + 8, 0xee, 120);
  deleteObject(record);
  const again = newObject(7);
  equal(again, record, 'the same place');
  for (let at: u32 = 8; at < 128; at += 8) equal(load<u64>(again + at), 0, 'zeroed');
}

export function objects_the_generation_wraps_to_1_and_never_reads_as_an_errno(): void {
  let previous: u32 = 0;
  let wrapped: u32 = 0;
  for (let i: u32 = 0; i < 4200; i++) {
    const record = newObject(1);
    const handle = handleOf(record);
    truth(<i32>handle > 0, 'positive');
    truth(handle != previous, 'another handle than before');
    if (handle < previous) wrapped += 1;
    previous = handle;
    deleteObject(record);
  }
  equal(wrapped, 2, 'generations 1 to 2047');
}

export function objects_there_are_as_many_as_a_handle_can_name(): void {
  let n: u32 = 0;
  while (newObject(1) != 0) n++;
  equal(n, 1 << 20, '2048 chunks of 512');
}

export function objects_chunks_grow_and_fail_whole(): void {
  for (let i: u32 = 0; i < 600; i++) {
    const record = newObject(2);
    equal(resolve(handleOf(record), 2), record, 'in the second chunk too');
  }
  setMemoryLimit(0);
  for (let i: u32 = 600; i < 1024; i++) truth(newObject(2) != 0, 'the chunk holds 512');
  equal(newObject(2), 0, 'full');
  equal(<u64>liveCount(3), 1024, 'counted');
}

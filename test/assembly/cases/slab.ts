// The slabs: reserve before take, counts, chunks left unfinished.

import { giveFrames, setMemoryLimit, takeFrames } from '../../../assembly/memory/arena';
import { give, live, reserve, take } from '../../../assembly/memory/slab';
import { equal, truth } from '../lib/expect';

export function slab_takes_after_a_reserve_are_distinct_and_counted(): void {
  truth(reserve(0, 300), 'more than one chunk of 256');
  let sum: u64 = 0;
  const first = take(0);
  let previous = first;
  for (let i: u32 = 1; i < 300; i++) {
    const block = take(0);
    truth(block != previous && block != 0, 'another block');
    store<u32>(block, 0xffffffff);
    sum += block != first ? 1 : 0;
    previous = block;
  }
  equal(sum, 299, 'all distinct from the first');
  equal(live(0), 300, 'live');
  equal(live(1), 0, 'another class');
  equal(live(3), 0, 'no class');
}

export function slab_given_blocks_come_back_first(): void {
  reserve(1, 2);
  const a = take(1);
  const b = take(1);
  give(1, a);
  give(1, b);
  equal(live(1), 0, 'none live');
  reserve(1, 2);
  equal(take(1), b, 'last in');
  equal(take(1), a, 'first out');
}

export function slab_the_rest_of_an_unfinished_chunk_is_not_lost(): void {
  reserve(2, 1);
  take(2);
  // 15 pages are left of the first chunk: a reserve of 31 takes one chunk more and no second one.
  truth(reserve(2, 31), 'two chunks hold 32');
  setMemoryLimit(0);
  truth(reserve(2, 31), 'still reserved');
  truth(!reserve(2, 32), 'no third chunk');
  for (let i: u32 = 0; i < 31; i++) memory.fill(take(2), 0xff, 4096);
  equal(live(2), 32, 'every page of both');
}

export function slab_a_failed_reserve_leaves_what_was_there(): void {
  reserve(0, 1);
  const wall = takeFrames(1);
  setMemoryLimit(0);
  truth(!reserve(0, 100000), 'too many');
  truth(reserve(0, 256), 'the chunk is whole');
  equal(live(0), 0, 'nothing taken');
  giveFrames(wall, 1);
}

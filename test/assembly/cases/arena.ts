// The arena: splitting and joining of free extents, zeroing, the limit.

import { giveFrames, setMemoryLimit, takeFrames } from '../../../assembly/memory/arena';
import { equal, truth } from '../lib/expect';

const FRAME: u32 = 4096;

export function arena_frames_are_whole_aligned_and_zero(): void {
  const start = takeFrames(1);
  truth(start != 0 && (start & (FRAME - 1)) == 0, 'aligned');
  for (let at: u32 = 0; at < FRAME; at += 8) equal(load<u64>(start + at), 0, 'fresh frame');
  equal(takeFrames(1), start + FRAME, 'the next frame follows');
}

export function arena_no_bytes_and_too_many_are_refused(): void {
  equal(takeFrames(0), 0, 'nothing');
  equal(takeFrames(u64.MAX_VALUE), 0, 'wraps when rounded');
  equal(takeFrames(65536 * 65536), 0, 'more than there can be');
}

export function arena_the_low_end_of_an_extent_is_taken_first(): void {
  const run = takeFrames(8 * FRAME);
  giveFrames(run, 8 * FRAME);
  equal(takeFrames(2 * FRAME), run, 'first fit');
  equal(takeFrames(6 * FRAME), run + 2 * FRAME, 'the rest, whole');
}

export function arena_a_hole_that_is_too_small_is_passed_over_and_kept(): void {
  const a = takeFrames(FRAME);
  const b = takeFrames(FRAME);
  const c = takeFrames(FRAME);
  giveFrames(b, FRAME);
  const big = takeFrames(2 * FRAME);
  truth(big > c, 'behind the hole');
  equal(takeFrames(FRAME), b, 'the hole');
  truth(a < b, 'order');
}

export function arena_neighbours_join_on_both_sides(): void {
  const a = takeFrames(FRAME);
  const b = takeFrames(FRAME);
  const c = takeFrames(FRAME);
  const wall = takeFrames(FRAME);
  giveFrames(a, FRAME);
  giveFrames(c, FRAME);
  giveFrames(b, FRAME);
  equal(takeFrames(3 * FRAME), a, 'one extent of three');
  giveFrames(c, FRAME);
  giveFrames(b, FRAME);
  giveFrames(a, FRAME);
  equal(takeFrames(3 * FRAME), a, 'joined downwards');
  giveFrames(a, FRAME);
  giveFrames(b, FRAME);
  giveFrames(c, FRAME);
  equal(takeFrames(3 * FRAME), a, 'joined upwards');
  giveFrames(wall, FRAME);
}

export function arena_reused_frames_are_zero_again(): void {
  const run = takeFrames(4 * FRAME);
  const wall = takeFrames(FRAME);
  memory.fill(run, 0xa5, 4 * FRAME);
  giveFrames(run, FRAME);
  giveFrames(run + 2 * FRAME, 2 * FRAME);
  giveFrames(run + FRAME, FRAME);
  const again = takeFrames(4 * FRAME);
  equal(again, run, 'the same frames');
  for (let at: u32 = 0; at < 4 * FRAME; at += 8) equal(load<u64>(run + at), 0, 'reused frame');
  giveFrames(wall, FRAME);
}

export function arena_headers_of_never_used_extents_are_cleared(): void {
  // The rest of a split extent carries a header above what was ever used; joined or taken, it must read zero.
  const a = takeFrames(FRAME);
  const b = takeFrames(FRAME);
  giveFrames(b, FRAME);
  giveFrames(a, FRAME);
  const all = takeFrames(20 * FRAME);
  for (let at: u32 = 0; at < 20 * FRAME; at += 8) equal(load<u64>(all + at), 0, 'fresh after split and join');
}

export function arena_the_limit_refuses_growth_and_keeps_what_is_in_use(): void {
  const a = takeFrames(16 * FRAME);
  setMemoryLimit(a + 20 * FRAME);
  equal(takeFrames(5 * FRAME), 0, 'above the limit');
  const b = takeFrames(4 * FRAME);
  truth(b != 0, 'up to the limit');
  equal(takeFrames(FRAME), 0, 'full');
  giveFrames(a, 16 * FRAME);
  equal(takeFrames(16 * FRAME), a, 'freed frames can be had again');
  setMemoryLimit(u64.MAX_VALUE);
  truth(takeFrames(64 * FRAME) != 0, 'no limit again');
}

export function arena_growth_joins_the_free_tail(): void {
  const a = takeFrames(3 * FRAME);
  giveFrames(a + FRAME, 2 * FRAME);
  equal(takeFrames(10 * FRAME), a + FRAME, 'the tail is the start of the new run');
}

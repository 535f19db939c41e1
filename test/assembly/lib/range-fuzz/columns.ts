// The reference's memory: entries in three sorted columns, one below another, with room for a fixed number. It lies in a buffer that the core
// gave away, so that a core which writes where it should not is seen here too.
//
//   0         4        8            12             16       24    32
//   | handle  | count  | wrapped    | is snapshot  | next   |     | first u64 x room | last u64 x room | value u32 x room |

export const HEADER: u32 = 32;

/** How many entries a store's columns have room for. */
export let room: u32 = 0;

export function setRoom(entries: u32): void {
  room = entries;
}

export function storeBytes(): u32 {
  return HEADER + room * 20;
}

export function handleOf(s: u32): u32 {
  return load<u32>(s);
}

export function setHandle(s: u32, handle: u32): void {
  store<u32>(s, handle);
}

export function count(s: u32): u32 {
  return load<u32>(s, 4);
}

export function setCount(s: u32, n: u32): void {
  store<u32>(s, n, 4);
}

/** 1 when the last cyclic allocation ended at 2^64-1. */
export function wrapped(s: u32): u32 {
  return load<u32>(s, 8);
}

export function setWrapped(s: u32, yes: u32): void {
  store<u32>(s, yes, 8);
}

export function isSnapshot(s: u32): bool {
  return load<u32>(s, 12) != 0;
}

export function setSnapshot(s: u32, yes: u32): void {
  store<u32>(s, yes, 12);
}

/** The `next` that a caller of cyclic allocations carries on. */
export function nextCyclic(s: u32): u64 {
  return load<u64>(s, 16);
}

export function setNextCyclic(s: u32, next: u64): void {
  store<u64>(s, next, 16);
}

function firstAt(s: u32, i: u32): u32 {
  return s + HEADER + (i << 3);
}

function lastAt(s: u32, i: u32): u32 {
  return s + HEADER + ((room + i) << 3);
}

function valueAt(s: u32, i: u32): u32 {
  return s + HEADER + (room << 4) + (i << 2);
}

export function first(s: u32, i: u32): u64 {
  return load<u64>(firstAt(s, i));
}

export function last(s: u32, i: u32): u64 {
  return load<u64>(lastAt(s, i));
}

export function value(s: u32, i: u32): u32 {
  return load<u32>(valueAt(s, i));
}

export function setFirst(s: u32, i: u32, index: u64): void {
  store<u64>(firstAt(s, i), index);
}

export function setLast(s: u32, i: u32, index: u64): void {
  store<u64>(lastAt(s, i), index);
}

export function setEntry(s: u32, i: u32, from: u64, to: u64, v: u32): void {
  store<u64>(firstAt(s, i), from);
  store<u64>(lastAt(s, i), to);
  store<u32>(valueAt(s, i), v);
}

/** Moves the entries from slot `from` on to slot `to`, up or down. */
export function shift(s: u32, from: u32, to: u32): void {
  const n = count(s) - from;
  memory.copy(firstAt(s, to), firstAt(s, from), n << 3);
  memory.copy(lastAt(s, to), lastAt(s, from), n << 3);
  memory.copy(valueAt(s, to), valueAt(s, from), n << 2);
  setCount(s, to + n);
}

/** Makes `target` hold the same entries. */
export function copyEntries(target: u32, source: u32): void {
  const n = count(source);
  memory.copy(firstAt(target, 0), firstAt(source, 0), n << 3);
  memory.copy(lastAt(target, 0), lastAt(source, 0), n << 3);
  memory.copy(valueAt(target, 0), valueAt(source, 0), n << 2);
  setCount(target, n);
}

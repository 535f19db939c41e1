// Records: what a range of IOVAs leads to. A domain has its own, in chunks that go back when nothing is mapped any more.
//
//   record, 16 bytes   0 region handle u32 | 4 uses u30, permissions u2 | 8 delta u64          delta = position - first, modulo 2^64
//   free record        0 next free record u32
//
//   chunk              0 next chunk u32 | 4 bytes u32 | 16 record | record | ...               4 KiB, then as much as there is already, at most 64 KiB
//
// A cut of a mapping leaves rests with the same delta: they share its record, which counts them.
//
//   domain record      24 first chunk u32 | 28 first free u32 | 32 free records u32 | 36 fresh from u32 | 60 fresh to u32 | 104 bytes of all chunks u32

import { PAGE_BYTES } from '../layout.generated.ts';
import { giveFrames, takeFrames } from '../memory/arena.ts';
import { countBacking } from '../memory/objects.ts';

const RECORD_BYTES: u32 = 16;
const CHUNK_HEADER: u32 = 16;
const MAX_CHUNK: u32 = 65536;

const CHUNKS: u32 = 24;
const FREE: u32 = 28;
const FREE_COUNT: u32 = 32;
const FRESH: u32 = 36;
const FRESH_END: u32 = 60;
const CHUNK_BYTES: u32 = 104;

const PERMISSIONS: u32 = 3;
const ONE_USE: u32 = 4;

export function regionHandle(record: u32): u32 {
  return load<u32>(record);
}

export function permissions(record: u32): u32 {
  return load<u32>(record, 4) & PERMISSIONS;
}

/** Position minus IOVA. */
export function delta(record: u32): u64 {
  return load<u64>(record, 8);
}

/** What `returnChunks` is told later. */
export function newestChunk(domain: u32): u32 {
  return load<u32>(domain, CHUNKS);
}

// In the word of uses of a record whose chunk goes.
const GOES: u32 = u32.MAX_VALUE;

/** Returns the chunks that came after `newest`, which was the newest one then: none of their records is in use. */
export function returnChunks(domain: u32, newest: u32): void {
  let chunk = newestChunk(domain);
  if (chunk == newest) return;
  while (chunk != newest) {
    const end = chunk + load<u32>(chunk, 4);
    for (let record = chunk + CHUNK_HEADER; record < end; record += RECORD_BYTES) store<u32>(record, GOES, 4);
    chunk = load<u32>(chunk);
  }
  let link = domain + FREE;
  let stay: u32 = 0;
  for (let record = load<u32>(link); record != 0; record = load<u32>(record)) {
    if (load<u32>(record, 4) == GOES) continue;
    store<u32>(link, record);
    link = record;
    stay += 1;
  }
  store<u32>(link, 0);
  store<u32>(domain, stay, FREE_COUNT);
  // What was fresh before is on the free list since.
  store<u32>(domain, 0, FRESH);
  store<u32>(domain, 0, FRESH_END);
  chunk = newestChunk(domain);
  while (chunk != newest) {
    const next = load<u32>(chunk);
    const bytes = load<u32>(chunk, 4);
    store<u32>(domain, load<u32>(domain, CHUNK_BYTES) - bytes, CHUNK_BYTES);
    giveFrames(chunk, bytes);
    countBacking(-<i64>bytes);
    chunk = next;
  }
  store<u32>(domain, newest, CHUNKS);
}

/** Makes sure that the next `n` takes succeed; false, with nothing changed, when memory is full. */
export function reserveRecords(domain: u32, n: u32): bool {
  const newest = newestChunk(domain);
  while (load<u32>(domain, FREE_COUNT) < n) {
    const present = load<u32>(domain, CHUNK_BYTES);
    const bytes = min<u32>(max<u32>(present, PAGE_BYTES), MAX_CHUNK);
    const chunk = takeFrames(bytes);
    if (chunk == 0) {
      returnChunks(domain, newest);
      return false;
    }
    countBacking(bytes);
    store<u32>(chunk, load<u32>(domain, CHUNKS));
    store<u32>(chunk, bytes, 4);
    store<u32>(domain, chunk, CHUNKS);
    store<u32>(domain, present + bytes, CHUNK_BYTES);
    // What was still fresh goes to the free list: one run is fresh at a time.
    let rest = load<u32>(domain, FRESH);
    const end = load<u32>(domain, FRESH_END);
    while (rest < end) {
      store<u32>(rest, load<u32>(domain, FREE));
      store<u32>(domain, rest, FREE);
      rest += RECORD_BYTES;
    }
    store<u32>(domain, chunk + CHUNK_HEADER, FRESH);
    store<u32>(domain, chunk + bytes, FRESH_END);
    store<u32>(domain, load<u32>(domain, FREE_COUNT) + (bytes - CHUNK_HEADER) / RECORD_BYTES, FREE_COUNT);
  }
  return true;
}

/** A record with one use. Only after `reserveRecords`. */
export function takeRecord(domain: u32, region: u32, permission: u32, toPosition: u64): u32 {
  let record = load<u32>(domain, FREE);
  if (record != 0) {
    store<u32>(domain, load<u32>(record), FREE);
  } else {
    record = load<u32>(domain, FRESH);
    store<u32>(domain, record + RECORD_BYTES, FRESH);
  }
  store<u32>(domain, load<u32>(domain, FREE_COUNT) - 1, FREE_COUNT);
  store<u32>(record, region);
  store<u32>(record, ONE_USE | permission, 4);
  store<u64>(record, toPosition, 8);
  return record;
}

/** One more range leads through this record. */
export function shareRecord(record: u32): void {
  store<u32>(record, load<u32>(record, 4) + ONE_USE, 4);
}

/** One range fewer does; without any the record is free. */
export function giveRecord(domain: u32, record: u32): void {
  const rest = load<u32>(record, 4) - ONE_USE;
  store<u32>(record, rest, 4);
  if (rest >= ONE_USE) return;
  store<u32>(record, load<u32>(domain, FREE));
  store<u32>(domain, record, FREE);
  store<u32>(domain, load<u32>(domain, FREE_COUNT) + 1, FREE_COUNT);
}

/** Returns all chunks: nothing is mapped any more. */
export function dropRecords(domain: u32): void {
  let chunk = load<u32>(domain, CHUNKS);
  while (chunk != 0) {
    const next = load<u32>(chunk);
    const bytes = load<u32>(chunk, 4);
    giveFrames(chunk, bytes);
    countBacking(-<i64>bytes);
    chunk = next;
  }
  store<u64>(domain, 0, CHUNKS);
  store<u64>(domain, 0, FREE_COUNT);
  store<u32>(domain, 0, FRESH_END);
  store<u32>(domain, 0, CHUNK_BYTES);
}

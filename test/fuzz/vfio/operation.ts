// One step of a run as plain data, so that a run can be repeated without those steps that do not matter, and how a random one is made.
//
//   ioctl    a request that would be right (requests.ts), and then up to two of its words at a boundary; in memory at the caller's block, or as bytes; ending early or not

import * as uapi from '../../../src/uapi/index.ts';
import type { Random } from '../random.ts';
import { OPENINGS, knowsRequest } from './facts.ts';
import type { Facts } from './facts.ts';
import { REQUESTS, SIZES, pointedOf, wordsOf } from './requests.ts';
import { BLOCK, fdOf, offsetOf } from './scene.ts';
import type { GuestAct, Maker, Scene } from './scene.ts';

/** Where an argument lies: in the block of memory at an offset, in bytes of its own, or nowhere. */
export type Place = { readonly in: 'memory'; readonly at: number } | { readonly in: 'bytes' } | { readonly in: 'nowhere'; readonly address: number };

interface By {
  /** Which process makes the call. */
  readonly by: number;
}

export type Operation =
  | ({ readonly kind: 'ioctl'; readonly fd: number; readonly request: number; readonly bytes: Uint8Array; readonly place: Place; /** Is written where pointers lead, before the call. */ readonly pointed: Uint8Array } & By)
  | ({ readonly kind: 'read' | 'write' | 'pread' | 'pwrite'; readonly fd: number; readonly length: number; readonly place: Place; readonly offset: bigint; readonly fill: number } & By)
  | ({ readonly kind: 'mmap'; readonly fd: number; readonly length: number; readonly protection: number; readonly flags: number; readonly offset: bigint } & By)
  | ({ readonly kind: 'munmap'; readonly which: number; readonly offset: number; readonly length: number } & By)
  | ({ readonly kind: 'touch'; readonly which: number; readonly offset: number; readonly length: number; readonly value: number } & By)
  | ({ readonly kind: 'open'; readonly device: number; readonly opening: number } & By)
  | ({ readonly kind: 'eventfd' | 'openGroup' | 'exit' | 'start' } & By)
  | ({ readonly kind: 'close' | 'dup' | 'lseek'; readonly fd: number } & By)
  | ({ readonly kind: 'poll'; readonly fd: number } & By)
  | { readonly kind: 'guest'; readonly device: number; readonly what: GuestAct; readonly at: number; readonly value: number }
  | { readonly kind: 'settle' };

const EDGES = [0, 1, 2, 3, 4, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

function placeOf(random: Random, length: number): Place {
  const kind = random.below(24);
  if (kind === 0) return { in: 'nowhere', address: random.pick([0, 1, 0xffff, 2 ** 47 - 4096, 2 ** 47, Number.MAX_SAFE_INTEGER]) };
  if (kind < 4) return { in: 'bytes' };
  // To the very end of what is mapped, and a byte further.
  if (kind < 6) return { in: 'memory', at: Math.max(0, Math.min(BLOCK, BLOCK - length + (kind - 4))) };
  return { in: 'memory', at: 64 + random.below(512) };
}

/** What few files know. */
const OWN: readonly number[] = [uapi.VFIO_DEVICE_QUERY_GFX_PLANE, uapi.VFIO_DEVICE_GET_GFX_DMABUF, uapi.VFIO_DEVICE_SET_MMAP_ATTRS, uapi.VFIO_DEVICE_GET_REGION_CAPS, uapi.VFIO_DEVICE_GET_REGION_MMAP];

function requestOf(random: Random, facts: Facts | undefined): number {
  if (random.once(40)) return random.once(3) ? random.next() : 0x3b60 + random.below(40);
  if (facts?.kind === 'migration data' && !random.once(4)) return uapi.VFIO_MIG_GET_PRECOPY_INFO;
  if (facts?.device !== undefined && facts.told.size < 3 && random.once(3)) return uapi.VFIO_DEVICE_GET_REGION_INFO;
  const own = OWN.filter((one) => facts !== undefined && knowsRequest(facts, one));
  if (own.length > 0 && random.once(5)) return random.pick(own);
  // Logs and migrations are made of features.
  const { dmaLogging, migration } = facts?.device?.description ?? {};
  if ((dmaLogging ?? migration) !== undefined && random.once(4)) return uapi.VFIO_DEVICE_FEATURE;
  let request = random.pick(REQUESTS);
  for (let times = 4; times > 0 && facts !== undefined && !knowsRequest(facts, request) && !random.once(6); times--) request = random.pick(REQUESTS);
  return request;
}

function ioctlOf(maker: Maker): Operation {
  const { random, scene, by } = maker;
  const fd = fdOf(maker, random.once(12) ? 'migration data' : 'device');
  const facts = scene.facts(by, fd);
  const request = requestOf(random, facts);
  const words = Uint32Array.from(wordsOf(request, { ...maker, facts }));
  const least = SIZES[request] ?? 8;
  const pointed = pointedOf(request, words, maker);
  for (let times = random.pick([0, 0, 0, 0, 1, 1, 2]); times > 0; times--) {
    const at = random.below(Math.min(words.length, 10));
    words[at] = at === 0 && random.once(2) ? random.pick([0, least - 1, least, least + 1, 0xffff_ffff]) : random.once(4) ? random.next() : random.pick(EDGES);
  }
  const whole = new Uint8Array(words.buffer);
  const bytes = random.once(16) ? whole.subarray(0, random.below(whole.length + 1)) : whole;
  return { kind: 'ioctl', by, fd, request, bytes, place: placeOf(random, bytes.length), pointed };
}

function accessOf(maker: Maker): Operation {
  const { random, scene, by } = maker;
  const kind = random.pick(scene.has(by, 'migration data') && random.once(2) ? (['read', 'read', 'write'] as const) : (['read', 'write', 'pread', 'pread', 'pwrite', 'pwrite'] as const));
  const length = random.pick([0, 1, 2, 3, 4, 4, 8, 8, 16, 33, 100]);
  const isStream = kind === 'read' || kind === 'write';
  const fd = fdOf(maker, isStream ? random.pick(['migration data', 'migration data', 'migration data', 'eventfd', 'device'] as const) : random.once(10) ? 'migration data' : 'device');
  // Configuration space is where most happens.
  const isConfig = random.once(3);
  const start = offsetOf(maker, scene.facts(by, fd), isConfig ? ({ index }) => index === 7 : ({ size }) => size > 0n);
  const position = isConfig ? random.pick([4, 4, 5, 6, 0x10, 0x14, 0x3c, random.below(256), random.below(256), 0xff]) : random.pick([0, 4, 8, 1, random.below(32), random.below(0x1100)]);
  return { kind, by, fd, length, place: placeOf(random, length), offset: BigInt.asUintN(63, start + BigInt(position)), fill: isConfig && random.once(2) ? random.pick([2, 3, 7, 0x407]) : random.next() };
}

function mmapOf(maker: Maker): Operation {
  const { random, scene, by } = maker;
  const fd = fdOf(maker, random.once(scene.has(by, 'dma-buf') ? 2 : 12) ? 'dma-buf' : 'device');
  const facts = scene.facts(by, fd);
  const isBuffer = facts?.kind === 'dma-buf';
  const mappable = [...(facts?.told.values() ?? [])].filter(({ flags }) => (flags & uapi.VFIO_REGION_INFO_FLAG_MMAP) !== 0);
  if (mappable.length > 0 && random.once(2)) {
    // All of a region, or what is left of it behind a page.
    const { offset, size } = random.pick(mappable);
    const skipped = random.once(3) ? 4096 : 0;
    return { kind: 'mmap', by, fd, length: Math.max(0, Math.min(Number(size), 0x8000) - skipped), protection: random.pick([3, 3, 1]), flags: 1, offset: offset + BigInt(skipped) };
  }
  const start = isBuffer ? 0n : offsetOf(maker, facts, ({ flags }) => (flags & uapi.VFIO_REGION_INFO_FLAG_MMAP) !== 0);
  return {
    kind: 'mmap', by, fd,
    length: random.pick(isBuffer ? [0, 1, 4096, 4096, 0x2000] : [0, 1, 4096, 4096, 0x1800, 0x2000, 0x4000]),
    protection: random.pick([3, 3, 3, 1, 2, 0, random.below(8)]), flags: random.pick([1, 1, 1, 1, 1, 2, 0, 3]),
    offset: start + BigInt(random.pick(isBuffer ? [0, 0, 0, 0x1000] : [0, 0, 0, 0x1000, 0x2000, 8])),
  };
}

const BOUND: readonly number[] = OPENINGS.flatMap(({ cdev }, i) => (cdev === true ? [i] : []));

/** Through its character device a device can be opened only while nobody has it open. */
function openOf({ random, scene, by }: Maker, isFirst = false): Operation {
  return { kind: 'open', by, device: random.below(scene.devices), opening: isFirst && random.once(3) ? random.pick(BOUND) : random.below(OPENINGS.length) };
}

/** A random step. */
export function operationOf(random: Random, scene: Scene): Operation {
  const by = random.once(5) ? 1 : 0;
  const maker = { random, scene, by };
  if (scene.ended(by)) {
    if (random.once(8)) return { kind: 'start', by };
  } else if (!scene.has(by, 'device') && random.once(2)) return openOf(maker, true);
  const kind = random.below(100);
  if (kind < 54) return ioctlOf(maker);
  if (kind < 70) return accessOf(maker);
  if (kind < 75) return mmapOf(maker);
  if (kind < 77) return { kind: 'munmap', by, which: random.below(1 + scene.mappings(by)), offset: random.pick([0, 0, 4096]), length: random.pick([0, 4096, 0x2000, 0x4000]) };
  if (kind < 82) return { kind: 'touch', by, which: random.below(1 + scene.mappings(by)), offset: random.below(0x4000), length: random.pick([1, 2, 4, 8]), value: random.next() };
  if (kind < 86) return { kind: random.once(5) ? 'dup' : 'close', by, fd: fdOf(maker) };
  if (kind < 90) return openOf(maker);
  if (kind < 93) return random.once(36) ? { kind: 'exit', by } : { kind: random.once(4) ? 'openGroup' : 'eventfd', by };
  if (kind < 95) return { kind: random.once(2) ? 'lseek' : 'poll', by, fd: fdOf(maker) };
  if (random.once(40)) return { kind: 'settle' };
  const device = random.below(scene.devices);
  const can = scene.guest(device);
  if (can.length === 0) return ioctlOf(maker);
  return { kind: 'guest', device, what: random.pick(can), at: random.once(2) ? random.below(64) : random.below(0x1100), value: random.once(3) ? random.below(16) : random.next() };
}

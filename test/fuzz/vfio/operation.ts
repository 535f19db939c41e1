// One step of a run as plain data, so that a run can be repeated without those steps that do not matter, and how a random one is made.
//
//   ioctl    a request that would be right, and then up to two of its words at a boundary; in memory at the caller's block, or as bytes; ending early or not

import * as uapi from '../../../src/uapi/index.ts';
import type { FileKind } from '../../../src/vfio/files/open-file.ts';
import type { Random } from '../random.ts';

/** Where an argument lies: in the block of memory at an offset, in bytes of its own, or nowhere. */
export type Place = { readonly in: 'memory'; readonly at: number } | { readonly in: 'bytes' } | { readonly in: 'nowhere'; readonly address: number };

interface By {
  /** Which process makes the call. */
  readonly by: number;
}

export type Operation =
  | ({ readonly kind: 'ioctl'; readonly fd: number; readonly request: number; readonly bytes: Uint8Array; readonly place: Place } & By)
  | ({ readonly kind: 'read' | 'write' | 'pread' | 'pwrite'; readonly fd: number; readonly length: number; readonly place: Place; readonly offset: bigint; readonly fill: number } & By)
  | ({ readonly kind: 'mmap'; readonly fd: number; readonly length: number; readonly protection: number; readonly flags: number; readonly offset: bigint } & By)
  | ({ readonly kind: 'munmap' | 'touch'; readonly which: number; readonly offset: number; readonly length: number; readonly value: number } & By)
  | ({ readonly kind: 'open'; readonly device: number; readonly options: number } & By)
  | ({ readonly kind: 'eventfd' | 'openGroup' | 'exit' } & By)
  | ({ readonly kind: 'close' | 'dup' | 'lseek' | 'poll'; readonly fd: number } & By)
  | { readonly kind: 'guest'; readonly device: number; readonly what: 'config' | 'bar' | 'pulse' | 'dma' | 'log'; readonly at: number; readonly value: number }
  | { readonly kind: 'settle' };

/** Bytes of a caller's block: arguments in the first half; what they point to in the second. */
export const BLOCK = 4096;
/** Where pointers lead. */
export const POINTED = 2048;

/** What a generator asks of the run: numbers that hit something. */
export interface Scene {
  readonly devices: number;
  readonly options: number;
  /** Where the block of the process is. */
  readonly block: (by: number) => number;
  /** An fd of a process that is open, of a kind if there is one. */
  readonly fd: (by: number, kind: FileKind | undefined, random: Random) => number;
  /** Some offset of a region of some file. */
  readonly offset: (random: Random) => bigint;
}

const SIZES: Readonly<Record<number, number>> = { 0x3b6b: 16, 0x3b6c: 32, 0x3b6d: 16, 0x3b6e: 20, 0x3b70: 12, 0x3b71: 12, 0x3b72: 60, 0x3b74: 28, 0x3b75: 8, 0x3b79: 24, 0x3b7a: 32, 0x3b7b: 32 };
const PAYLOAD: readonly number[] = [4, 2, 2, 0, 2, 0, 6, 0, 8, 2, 1, 6, 0, 4];
const OPS = [0x1_0000, 0x2_0000, 0x2_0000, 0x4_0000, 0x6_0000, 0x5_0000, 0x7_0000, 0x3_0000, 0];
const EDGES = [0, 1, 2, 3, 4, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

interface Fds {
  readonly random: Random;
  readonly scene: Scene;
  readonly by: number;
}

/** Mostly of the kind that is asked for, else of any, else no fd at all. */
function fdOf({ random, scene, by }: Fds, kind?: FileKind): number {
  if (random.once(16)) return random.pick([-1, 0, 2, 99, -2, 0x7fff_ffff]);
  return random.once(8) ? 3 + random.below(16) : scene.fd(by, random.once(10) ? undefined : kind, random);
}

function pair(value: bigint): readonly [number, number] {
  return [Number(value & 0xffff_ffffn), Number(value >> 32n)];
}

function featureWords(fds: Fds): number[] {
  const { random, scene, by } = fds;
  const block = scene.block(by);
  const index = random.once(12) ? random.below(0x10000) : random.below(14);
  const op = random.pick(OPS);
  const [low, high] = pair(BigInt(block + POINTED));
  const room = PAYLOAD[index] ?? 4;
  const head = (words: readonly number[]): number[] => [8 + 4 * words.length, op | index, ...words];
  if (index === uapi.VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE) return head([random.below(9), 7]);
  if (index === uapi.VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP) return head([fdOf(fds, 'eventfd'), 0]);
  if (index === uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_START) return head([random.pick([4096, 4096, 0x1000, 0x20_0000, 0, 3]), 0, 1 + random.below(3), 0, low, high]);
  if (index === uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT) return head([0, 0, random.pick([0x1000, 0x8_0000, 1]), 0, 4096, 0, low, high]);
  // As ALIAS_REGION, or as DMA_BUF with a range.
  if (index === 11) return random.once(2) ? head([0x20, random.below(11), 0, 0, 0, 0]) : head([random.below(7), 2, 0, 1, 0, 0, random.pick([0x1000, 0x2000, 0x10]), 0]);
  return head(Array.from({ length: room }, () => random.below(4)));
}

function irqWords(fds: Fds): number[] {
  const { random } = fds;
  const count = random.below(4);
  const data = random.pick([1, 2, 4, 4, 4]);
  const words = [0, data | random.pick([8, 16, 32, 32, 32]), random.below(5), random.below(3), count];
  const more = data === 4 ? Array.from({ length: count }, () => fdOf(fds, 'eventfd')) : data === 2 && count > 0 ? [random.next() & 0x0101_0101] : [];
  words[0] = 20 + 4 * more.length;
  return [...words, ...more];
}

/** The words of a request that may well be right. */
function wordsOf(request: number, fds: Fds): number[] {
  const { random, scene } = fds;
  switch (request) {
    case uapi.VFIO_DEVICE_GET_INFO:
      return [random.pick([16, 20, 24, 40, 64]), ...Array.from({ length: 15 }, () => random.next())];
    case uapi.VFIO_DEVICE_GET_REGION_INFO:
      return [random.pick([32, 40, 48, 80, 128]), random.next(), random.below(12), ...Array.from({ length: 29 }, () => random.next())];
    case uapi.VFIO_DEVICE_GET_IRQ_INFO:
      return [16, random.next(), random.below(6), 0];
    case uapi.VFIO_DEVICE_SET_IRQS:
      return irqWords(fds);
    case uapi.VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
      return [random.pick([12, 20, 28, 64]), ...Array.from({ length: 15 }, () => random.next())];
    case uapi.VFIO_DEVICE_PCI_HOT_RESET: {
      const count = random.below(3);
      return [12 + 4 * count, 0, count, ...Array.from({ length: count }, () => fdOf(fds, 'group'))];
    }
    case uapi.VFIO_DEVICE_QUERY_GFX_PLANE:
      return [random.pick([60, 64]), random.pick([1, 2, 3, 4, 5]), 1, ...Array.from({ length: 13 }, () => 0)];
    case uapi.VFIO_DEVICE_GET_GFX_DMABUF:
      return [random.below(4)];
    case uapi.VFIO_DEVICE_IOEVENTFD:
      return [32, 1 << random.below(4), ...pair(scene.offset(random)), random.below(3), 0, random.once(3) ? -1 : fdOf(fds, 'eventfd'), 0];
    case uapi.VFIO_DEVICE_FEATURE:
      return featureWords(fds);
    case uapi.VFIO_MIG_GET_PRECOPY_INFO:
      return random.once(2) ? [24, 0, 0, 0, 0, 0] : random.once(2) ? [...pair(scene.offset(random)), random.below(2), 0, 0, 0] : [random.below(7), random.below(2), 0, 0, 0, 0];
    case uapi.VFIO_DEVICE_GET_REGION_CAPS:
    case uapi.VFIO_DEVICE_GET_REGION_MMAP:
      return [random.pick([32, 48, 96]), random.below(11), random.below(2), ...Array.from({ length: 21 }, () => 0)];
    default:
      return [random.next(), random.next()];
  }
}

const REQUESTS = [
  ...[0x3b6b, 0x3b6c, 0x3b6c, 0x3b6d, 0x3b6e, 0x3b6e, 0x3b6e, 0x3b6e, 0x3b6f, 0x3b70, 0x3b71, 0x3b72, 0x3b73, 0x3b74, 0x3b74],
  ...[0x3b75, 0x3b75, 0x3b75, 0x3b75, 0x3b75, 0x3b79, 0x3b79, 0x3b7a, 0x3b7b],
];

function placeOf(random: Random, length: number): Place {
  const kind = random.below(16);
  if (kind === 0) return { in: 'nowhere', address: random.pick([0, 1, 0xffff, 2 ** 47 - 4096, 2 ** 47, Number.MAX_SAFE_INTEGER]) };
  if (kind < 4) return { in: 'bytes' };
  // To the very end of what is mapped, and a byte further.
  if (kind < 6) return { in: 'memory', at: Math.max(0, Math.min(BLOCK, BLOCK - length + (kind - 4))) };
  return { in: 'memory', at: 64 + random.below(512) };
}

function ioctlOf(fds: Fds): Operation {
  const { random, by } = fds;
  const request = random.once(40) ? (random.once(3) ? random.next() : 0x3b60 + random.below(40)) : random.pick(REQUESTS);
  const words = Uint32Array.from(wordsOf(request, fds));
  const least = SIZES[request] ?? 8;
  for (let times = random.pick([0, 0, 0, 1, 1, 2]); times > 0; times--) {
    const at = random.below(Math.min(words.length, 10));
    words[at] = at === 0 && random.once(2) ? random.pick([0, least - 1, least, least + 1, 0xffff_ffff]) : random.once(4) ? random.next() : random.pick(EDGES);
  }
  const whole = new Uint8Array(words.buffer);
  const bytes = random.once(12) ? whole.subarray(0, random.below(whole.length + 1)) : whole;
  return { kind: 'ioctl', by, fd: fdOf(fds, request === uapi.VFIO_MIG_GET_PRECOPY_INFO && random.once(2) ? 'migration data' : 'device'), request, bytes, place: placeOf(random, bytes.length) };
}

function accessOf(fds: Fds): Operation {
  const { random, scene, by } = fds;
  const kind = random.pick(['read', 'write', 'pread', 'pread', 'pwrite', 'pwrite'] as const);
  const length = random.pick([0, 1, 2, 3, 4, 4, 8, 8, 16, 33, 100]);
  // Configuration space is where most happens.
  const offset = random.once(3) ? (7n << 40n) + BigInt(random.pick([4, 5, 6, 0x10, 0x14, 0x3c, random.below(256), random.below(256), 0xff])) : scene.offset(random) + BigInt(random.pick([0, 4, 8, 1, random.below(0x1100)]));
  const isStream = kind === 'read' || kind === 'write';
  return { kind, by, fd: fdOf(fds, isStream ? random.pick(['migration data', 'migration data', 'eventfd', 'device'] as const) : 'device'), length, place: placeOf(random, length), offset: BigInt.asUintN(63, offset), fill: random.next() };
}

/** A random step. */
export function operationOf(random: Random, scene: Scene): Operation {
  const by = random.once(5) ? 1 : 0;
  const fds = { random, scene, by };
  const kind = random.below(100);
  if (kind < 56) return ioctlOf(fds);
  if (kind < 72) return accessOf(fds);
  if (kind < 76) return { kind: 'mmap', by, fd: fdOf(fds, random.once(8) ? 'dma-buf' : 'device'), length: random.pick([0, 1, 4096, 0x2000, 0x4000]), protection: random.below(8), flags: random.pick([1, 1, 1, 1, 2, 0, 3]), offset: scene.offset(random) + BigInt(random.pick([0, 0, 0x1000, 0x2000, 8])) };
  if (kind < 78) return { kind: 'munmap', by, which: random.below(8), offset: random.pick([0, 0, 4096]), length: random.pick([0, 4096, 0x2000, 0x4000]), value: 0 };
  if (kind < 82) return { kind: 'touch', by, which: random.below(8), offset: random.below(0x4000), length: random.pick([1, 2, 4, 8]), value: random.next() };
  if (kind < 87) return { kind: random.once(5) ? 'dup' : 'close', by, fd: fdOf(fds) };
  if (kind < 90) return { kind: 'open', by, device: random.below(scene.devices), options: random.below(scene.options) };
  if (kind < 93) return random.once(2000) ? { kind: 'exit', by } : { kind: random.once(4) ? 'openGroup' : 'eventfd', by };
  if (kind < 95) return { kind: random.once(2) ? 'lseek' : 'poll', by, fd: fdOf(fds) };
  if (random.once(40)) return { kind: 'settle' };
  return { kind: 'guest', device: random.below(scene.devices), what: random.pick(['config', 'config', 'bar', 'bar', 'pulse', 'dma', 'log'] as const), at: random.once(2) ? random.below(64) : random.below(0x1100), value: random.once(3) ? random.below(16) : random.next() };
}

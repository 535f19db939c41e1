// The words of requests that may well be right: a program's that knows its device, its files and what they have told.

import * as uapi from '../../../src/uapi/index.ts';
import type { Random } from '../random.ts';
import { FEATURES, hasFeature } from './facts.ts';
import type { Facts } from './facts.ts';
import { POINTED, fdOf, offsetOf } from './scene.ts';
import type { Maker } from './scene.ts';

interface Asking extends Maker {
  /** Of the file that is asked. */
  readonly facts: Facts | undefined;
}

/** Bytes that a request has at least. */
export const SIZES: Readonly<Record<number, number>> = {
  0x3b6b: 16, 0x3b6c: 32, 0x3b6d: 16, 0x3b6e: 20, 0x3b70: 12, 0x3b71: 12, 0x3b72: 60, 0x3b74: 28, 0x3b75: 8, 0x3b76: 16, 0x3b77: 12, 0x3b78: 8, 0x3b79: 24, 0x3b7a: 32, 0x3b7b: 32,
};

/** As often as they are to come. */
export const REQUESTS: readonly number[] = [
  ...[0x3b6b, 0x3b6c, 0x3b6c, 0x3b6c, 0x3b6c, 0x3b6d, 0x3b6e, 0x3b6e, 0x3b6e, 0x3b6e, 0x3b6f, 0x3b6f, 0x3b70, 0x3b70, 0x3b71, 0x3b71, 0x3b72, 0x3b72, 0x3b72, 0x3b73, 0x3b73, 0x3b73, 0x3b74, 0x3b74, 0x3b74, 0x3b74],
  ...[0x3b75, 0x3b75, 0x3b75, 0x3b75, 0x3b75, 0x3b75, 0x3b75, 0x3b75, 0x3b76, 0x3b77, 0x3b77, 0x3b78, 0x3b78, 0x3b79, 0x3b79, 0x3b7a, 0x3b7b, 0x3b7b],
];

const { VFIO_DEVICE_STATE_RUNNING: RUNNING, VFIO_DEVICE_STATE_STOP: STOP, VFIO_DEVICE_STATE_STOP_COPY: STOP_COPY, VFIO_DEVICE_STATE_RESUMING: RESUMING, VFIO_DEVICE_STATE_PRE_COPY: PRE_COPY } = uapi;
const { VFIO_DEVICE_FEATURE_GET: GET, VFIO_DEVICE_FEATURE_SET: SET, VFIO_DEVICE_FEATURE_PROBE: PROBE } = uapi;
const ANY_OP = [GET, SET, SET, PROBE, PROBE | SET, PROBE | GET, GET | SET | PROBE, GET | SET, 0];
const OPS: Readonly<Record<number, readonly number[]>> = { 1: [GET], 2: [GET, SET, SET, SET], 8: [GET], 9: [GET] };
const PAYLOAD: Readonly<Record<number, number>> = { 0: 4, 1: 2, 9: 2, 10: 1 };

const RARE: readonly number[] = [
  uapi.VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, uapi.VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, uapi.VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
  uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_START, uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT, uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT, uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT, uapi.VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2,
];

function pair(value: bigint): readonly [number, number] {
  return [Number(value & 0xffff_ffffn), Number(value >> 32n)];
}

/** Words of the next number, for what is not to matter. */
function noise(random: Random, words: number): number[] {
  return Array.from({ length: words }, () => random.next());
}

function featureIndex({ random, facts }: Asking): number {
  if (random.once(24)) return random.below(0x10000);
  const there = facts === undefined ? [] : Array.from({ length: FEATURES }, (_, index) => index).filter((index) => hasFeature(facts, index));
  // Few devices have them, or they take many steps.
  const rare = [...RARE, facts?.opening?.alias?.feature ?? uapi.VFIO_DEVICE_FEATURE_DMA_BUF].filter((index) => there.includes(index));
  if (rare.length > 0 && random.below(3) > 0) return random.pick(rare);
  return there.length > 0 && !random.once(5) ? random.pick(there) : random.below(FEATURES);
}

function featureWords(asking: Asking): number[] {
  const { random, scene, by, facts } = asking;
  const index = featureIndex(asking);
  const isAlias = facts?.opening?.alias?.feature === index;
  const isDmaBuf = index === uapi.VFIO_DEVICE_FEATURE_DMA_BUF && !isAlias;
  const right = random.pick(isDmaBuf ? [GET] : (OPS[index] ?? [SET]));
  const op = random.once(6) ? random.pick(ANY_OP) : random.once(3) ? PROBE | random.pick([0, right]) : right;
  const pointer = pair(BigInt(scene.block(by) + POINTED + (random.once(12) ? random.pick([1, 8, 0x7f0, 0x7ff]) : 0)));
  const head = (words: readonly number[]): number[] => [8 + 4 * words.length, op | index, ...words];
  if (isAlias) return head([random.pick([0x20, 0x20, 0x20, 0, 1]), random.once(2) ? 0 : random.below(11), 0, 0, 0, 0]);
  if (isDmaBuf) return head([random.once(2) ? 0 : random.below(9), 2, 0, 1, 0, 0, random.pick([0x1000, 0x1000, 0x2000, 0x10]), 0]);
  switch (index) {
    case uapi.VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE:
      return head([random.once(3) ? random.below(9) : random.pick([RUNNING, STOP, STOP_COPY, RESUMING, RESUMING, PRE_COPY, PRE_COPY]), 7]);
    case uapi.VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP:
      return head([fdOf(asking, 'eventfd'), 0]);
    case uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_START:
      return head([random.pick([4096, 4096, 4096, 4096, 0x2000, 0x20_0000, random.below(4)]), 0, random.once(16) ? 300 : random.pick([1, 1, 2, 3]), 0, ...pointer]);
    case uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT:
      return head([random.pick([0, 0, 0x1000, 0x800]), 0, random.pick([0x1000, 0x8_0000, 0x8_0000, 0x8_0000, 0x20_0000, 1]), 0, random.pick([4096, 4096, 8192, 3]), 0, ...pointer]);
    default:
      return head(Array.from({ length: PAYLOAD[index] ?? 0 }, () => random.below(4)));
  }
}

function irqWords(maker: Maker): number[] {
  const { random } = maker;
  const count = random.below(4);
  const data = random.pick([1, 2, 4, 4, 4]);
  const words = [0, data | random.pick([8, 16, 32, 32, 32]), random.below(5), random.once(2) ? 0 : random.below(3), count];
  const more = data === 4 ? Array.from({ length: count }, () => fdOf(maker, 'eventfd')) : data === 2 && count > 0 ? [random.next() & 0x0101_0101] : [];
  words[0] = 20 + 4 * more.length;
  return [...words, ...more];
}

function planeWords({ random, facts }: Asking): number[] {
  const own = facts?.device?.description.display?.kind === 'region' ? uapi.VFIO_GFX_PLANE_TYPE_REGION : uapi.VFIO_GFX_PLANE_TYPE_DMABUF;
  const flags = random.once(4) ? random.below(8) : own | (random.once(4) ? uapi.VFIO_GFX_PLANE_TYPE_PROBE : 0);
  return [random.pick([60, 64]), flags, random.once(8) ? random.below(3) : 1, ...noise(random, 13)];
}

/** One number for three requests. */
function sharedWords({ facts, ...maker }: Asking): number[] {
  const { random } = maker;
  if (facts?.kind === 'migration data') return [24, random.below(3), ...noise(random, 4)];
  if (facts?.opening?.regionFlags === true) return [random.below(7), random.below(2), 0, 0, 0, 0];
  return [...pair(offsetOf(maker, facts, ({ flags }) => (flags & uapi.VFIO_REGION_INFO_FLAG_MMAP) !== 0)), random.below(2), 0, 0, 0];
}

/** The words of a request that may well be right. */
export function wordsOf(request: number, asking: Asking): number[] {
  const { random, scene, facts } = asking;
  switch (request) {
    case uapi.VFIO_DEVICE_GET_INFO:
      return [random.pick([16, 20, 24, 40, 64]), ...noise(random, 15)];
    case uapi.VFIO_DEVICE_GET_REGION_INFO:
      return [random.pick([32, 40, 48, 80, 128]), random.next(), random.below(12), ...noise(random, 29)];
    case uapi.VFIO_DEVICE_GET_IRQ_INFO:
      return [16, random.next(), random.below(6), random.next()];
    case uapi.VFIO_DEVICE_SET_IRQS:
      return irqWords(asking);
    case uapi.VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
      return [random.pick([12, 20, 28, 64]), ...noise(random, 15)];
    case uapi.VFIO_DEVICE_PCI_HOT_RESET: {
      const count = facts?.opening?.cdev === true && !random.once(4) ? 0 : random.below(3);
      return [12 + 4 * count, 0, count, ...Array.from({ length: count }, () => fdOf(asking, 'group'))];
    }
    case uapi.VFIO_DEVICE_QUERY_GFX_PLANE:
      return planeWords(asking);
    case uapi.VFIO_DEVICE_GET_GFX_DMABUF:
      return [scene.buffers.length > 0 && !random.once(4) ? random.pick(scene.buffers) : random.below(4)];
    case uapi.VFIO_DEVICE_IOEVENTFD: {
      const offset = offsetOf(asking, facts, ({ index, size }) => index < 6 && size > 0n) + BigInt(random.pick([0, 0, 0, 0, 0, 4, 8, random.below(16)]));
      return [32, random.pick([1, 2, 4, 4, 4, 4, 8]), ...pair(offset), random.once(4) ? 1 : 0, 0, random.once(4) ? -1 : fdOf(asking, 'eventfd'), 0];
    }
    case uapi.VFIO_DEVICE_FEATURE:
      return featureWords(asking);
    case uapi.VFIO_DEVICE_BIND_IOMMUFD:
      return [16, 0, random.below(8), 0];
    case uapi.VFIO_DEVICE_ATTACH_IOMMUFD_PT:
      return [12, 0, random.below(4)];
    case uapi.VFIO_DEVICE_DETACH_IOMMUFD_PT:
      return [8, 0];
    case uapi.VFIO_MIG_GET_PRECOPY_INFO:
      return sharedWords(asking);
    case uapi.VFIO_DEVICE_GET_REGION_CAPS:
    case uapi.VFIO_DEVICE_GET_REGION_MMAP:
      return [random.pick([32, 48, 96]), random.once(2) ? 0 : random.below(11), random.below(2), ...noise(random, 21)];
    default:
      return noise(random, 2);
  }
}

/** What lies where the pointer of a request leads: the ranges to log, or a bitmap in which some bits are set. */
export function pointedOf(request: number, words: Uint32Array, { random }: Maker): Uint8Array {
  const index = request === uapi.VFIO_DEVICE_FEATURE ? words[1]! & uapi.VFIO_DEVICE_FEATURE_MASK : -1;
  if (index === uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT && !random.once(4)) return Uint8Array.from({ length: 80 }, () => (random.once(4) ? random.next() : 0));
  if (index !== uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_START || random.once(16)) return new Uint8Array();
  const unit = random.once(16) ? 0x1800n : BigInt(Math.max(4096, words[2]!));
  let next = 0n;
  return Buffer.concat(Array.from({ length: Math.min(words[4]!, 4) }, () => {
    const iova = random.once(10) ? 0xffff_ffff_ffff_f000n : next;
    const length = unit * BigInt(1 + random.below(64));
    next = random.once(12) ? next : next + length + unit * BigInt(random.below(3));
    return uapi.vfio_device_feature_dma_logging_range.encode({ iova, length });
  }));
}

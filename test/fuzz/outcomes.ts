// How calls ended, by call: what shows whether the fuzzer reaches a thing at all.

import * as uapi from '../../src/uapi/index.ts';
import { hasFeature } from './vfio/facts.ts';
import type { Facts } from './vfio/facts.ts';

/** By call, and by errno, signal or `ok`: how often. */
export type Counts = Readonly<Record<string, Readonly<Record<string, number>>>>;

export class Outcomes {
  private readonly calls = new Map<string, Map<string, number>>();

  add(call: string, outcome: string): void {
    let counts = this.calls.get(call);
    if (counts === undefined) this.calls.set(call, (counts = new Map()));
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }

  /** In the order of their names. */
  get counts(): Counts {
    const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(sorted(this.calls).map(([call, counts]) => [call, Object.fromEntries(sorted(counts))]));
  }
}

const NAMES: readonly string[] = [
  'PCI_VF_TOKEN', 'MIGRATION', 'MIG_DEVICE_STATE', 'LOW_POWER_ENTRY', 'LOW_POWER_ENTRY_WITH_WAKEUP', 'LOW_POWER_EXIT', 'DMA_LOGGING_START',
  'DMA_LOGGING_STOP', 'DMA_LOGGING_REPORT', 'MIG_DATA_SIZE', 'BUS_MASTER', 'DMA_BUF', 'MIG_PRECOPY_INFOv2',
];

function featureName(facts: Facts | undefined, flags: number): string {
  const index = flags & uapi.VFIO_DEVICE_FEATURE_MASK;
  const isThere = facts !== undefined && hasFeature(facts, index);
  const { alias } = facts?.opening ?? {};
  const name = alias?.feature === index ? `ALIAS_REGION ${alias.mode}` : (NAMES[index] ?? 'unknown');
  const ops = (['GET', 'SET', 'PROBE'] as const).filter((_, bit) => (flags & (0x1_0000 << bit)) !== 0);
  const op = ops.includes('PROBE') ? 'PROBE' : ops.length === 1 ? ops[0]! : 'no op';
  return isThere ? `${name} ${op}` : 'FEATURE that is not there';
}

/** The name under which an ioctl is counted. */
export function ioctlKey(facts: Facts | undefined, request: number, flags: number | undefined): string {
  if (facts === undefined) return 'ioctl of no fd';
  if (facts.kind === 'migration data') return request === uapi.VFIO_MIG_GET_PRECOPY_INFO ? 'VFIO_MIG_GET_PRECOPY_INFO' : 'ioctl of migration data';
  if (facts.kind !== 'device') return `ioctl of ${facts.kind}`;
  if (request === uapi.VFIO_DEVICE_FEATURE) return flags === undefined ? 'FEATURE nowhere' : featureName(facts, flags);
  const { opening } = facts;
  if (request === uapi.VFIO_DEVICE_SET_MMAP_ATTRS) return opening?.mmapAttributes === true ? 'VFIO_DEVICE_SET_MMAP_ATTRS' : opening?.regionFlags === true ? 'VFIO_DEVICE_SET_REGION_FLAGS' : 'ioctl 0x3b79';
  const isOwn = opening?.cdev === true && (request === uapi.VFIO_DEVICE_PCI_HOT_RESET || request === uapi.VFIO_DEVICE_GET_PCI_HOT_RESET_INFO);
  return withOffsets(`${uapi.ioctlName(request, 'device') ?? 'ioctl of another number'}${isOwn ? ' (cdev)' : ''}`, request === uapi.VFIO_DEVICE_IOEVENTFD ? facts : undefined);
}

/** A call that takes an offset, with how its file gives them out where that is not the usual way. */
export function withOffsets(call: string, facts: Facts | undefined): string {
  const offsets = facts?.opening?.offsets ?? 'index';
  return offsets === 'index' ? call : `${call} (${offsets})`;
}

// What each command of a client does to a session: a record of the request in, the payload of the reply out. One function for each, in the order of their numbers.
//
// A request that is refused has changed nothing, save for DEVICE_FEATURE, whose states are gone through one by one.

import {
  VFIO_DEVICE_FLAGS_PCI,
  VFIO_DEVICE_FLAGS_RESET,
  VFIO_DEVICE_GET_IRQ_INFO,
  VFIO_REGION_INFO_FLAG_CAPS,
  VFIO_REGION_INFO_FLAG_MMAP,
  VFIO_REGION_INFO_FLAG_READ,
  VFIO_REGION_INFO_FLAG_WRITE,
  VfioError,
  buildCapabilityChain,
  encodeRegionInfoCapability,
  vfio_irq_info,
} from '../../../uapi/index.ts';
import type { VfioRegion } from '../../../vfio/index.ts';
import { DEFAULT_MAX_DATA_XFER_SIZE, DMA_UNMAP_ALL, DMA_UNMAP_DIRTY_BITMAP, MAX_MESSAGE_SIZE } from '../codec/commands.ts';
import type { CommandName } from '../codec/commands.ts';
import { HEADER_SIZE } from '../codec/header.ts';
import { vfio_user_bitmap, vfio_user_write_multi_entry as ENTRY } from '../codec/layouts.ts';
import { encodePayload, headSize } from '../codec/messages.ts';
import type { PayloadOf } from '../codec/messages.ts';
import type { PassedFd } from '../transport/transport.ts';
import { bitmapBytes } from './dirty-log.ts';
import type { DirtyLog } from './dirty-log.ts';
import type { DmaTable } from './dma-table.ts';
import type { SessionDoorbells } from './doorbells.ts';
import { deviceFeature } from './features.ts';
import type { SessionInterrupts } from './interrupts.ts';
import type { SessionMigration } from './migration.ts';
import type { ServedDevice } from './served-device.ts';
import { sharedPart } from './shared-region.ts';

/** What commands work on. */
export interface SessionState {
  readonly device: ServedDevice;
  readonly dma: DmaTable;
  readonly interrupts: SessionInterrupts;
  readonly migration: SessionMigration | undefined;
  readonly log: DirtyLog | undefined;
  readonly doorbells: SessionDoorbells;
  /** Fds that the client takes with one message. */
  readonly clientFds: () => number;
  /** Whether an fd that goes with a reply reaches the client. */
  readonly mayShare: () => boolean;
  /** Is told of what the device's own code threw where the client is not. */
  readonly report: (error: unknown) => void;
}

/** The fds of one message: what is not taken is closed. */
export interface MessageFds {
  readonly all: readonly PassedFd[];
  /** They have another owner now. */
  take(): void;
  /** An fd that goes with the reply, and stays the session's. */
  give(fd: PassedFd): void;
}

type Commands = { readonly [C in Exclude<CommandName, 'VERSION' | 'DMA_READ' | 'DMA_WRITE'>]: (state: SessionState, request: PayloadOf<C, 'request'>, fds: MessageFds) => Uint8Array };

const NOTHING = new Uint8Array(0);
const MAX_PAYLOAD = MAX_MESSAGE_SIZE - HEADER_SIZE;

function refuse(command: CommandName, what: string): never {
  throw new VfioError('EINVAL', `vfio-user ${command}`, what);
}

function checkArgsz(command: CommandName, argsz: number): void {
  const minimum = headSize(command, 'request');
  if (argsz < minimum) refuse(command, `argsz ${argsz} is below ${minimum}`);
}

function regionAt(command: CommandName, { device }: SessionState, index: number): VfioRegion | undefined {
  if (index >= device.numRegions) refuse(command, `region ${index} is not below num_regions ${device.numRegions}`);
  return device.region(index);
}

/** The region of an access that may be made. */
function accessed(command: CommandName, state: SessionState, { region: index, offset, count }: { readonly region: number; readonly offset: bigint; readonly count: number }, most: number): VfioRegion {
  const region = regionAt(command, state, index);
  if (count > most) refuse(command, `count is ${count}; expected at most ${most}`);
  if (region === undefined) refuse(command, `region ${index} is absent`);
  if (offset + BigInt(count) > region.size) refuse(command, `${count} bytes at 0x${offset.toString(16)} pass the end of region ${index}, 0x${region.size.toString(16)} bytes`);
  return region;
}

function dmaUnmap({ dma, log }: SessionState, { argsz, flags, addr, size, data }: PayloadOf<'DMA_UNMAP', 'request'>): Uint8Array {
  const command = 'DMA_UNMAP';
  checkArgsz(command, argsz);
  if (argsz > DEFAULT_MAX_DATA_XFER_SIZE) refuse(command, `argsz ${argsz} is above ${DEFAULT_MAX_DATA_XFER_SIZE}`);
  const [wantsDirty, isAll] = [(flags & DMA_UNMAP_DIRTY_BITMAP) !== 0, (flags & DMA_UNMAP_ALL) !== 0];
  if ((flags & ~(DMA_UNMAP_DIRTY_BITMAP | DMA_UNMAP_ALL)) !== 0) refuse(command, `flags 0x${flags.toString(16)} has bits beyond 0x3`);
  if (isAll && (wantsDirty || addr !== 0n || size !== 0n)) refuse(command, `unmap all with ${wantsDirty ? 'a dirty bitmap' : `0x${size.toString(16)} bytes at 0x${addr.toString(16)}`}; expected neither`);
  if (!wantsDirty && data.length > 0) refuse(command, `the payload has ${headSize(command, 'request') + data.length} bytes; expected ${headSize(command, 'request')}`);
  if (isAll) {
    dma.clear();
    return encodePayload(command, 'reply', { argsz, flags, addr, size });
  }
  const found = dma.inside(`vfio-user ${command}`, addr, size);
  const bitmap = wantsDirty ? dirtyOf(log, found, { argsz, addr, size, data }) : NOTHING;
  dma.remove(found);
  return encodePayload(command, 'reply', { argsz: headSize(command, 'reply') + bitmap.length, flags, addr, size, data: bitmap });
}

/** Behind the 24 bytes of the reply: page size, bytes of the bitmap, the bitmap. */
function dirtyOf(log: DirtyLog | undefined, found: readonly { readonly address: bigint; readonly size: bigint }[], { argsz, addr, size, data }: Pick<PayloadOf<'DMA_UNMAP', 'request'>, 'argsz' | 'addr' | 'size' | 'data'>): Uint8Array {
  const command = 'DMA_UNMAP';
  if (log?.isActive !== true) refuse(command, 'dirty pages are asked for, and nothing is logged');
  if (data.length !== vfio_user_bitmap.size) refuse(command, `${data.length} bytes say what bitmap is wanted; expected ${vfio_user_bitmap.size}`);
  if (found.length !== 1 || found[0]!.address !== addr || found[0]!.size !== size) refuse(command, 'dirty pages are those of one mapping, and the range is none');
  const { pgsize, size: bytes } = vfio_user_bitmap.decode(data);
  if (pgsize === 0n || (pgsize & (pgsize - 1n)) !== 0n) refuse(command, `pgsize is 0x${pgsize.toString(16)}; expected a power of two`);
  const needed = bitmapBytes(size, pgsize);
  const room = BigInt(argsz - headSize(command, 'reply') - vfio_user_bitmap.size);
  if (bytes < needed || room < needed) refuse(command, `the bitmap needs ${needed.toString()} bytes; its size is ${bytes.toString()}, and argsz leaves ${room.toString()}`);
  const bits = log.bits(found[0]!, pgsize);
  const answer = new Uint8Array(vfio_user_bitmap.size + bits.length);
  vfio_user_bitmap.encode({ pgsize, size: bits.length }, answer);
  answer.set(bits, vfio_user_bitmap.size);
  return answer;
}

/** What is told of a region. Only pages that are shared can be mapped: of others, what only mappings need is left out. */
function regionInfo(state: SessionState, { argsz, index }: PayloadOf<'DEVICE_GET_REGION_INFO', 'request'>, fds: MessageFds): Uint8Array {
  const command = 'DEVICE_GET_REGION_INFO';
  checkArgsz(command, argsz);
  const head = headSize(command, 'reply');
  const region = regionAt(command, state, index);
  if (region === undefined) return encodePayload(command, 'reply', { argsz: head, index });
  const shared = region.mmap && state.mayShare() ? sharedPart(region.region) : undefined;
  const flags = VFIO_REGION_INFO_FLAG_READ | (region.writable ? VFIO_REGION_INFO_FLAG_WRITE : 0) | (shared === undefined ? 0 : VFIO_REGION_INFO_FLAG_MMAP);
  const told = (region.capabilities ?? []).filter(({ kind }) => kind !== 'SPARSE_MMAP' && kind !== 'MSIX_MAPPABLE');
  if (shared !== undefined && BigInt(shared.to - shared.from) !== region.size) told.unshift({ kind: 'SPARSE_MMAP', areas: [{ offset: BigInt(shared.from), size: BigInt(shared.to - shared.from) }] });
  const info = { flags, index, size: region.size };
  if (told.length === 0) {
    if (shared !== undefined) fds.give(shared.memory.fd);
    return encodePayload(command, 'reply', { ...info, argsz: head });
  }
  const chain = buildCapabilityChain(head, told.map((capability) => encodeRegionInfoCapability(capability)));
  if (argsz < chain.argsz) return encodePayload(command, 'reply', { ...info, argsz: chain.argsz });
  if (shared !== undefined) fds.give(shared.memory.fd);
  return encodePayload(command, 'reply', { ...info, argsz: chain.argsz, flags: flags | VFIO_REGION_INFO_FLAG_CAPS, cap_offset: head, data: chain.bytes });
}

function irqInfo({ device }: SessionState, { argsz, index }: PayloadOf<'DEVICE_GET_IRQ_INFO', 'request'>): Uint8Array {
  checkArgsz('DEVICE_GET_IRQ_INFO', argsz);
  const bytes = vfio_irq_info.encode({ argsz: vfio_irq_info.size, index });
  device.process.ioctl(device.fd, VFIO_DEVICE_GET_IRQ_INFO, bytes);
  return bytes;
}

function writeMulti(state: SessionState, { wr_cnt: count, data }: PayloadOf<'REGION_WRITE_MULTI', 'request'>): Uint8Array {
  const command = 'REGION_WRITE_MULTI';
  if (BigInt(data.length) !== count * BigInt(ENTRY.size)) refuse(command, `wr_cnt is ${count.toString()}, and ${data.length} bytes of writes follow; expected ${ENTRY.size} for each`);
  const writes = Array.from({ length: Number(count) }, (_, i) => ENTRY.decode(data, i * ENTRY.size));
  // All of them are looked at before the first one is made.
  const regions = writes.map((write) => {
    const region = accessed(command, state, write, 8);
    if (!region.writable) refuse(command, `region ${write.region} is read-only`);
    return region;
  });
  for (const [i, { offset, count: bytes, data: value }] of writes.entries()) state.device.access(`vfio-user ${command}`, regions[i]!, offset, value.subarray(0, bytes), true);
  return encodePayload(command, 'reply', { wr_cnt: count });
}

/** The commands of a client, but for VERSION. */
export const commands: Commands = {
  DMA_MAP({ dma }, { argsz, flags, offset, addr, size }, fds) {
    checkArgsz('DMA_MAP', argsz);
    if (fds.all.length > 1) refuse('DMA_MAP', `${fds.all.length} fds; expected at most 1`);
    dma.map({ address: addr, size, offset, flags, fd: fds.all[0] });
    fds.take();
    return NOTHING;
  },
  DMA_UNMAP: dmaUnmap,
  DEVICE_GET_INFO({ device }, { argsz }) {
    checkArgsz('DEVICE_GET_INFO', argsz);
    // Every device can be reset: the server makes it. A client may do without only when it is told that it must.
    return encodePayload('DEVICE_GET_INFO', 'reply', { argsz: headSize('DEVICE_GET_INFO', 'reply'), flags: VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI, num_regions: device.numRegions, num_irqs: device.numIrqs });
  },
  DEVICE_GET_REGION_INFO: regionInfo,
  DEVICE_GET_REGION_IO_FDS(state, { argsz, flags, index, count }, fds) {
    const command = 'DEVICE_GET_REGION_IO_FDS';
    checkArgsz(command, argsz);
    if (argsz > MAX_PAYLOAD) refuse(command, `argsz ${argsz} is above ${MAX_PAYLOAD}`);
    if (flags !== 0 || count !== 0) refuse(command, `flags 0x${flags.toString(16)} and count ${count}; expected 0`);
    if (regionAt(command, state, index) === undefined) refuse(command, `region ${index} is absent`);
    const entries = state.doorbells.entries(index, state.mayShare() ? state.clientFds() : 0);
    const needed = headSize(command, 'reply') + entries.bytes.length;
    if (argsz < needed) return encodePayload(command, 'reply', { argsz: needed, index });
    for (const fd of entries.fds()) fds.give(fd);
    return encodePayload(command, 'reply', { argsz: needed, index, count: entries.count, data: entries.bytes });
  },
  DEVICE_GET_IRQ_INFO: irqInfo,
  DEVICE_SET_IRQS({ interrupts }, request, fds) {
    interrupts.set(request, fds.all, () => fds.take());
    return NOTHING;
  },
  REGION_READ(state, request) {
    const region = accessed('REGION_READ', state, request, DEFAULT_MAX_DATA_XFER_SIZE);
    const data = new Uint8Array(request.count);
    try {
      state.device.access('vfio-user REGION_READ', region, request.offset, data, false);
    } catch (error) {
      // As a bus reads where nobody answers. Some clients never look whether a read has failed, and wait for its bytes.
      state.report(error);
      data.fill(0xff);
    }
    return encodePayload('REGION_READ', 'reply', { offset: request.offset, region: request.region, count: request.count, data });
  },
  REGION_WRITE(state, request) {
    const region = accessed('REGION_WRITE', state, request, DEFAULT_MAX_DATA_XFER_SIZE);
    state.device.access('vfio-user REGION_WRITE', region, request.offset, request.data, true);
    return encodePayload('REGION_WRITE', 'reply', { offset: request.offset, region: request.region, count: request.count });
  },
  DEVICE_RESET({ device, migration }) {
    device.reset();
    migration?.close();
    return NOTHING;
  },
  REGION_WRITE_MULTI: writeMulti,
  DEVICE_FEATURE: (state, request) => deviceFeature(state, request, MAX_PAYLOAD),
  MIG_DATA_READ({ migration }, { argsz, size }) {
    const command = 'MIG_DATA_READ';
    checkArgsz(command, argsz);
    if (size > DEFAULT_MAX_DATA_XFER_SIZE) refuse(command, `size ${size} is above ${DEFAULT_MAX_DATA_XFER_SIZE}`);
    if (argsz - headSize(command, 'reply') < size) refuse(command, `argsz ${argsz} has no room for ${size} bytes`);
    if (migration === undefined) refuse(command, 'the device cannot be migrated');
    const data = migration.read(size);
    return encodePayload(command, 'reply', { argsz: headSize(command, 'reply') + data.length, size: data.length, data });
  },
  MIG_DATA_WRITE({ migration }, { argsz, size, data }) {
    const command = 'MIG_DATA_WRITE';
    checkArgsz(command, argsz);
    if (size > DEFAULT_MAX_DATA_XFER_SIZE) refuse(command, `size ${size} is above ${DEFAULT_MAX_DATA_XFER_SIZE}`);
    if (migration === undefined) refuse(command, 'the device cannot be migrated');
    migration.write(data);
    return NOTHING;
  },
};

// Reading and writing a region through a device file: clipping, windows that are left out, the memory gate, bus cycles. Behaviour text, sections 4.3 to 4.5.
//
//   BAR with an MSI-X table:   0 .......... table .......... end       table: reads 0xff, writes dropped
//   ROM:                       0 .......... image .......... end       behind the image: the same
//
//   VGA:                       ... 3b0-3bb . 3c0-3df ... a0000-bffff   three windows: one of them per call, EINVAL elsewhere
//
// Each part outside is moved in cycles of 8, 4, 2 or 1 bytes, the widest that the rest and the position's alignment allow. Ports have no cycle of 8: two of 4, the
// lower first.

import { VfioError } from '../uapi/index.ts';
import { readCycle, writeCycle } from './bus-cycle.ts';
import type { VfioDevice, VfioRegion } from './device.ts';
import { askModel } from './model-error.ts';
import type { UserMemory } from './user-memory.ts';

/** The bytes that a read or write of a region leaves out, if any. */
function leftOut(region: VfioRegion): { readonly from: bigint; readonly to: bigint } {
  if (region.kind === 'rom' && region.imageSize !== undefined) return { from: BigInt(region.imageSize), to: region.size };
  const table = region.msixTable;
  return table === undefined ? { from: region.size, to: region.size } : { from: table.offset, to: table.offset + table.bytes };
}

/** First and last position of what VGA hardware answers to: monochrome ports, colour ports, memory. */
const VGA_WINDOWS = [[0x3b0n, 0x3bbn], [0x3c0n, 0x3dfn], [0xa_0000n, 0xb_ffffn]] as const;

function isPorts({ kind, ioPorts }: VfioRegion, position: bigint): boolean {
  return ioPorts === true || (kind === 'vga' && position <= VGA_WINDOWS[1][1]);
}

/**
 * How many of `count` bytes at `position` a call may move.
 *
 * @throws VfioError as the region's kind says: EINVAL at or beyond the end, EFAULT for config space, which is never clipped.
 */
export function clip(call: string, region: VfioRegion, position: bigint, count: number): number {
  const room = region.size - position;
  if (region.kind === 'config') {
    if (room < BigInt(count) || room <= 0n) throw new VfioError('EFAULT', call, `${count} bytes at 0x${position.toString(16)} of config space, which has ${region.size.toString()}`);
    return count;
  }
  if (region.kind === 'vga') {
    const last = VGA_WINDOWS.find(([from, to]) => position >= from && position <= to)?.[1];
    if (last === undefined || room <= 0n) throw new VfioError('EINVAL', call, `0x${position.toString(16)} lies in none of the VGA windows 0x3b0-0x3bb, 0x3c0-0x3df and 0xa0000-0xbffff`);
    return Number([last + 1n - position, room, BigInt(count)].reduce((a, b) => (a < b ? a : b)));
  }
  if (room <= 0n) throw new VfioError('EINVAL', call, `position 0x${position.toString(16)} is beyond region ${region.index}, 0x${region.size.toString(16)} bytes`);
  return room < BigInt(count) ? Number(room) : count;
}

/** Bytes that are moved at once where nobody can see into how many cycles that is. */
const BLOCK = 0x1_0000;

/** One read or write of a region: its `count` bytes at `position` lie inside it. */
export interface Transfer {
  readonly call: string;
  readonly device: VfioDevice;
  readonly region: VfioRegion;
  readonly position: bigint;
  readonly count: number;
  readonly user: UserMemory;
  readonly writes: boolean;
  /** The caller is the bus itself, and knows whether the device is to be reached: the memory gate is not asked. Default false. */
  readonly isBus?: boolean;
}

/** Bytes that lie in no cycle read as ones: one after the other, so that those ahead of the end of the caller's memory are there. */
function fillOnes(user: UserMemory, from: number, to: number): void {
  for (let at = from; at < to; ) {
    const block = Math.min(BLOCK, to - at);
    const bytes = user.holds(at, block) ? block : 1;
    user.copyOut(at, new Uint8Array(bytes).fill(0xff));
    at += bytes;
  }
}

/**
 * Moves bytes between a region and its caller. Any failure midway loses the count: cycles before it have happened.
 *
 * @throws VfioError EIO when the memory gate is closed, EFAULT when the caller's memory ends.
 */
export function transfer(request: Transfer): void {
  const { device, region, position, count, user, writes } = request;
  if (device.isPulled) {
    if (!writes) fillOnes(user, 0, count);
    return;
  }
  if (region.kind === 'config' && device.config !== undefined) {
    device.config.access(count, Number(position), user, writes);
    return;
  }
  const { from, to } = leftOut(region);
  const end = position + BigInt(count);
  const cut = (at: bigint): number => Number((at < position ? position : at > end ? end : at) - position);
  const [gapStart, gapEnd] = [cut(from), cut(to)];
  part(request, 0, gapStart);
  // What is dropped is not looked at either.
  if (!writes) fillOnes(user, gapStart, gapEnd);
  part(request, gapEnd, count);
}

/** Whether a region answers memory cycles only while its device does. */
export function isGated({ kind, ioPorts }: VfioRegion): boolean {
  return (kind === 'bar' && ioPorts !== true) || kind === 'rom';
}

/** VfioError EIO while the device does not answer memory cycles. */
export function checkGate(call: string, device: VfioDevice): void {
  if (!device.memoryEnabled()) throw new VfioError('EIO', call, `${device.name} does not answer memory cycles now: COMMAND.MEM is 0, or it is in D3`);
}

/** Kinds of regions whose bytes are all that they are. A hook or a register sees each cycle, and may close the gate for the next. */
const PLAIN: readonly string[] = ['ram', 'demand', 'rom'];

/** How many bytes go next: one cycle; of memory, as many whole 8-byte cycles as there are. */
function step({ region, position, user }: Transfer, at: number, to: number): number {
  const aligned = Number((position + BigInt(at)) & 7n);
  if (PLAIN.includes(region.region.kind) && aligned === 0 && to - at >= 8) {
    const block = Math.min(BLOCK, (to - at) & ~7);
    if (user.holds(at, block)) return block;
  }
  const widest = region.kind === 'config' || region.kind === 'platform' ? 4 : 8;
  return [8, 4, 2, 1].find((wide) => wide <= widest && wide <= to - at && aligned % wide === 0)!;
}

/** One cycle; of plain memory also a block of many. */
function cycle({ region, writes }: Transfer, position: bigint, bytes: Uint8Array): void {
  if (bytes.length > 8) {
    if (writes) region.region.writeBytes(position, bytes);
    else region.region.readBytes(position, bytes);
    return;
  }
  const move = writes ? writeCycle : readCycle;
  const widest = bytes.length === 8 && isPorts(region, position) ? 4 : bytes.length;
  for (let at = 0; at < bytes.length; at += widest) move(region.region, position + BigInt(at), bytes.subarray(at, at + widest));
}

function part(request: Transfer, from: number, to: number): void {
  const { position, user, writes } = request;
  for (let at = from; at < to; ) {
    const width = step(request, at, to);
    const bytes = writes ? user.copyIn(at, width) : new Uint8Array(width);
    if (request.isBus !== true && isGated(request.region)) checkGate(request.call, request.device);
    askModel(() => cycle(request, position + BigInt(at), bytes));
    if (!writes) user.copyOut(at, bytes);
    at += width;
  }
}

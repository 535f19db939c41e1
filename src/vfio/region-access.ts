// Reading and writing a region through a device file: clipping, windows that are left out, the memory gate, bus cycles. Behaviour text, sections 4.3 and 4.5.
//
//   BAR with an MSI-X table:   0 .......... table .......... end       table: reads 0xff, writes dropped
//   ROM:                       0 .......... image .......... end       behind the image: the same
//
// Each part outside is moved in cycles of 8, 4, 2 or 1 bytes, the widest that the rest and the position's alignment allow.

import { VfioError } from '../uapi/index.ts';
import type { VfioDevice, VfioRegion } from './device.ts';
import { askModel } from './model-error.ts';
import type { UserMemory } from './user-memory.ts';

/** The bytes that a read or write of a region leaves out, if any. */
function leftOut(region: VfioRegion): { readonly from: bigint; readonly to: bigint } {
  if (region.kind === 'rom' && region.imageSize !== undefined) return { from: BigInt(region.imageSize), to: region.size };
  const table = region.msixTable;
  return table === undefined ? { from: region.size, to: region.size } : { from: table.offset, to: table.offset + table.bytes };
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
}

/**
 * Moves bytes between a region and its caller. Any failure midway loses the count: cycles before it have happened.
 *
 * @throws VfioError EIO when the memory gate is closed, EFAULT when the caller's memory ends.
 */
export function transfer(request: Transfer): void {
  const { region, position, count, user, writes } = request;
  const { from, to } = leftOut(region);
  const end = position + BigInt(count);
  const cut = (at: bigint): number => Number((at < position ? position : at > end ? end : at) - position);
  const [gapStart, gapEnd] = [cut(from), cut(to)];
  part(request, 0, gapStart);
  // What is dropped is not looked at either.
  if (!writes) for (let at = gapStart; at < gapEnd; at += BLOCK) user.copyOut(at, new Uint8Array(Math.min(BLOCK, gapEnd - at)).fill(0xff));
  part(request, gapEnd, count);
}

function gate({ call, device, region }: Transfer): void {
  const closes = (region.kind === 'bar' && region.ioPorts !== true) || region.kind === 'rom';
  if (closes && !device.memoryEnabled()) throw new VfioError('EIO', call, `${device.name} does not answer memory cycles now: COMMAND.MEM is 0, or it is in D3`);
}

/** How many bytes go next: one cycle; of memory, as many whole 8-byte cycles as there are. A hook sees each cycle and may close the gate for the next. */
function step({ region, position, user }: Transfer, at: number, to: number): number {
  const aligned = Number((position + BigInt(at)) & 7n);
  if (region.region.kind !== 'hook' && aligned === 0 && to - at >= 8) {
    const block = Math.min(BLOCK, (to - at) & ~7);
    if (user.holds(at, block)) return block;
  }
  const widest = region.kind === 'config' || region.kind === 'platform' ? 4 : 8;
  return [8, 4, 2, 1].find((wide) => wide <= widest && wide <= to - at && aligned % wide === 0)!;
}

function part(request: Transfer, from: number, to: number): void {
  const { region, position, user, writes } = request;
  for (let at = from; at < to; ) {
    const width = step(request, at, to);
    const bytes = writes ? user.copyIn(at, width) : new Uint8Array(width);
    gate(request);
    askModel(() => {
      if (writes) region.region.writeBytes(position + BigInt(at), bytes);
      else region.region.readBytes(position + BigInt(at), bytes);
    });
    if (!writes) user.copyOut(at, bytes);
    at += width;
  }
}

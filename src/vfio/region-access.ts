// Reading and writing a region through a device file: clipping, windows that are left out, the memory gate, bus cycles. Behaviour text, sections 4.3 and 4.5.
//
//   BAR with an MSI-X table:   0 .......... table .......... end       table: reads 0xff, writes dropped
//   ROM:                       0 .......... image .......... end       behind the image: the same
//
// Each part outside is moved in cycles of 8, 4, 2 or 1 bytes, the widest that the rest and the position's alignment allow.

import { VfioError } from '../uapi/index.ts';
import type { VfioDevice, VfioRegion } from './device.ts';

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

/**
 * Moves `bytes` to or from a region at `position`; they lie inside it. Any failure midway loses the count: cycles before it have happened.
 *
 * @throws VfioError EIO when the memory gate is closed.
 */
export function transfer(call: string, device: VfioDevice, region: VfioRegion, position: bigint, bytes: Uint8Array, writes: boolean): void {
  const { from, to } = leftOut(region);
  const end = position + BigInt(bytes.length);
  const cut = (at: bigint): number => Number((at < position ? position : at > end ? end : at) - position);
  const [gapStart, gapEnd] = [cut(from), cut(to)];
  part(call, device, region, position, bytes.subarray(0, gapStart), writes);
  if (!writes) bytes.fill(0xff, gapStart, gapEnd);
  part(call, device, region, position + BigInt(gapEnd), bytes.subarray(gapEnd), writes);
}

function gate(call: string, device: VfioDevice, region: VfioRegion): void {
  const closes = (region.kind === 'bar' && region.ioPorts !== true) || region.kind === 'rom';
  if (closes && !device.memoryEnabled()) throw new VfioError('EIO', call, `${device.name} does not answer memory cycles now: COMMAND.MEM is 0, or it is in D3`);
}

function part(call: string, device: VfioDevice, region: VfioRegion, position: bigint, bytes: Uint8Array, writes: boolean): void {
  if (bytes.length === 0) return;
  gate(call, device, region);
  if (region.region.kind === 'hook') {
    cycles(call, device, region, position, bytes, writes);
  } else if (writes) {
    region.region.writeBytes(position, bytes);
  } else {
    region.region.readBytes(position, bytes);
  }
}

/** Cycle by cycle, because a hook sees each of them and may close the gate for the next. */
function cycles(call: string, device: VfioDevice, region: VfioRegion, position: bigint, bytes: Uint8Array, writes: boolean): void {
  const widest = region.kind === 'config' || region.kind === 'platform' ? 4 : 8;
  for (let done = 0; done < bytes.length; ) {
    const at = position + BigInt(done);
    const aligned = Number(at & 7n);
    const width = [8, 4, 2, 1].find((wide) => wide <= widest && wide <= bytes.length - done && aligned % wide === 0)!;
    gate(call, device, region);
    if (writes) region.region.writeBytes(at, bytes.subarray(done, done + width));
    else region.region.readBytes(at, bytes.subarray(done, done + width));
    done += width;
  }
}

// Blocks of bytes between an array and a domain of an IOMMU. Rules D of docs/how-an-access-travels.md.
//
//   array --> staging buffer --> domain                  up to STAGING_BYTES, or where cycles have to be run
//   array --> a part at a time, by one small buffer      plain bytes, however many

import { hex } from '../webassembly/index.ts';
import type { Core } from './core.ts';
import { IommuFault, faultReason } from './iommu-fault.ts';
import { CELL_VALUE, EBADF, IOMMU_CYCLES, PAGE_BYTES, STAGING_BYTES } from './layout.generated.ts';

// What a large block is moved by: it stays in a processor's near caches.
const PART = 65536;
// Room to begin the buffer half a page away from where the array begins in its page: a processor's block copy that writes a few bytes behind where it reads, both counted from the start of
// their pages, takes five times as long (`rep movsb` of AMD Zen 3). Large arrays begin near the start of a page.
const APART = PAGE_BYTES / 2;
/** A domain as the core and its messages know it. */
export interface DomainPlace {
  readonly core: Core;
  readonly handle: number;
  readonly name: string;
}

/** The bytes of an array, also after the core's memory has grown: an array in that memory is dead then. */
export function lasting(core: Core, array: Uint8Array | BigUint64Array): () => Uint8Array {
  const { buffer, byteOffset, byteLength } = array;
  if (buffer !== core.exports.memory.buffer) return () => new Uint8Array(buffer, byteOffset, byteLength);
  return () => core.memory().subarray(byteOffset, byteOffset + byteLength);
}

/** What stopped an access of a device, as the core has just noted it. */
export function faultOf({ core, name }: DomainPlace, reason: number): IommuFault {
  const writes = core.data().getUint32(core.cells + CELL_VALUE, true);
  return new IommuFault(writes === 0 ? 'read' : 'write', core.cellFirst(), faultReason(reason), name);
}

/** Fills a block with the bytes from `iova` on, or writes all of it there. IommuFault; VfioError ENOMEM. */
export function moveBlock(place: DomainPlace, call: string, iova: bigint, block: Uint8Array, writes: 0 | 1): void {
  if (block.length > STAGING_BYTES && inParts(place, call, iova, block, writes)) return;
  const { core, handle } = place;
  let fault: IommuFault | undefined;
  const status = core.transfer(block, writes, (buffer, bytes) => {
    const answer = core.exports.domainBlock(handle, iova, buffer, bytes, writes);
    if (answer > 0) fault = faultOf(place, answer);
    return answer > 0 ? -EBADF : answer;
  });
  if (fault !== undefined) throw fault;
  if (status < 0) fail(place, call, status, iova, block.length);
}

/** Plain bytes go by way of a small buffer, which stays in the near caches. False where cycles have to be run, and nothing was moved. */
function inParts(place: DomainPlace, call: string, iova: bigint, block: Uint8Array, writes: 0 | 1): boolean {
  const { core, handle } = place;
  const { exports } = core;
  const all = lasting(core, block);
  const frames = exports.takeBuffer(PART + PAGE_BYTES) >>> 0;
  if (frames === 0) return false;
  const buffer = frames + ((block.byteOffset + APART) & (PAGE_BYTES - 64));
  try {
    const status = exports.domainReach(handle, iova, BigInt(block.length), writes);
    if (status === IOMMU_CYCLES) return false;
    if (status > 0) throw faultOf(place, status);
    if (status < 0) fail(place, call, status, iova, block.length);
    const { length } = all();
    for (let done = 0; done < length; done += PART) {
      // Each part may make the memory grow, which ends all views of it.
      const memory = core.memory();
      const part = all().subarray(done, done + PART);
      const at = iova + BigInt(done);
      if (writes === 1) memory.set(part, buffer);
      const moved = exports.domainBlock(handle, at, buffer, part.length, writes);
      if (moved < 0) fail(place, call, moved, at, part.length);
      if (writes === 0) part.set(memory.subarray(buffer, buffer + part.length));
    }
    return true;
  } finally {
    exports.giveBuffer(frames, PART + PAGE_BYTES);
  }
}

function fail({ core, name }: DomainPlace, call: string, status: number, iova: bigint, bytes: number): never {
  throw core.failure(-status, call, `${bytes} bytes at ${hex(iova)} in ${name}`);
}

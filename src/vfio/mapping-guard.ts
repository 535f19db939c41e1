// What stands in for the bytes of a mapping where they may not simply be reached: a region that looks at each access, and faults or lets it through.
//
//   access --> guard --- not allowed, gate closed ---> VfioFault
//                 +----- else ---> the region; then the mapping shows the region itself again, if that is all there was to look at

import type { Engine, Region } from '../core/index.ts';

const guards = new WeakSet<Region>();

/** Whether an access to a region is looked at first. @internal */
export function isGuard(region: Region): boolean {
  return guards.has(region);
}

/** What is guarded. @internal */
export interface Guarded {
  readonly region: Region;
  /** Bytes from the start of the region to the end of the mapping, whole pages. */
  readonly end: bigint;
  /** Whether the device has gone away from under it: ones are read, and writes are lost. */
  readonly isPulled: () => boolean;
  /** Throws for an access that faults. `position`: bytes from the start of the region. */
  readonly check: (access: 'read' | 'write', position: bigint) => void;
}

type Width = 1 | 2 | 4 | 8;

/** All ones behind the end of a region that ends inside its page. */
function read({ region, isPulled }: Guarded, position: bigint, width: Width): bigint {
  const bytes = new Uint8Array(8).fill(0xff);
  const room = region.gone || isPulled() ? 0n : region.size - position;
  if (room > 0n) region.readBytes(position, bytes.subarray(0, room < BigInt(width) ? Number(room) : width));
  return new DataView(bytes.buffer).getBigUint64(0, true);
}

function write({ region, isPulled }: Guarded, position: bigint, width: Width, value: bigint): void {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  const room = region.gone || isPulled() ? 0n : region.size - position;
  if (room > 0n) region.writeBytes(position, bytes.subarray(0, room < BigInt(width) ? Number(room) : width));
}

/** A region that is as long as the mapping reaches, with positions of the region behind it. VfioError ENOMEM when the core is full. @internal */
export function makeGuard(engine: Engine, guarded: Guarded): Region {
  const { region, end, check } = guarded;
  const guard = engine.region({
    kind: 'hook',
    size: end,
    name: `${region.name}, guarded`,
    // A device may reach its own mapping from inside an access.
    reentrant: true,
    device: region.device,
    read(at, width) {
      const position = BigInt(at);
      check('read', position);
      return read(guarded, position, width);
    },
    write(at, width, value) {
      const position = BigInt(at);
      check('write', position);
      write(guarded, position, width, BigInt(value));
    },
  });
  guards.add(guard);
  return guard;
}

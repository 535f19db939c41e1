// A region whose bytes, all of them or one run of pages, lie in memory that its client can map: accesses there do not reach the server any more.
//
//   region   | trapped: read(), write() | from ........... to | trapped |
//   memory   |  not looked at           | the client maps it  |
//   device   ------ sees ------------------ memory.bytes ------ at any time, and is told of no store
//
// One run only: clients differ on whether a second one has an fd of its own.

import type { Engine, HookHandlers, Region } from '../../../core/index.ts';
import type { SharedMemory } from '../transport/koffi-memory.ts';

/** How {@link sharedRegion} lays a region out. */
export interface SharedRegionOptions extends HookHandlers {
  /** For messages. */
  readonly name?: string;
  /** Bytes of the region. Default: the memory's. */
  readonly size?: number;
  /** First byte that is mapped: a multiple of 4096. Default 0. */
  readonly from?: number;
  /** Behind the last one: a multiple of 4096, up to the memory's size. Default: that. */
  readonly to?: number;
}

/** What a client is told of it. @internal */
export interface SharedPart {
  readonly memory: SharedMemory;
  readonly from: number;
  readonly to: number;
}

const PAGE = 4096;
const parts = new WeakMap<Region, SharedPart>();

/** The shared part of a region; undefined for one that has none. @internal */
export function sharedPart(region: Region): SharedPart | undefined {
  return parts.get(region);
}

/**
 * A region that a client may map, as far as its memory goes; `read` and `write` are called for the rest. Without a transport that passes fds, all of it is reached by messages.
 *
 * @param memory what {@link sharedMemory} made: byte `from` of the region is byte `from` of the memory. It stays the caller's, who closes its fd when the device is gone.
 * @throws RangeError for what is no run of pages inside both.
 * @example
 * ```ts
 * const memory = await sharedMemory(0x10000);
 * const device = serveDevice(createEngine(), (engine, host) => myDevice(engine, host, sharedRegion(engine, memory, { name: 'frame buffer' })));
 * ```
 */
export function sharedRegion(engine: Engine, memory: SharedMemory, options: SharedRegionOptions = {}): Region {
  const { bytes } = memory;
  const { name = 'shared region', size = bytes.length, from = 0, to = bytes.length } = options;
  for (const [what, value] of [['from', from], ['to', to]] as const) {
    if (!Number.isSafeInteger(value) || value < 0 || value % PAGE !== 0) throw new RangeError(`sharedRegion: ${what} is ${value}; expected a multiple of ${PAGE}`);
  }
  if (from >= to || to > bytes.length || to > size) throw new RangeError(`sharedRegion: ${from} to ${to} is no run of pages inside a memory of ${bytes.length} bytes and a region of ${size}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isShared = (position: number | bigint, width: number): position is number => typeof position === 'number' && position >= from && position + width <= to;
  const region = engine.region({
    kind: 'hook',
    name,
    size,
    unaligned: false,
    read(position, width) {
      if (!isShared(position, width)) return options.read?.(position, width) ?? (1n << 64n) - 1n;
      if (width === 8) return view.getBigUint64(position, true);
      return width === 4 ? view.getUint32(position, true) : width === 2 ? view.getUint16(position, true) : view.getUint8(position);
    },
    write(position, width, value) {
      if (!isShared(position, width)) options.write?.(position, width, value);
      else if (width === 8) view.setBigUint64(position, BigInt(value), true);
      else if (width === 4) view.setUint32(position, Number(value), true);
      else if (width === 2) view.setUint16(position, Number(value), true);
      else view.setUint8(position, Number(value));
    },
  });
  parts.set(region, { memory, from, to });
  return region;
}

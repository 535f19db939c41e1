// Address spaces: the contract is rules S, A and W of docs/how-an-access-travels.md.

import { VfioError } from '../uapi/index.ts';
import { bytesOf, hex, refuseU64, u64 } from '../webassembly/index.ts';
import type { U64 } from '../webassembly/index.ts';
import type { Core } from './core.ts';
import type { CoreExports } from './exports.ts';
import { drainSeed } from './drain-policy.ts';
import type { DrainPolicy } from './drain-policy.ts';
import { EBADF } from './layout.generated.ts';
import type { Region } from './region.ts';
import { SpaceAccess } from './space-access.ts';
import { Window, checkedStart } from './window.ts';
import type { WindowOptions } from './window.ts';

/**
 * One address space: a guest's memory bus, its I/O ports, or the memory of a process. Made by {@link Engine.space}.
 *
 * @example
 * ```ts
 * const bus = engine.space('guest memory');
 * const window = bus.map(0xfebf8000, bar);
 * bus.write32(0xfebf8014, 1);
 * bus.read32(0xfebf8014); // 1
 * bus.read32(0); // 0xffffffff: nothing there
 * ```
 */
export class Space extends SpaceAccess {
  readonly name: string;
  /** @internal */
  readonly core: Core;
  /** @internal */
  readonly handle: number;
  /** @internal */
  readonly windows = new Map<number, Window>();
  /** @internal */
  gone = false;
  private policy: DrainPolicy = 'in-order';

  // Looking a name up among an instance's exports costs as much as the call.
  private readonly readF: CoreExports['spaceReadF'];
  private readonly writeF: CoreExports['spaceWriteF'];

  /** @internal */
  constructor(core: Core, name: string, policy: DrainPolicy = 'in-order') {
    super(core.views);
    this.core = core;
    this.name = name;
    this.handle = core.check(core.exports.spaceCreate(), 'space', () => 'the core has no memory for another space') >>> 0;
    this.readF = core.exports.spaceReadF;
    this.writeF = core.exports.spaceWriteF;
    if (policy !== 'in-order') this.drainPolicy = policy;
  }

  /** @internal */
  live(call: string): void {
    if (this.gone) throw new VfioError('EBADF', call, `${this.name} is destroyed`);
  }

  /** @internal */
  sameEngine(call: string, other: Space | Region): void {
    if (typeof other !== 'object' || (other as unknown) === null || !('core' in other)) throw new TypeError(`${call}: ${typeof other} given; expected a region or space of this engine`);
    if (other.core !== this.core) throw new TypeError(`${call}: ${other.name} belongs to another engine`);
  }

  /**
   * Maps a window onto a region (rule S-map). Windows may overlap: rule S-priority says which is visible.
   *
   * @param start - First address.
   * @throws RangeError when the window would pass 2^64-1 or the end of the region. VfioError ENOMEM when the core is full, EBADF after `destroy`.
   */
  map(start: U64, region: Region, options: WindowOptions = {}): Window {
    this.live('Space.map');
    this.sameEngine('Space.map', region);
    region.live('Space.map');
    const position = u64('Space.map: position', options.position ?? 0);
    const size = u64('Space.map: size', options.size ?? (position < region.size ? region.size - position : 0n));
    if (size === 0n || position + size > region.size) {
      throw new RangeError(`Space.map: ${size.toString()} bytes at position ${hex(position)} do not lie in ${region.name}, ${hex(region.size)} bytes`);
    }
    return this.place(new Window(this, region, checkedStart('Space.map', start, size), position, size, options));
  }

  /** @internal */
  place(window: Window): Window {
    this.core.change(() => window.map(this.core));
    return window;
  }

  /** The window visible at an address, or undefined when nothing claims it. */
  windowAt(address: U64): Window | undefined {
    this.live('Space.windowAt');
    return this.windows.get(this.core.exports.spaceWindowAt(this.handle, u64('Space.windowAt: address', address)) >>> 0);
  }

  /** Whether every one of `bytes` (at least 1) addresses from `address` on lies in some window. False when the range passes 2^64-1. */
  isClaimed(address: U64, bytes: U64): boolean {
    this.live('Space.isClaimed');
    return this.core.exports.spaceIsClaimed(this.handle, u64('Space.isClaimed: address', address), u64('Space.isClaimed: bytes', bytes)) === 1;
  }

  /** Eight bytes, little-endian, unsigned. */
  read64(address: U64): bigint {
    const status =
      typeof address === 'number' && Number.isSafeInteger(address) && address >= 0
        ? this.core.exports.spaceRead64F(this.handle, address)
        : this.core.exports.spaceRead64(this.handle, u64('Space.read64: address', address));
    if (status < 0) this.fail('Space.read64', address, 8, status);
    return this.core.cellData();
  }

  write64(address: U64, value: U64): void {
    const at = u64('Space.write64: address', address);
    const status = this.core.exports.spaceWrite(this.handle, at, 8, u64('Space.write64: value', value));
    if (status < 0) this.fail('Space.write64', address, 8, status);
  }

  /** Fills `target` from `address` on and returns it; when the access fails, `target` is as it was. */
  readBytes(address: U64, target: Uint8Array): Uint8Array {
    this.block('Space.readBytes', u64('Space.readBytes: address', address), bytesOf('Space.readBytes: target', target), 0);
    return target;
  }

  /** Writes all of `bytes` from `address` on. */
  writeBytes(address: U64, bytes: Uint8Array): void {
    this.block('Space.writeBytes', u64('Space.writeBytes: address', address), bytesOf('Space.writeBytes: bytes', bytes), 1);
  }

  private block(call: string, at: bigint, block: Uint8Array, writes: 0 | 1): void {
    // Plain bytes that the core has met before are copied here, once, instead of through its staging buffer.
    const plain = block.length < 2 ** 32 ? this.core.exports.spacePlain(this.handle, at, block.length) >>> 0 : 0;
    if (plain !== 0) {
      const bytes = this.core.memory().subarray(plain, plain + block.length);
      if (writes === 1) bytes.set(block);
      else block.set(bytes);
      return;
    }
    const status = this.core.transfer(block, writes, (buffer, bytes) => this.core.exports.spaceBlock(this.handle, at, buffer, bytes, writes));
    if (status < 0) this.fail(call, at, block.length, status);
  }

  /** @internal */
  protected override readLong(address: U64, width: 1 | 2 | 4): number {
    const value =
      typeof address === 'number' && Number.isSafeInteger(address) && address >= 0
        ? this.readF(this.handle, address, width)
        : this.core.exports.spaceRead(this.handle, u64('Space.read: address', address), width);
    if (value < 0) this.fail(`Space.read${width * 8}`, address, width, value);
    if (typeof address === 'number') this.laneOf(address).missed(this.core, this.handle, address, width);
    return value;
  }

  /** @internal */
  protected override writeLong(call: string, address: U64, width: 1 | 2 | 4, value: number): void {
    const status =
      typeof address === 'number' && Number.isSafeInteger(address) && address >= 0
        ? this.writeF(this.handle, address, width, value, 0)
        : this.core.exports.spaceWrite(this.handle, u64(`${call}: address`, address), width, BigInt(value));
    if (status < 0) this.fail(call, address, width, status);
    if (typeof address === 'number') this.laneOf(address).missed(this.core, this.handle, address, width);
  }

  /** @internal Throws what a status of the core stands for. */
  fail(call: string, address: U64, bytes: number, status: number): never {
    if (status === -EBADF) this.live(call);
    if (typeof address !== 'number' && typeof address !== 'bigint') refuseU64(`${call}: address`, address);
    if (BigInt(address) + BigInt(bytes) - 1n > 0xffff_ffff_ffff_ffffn) throw new RangeError(`${call}: ${bytes} bytes at ${hex(address)} pass 2^64-1`);
    throw this.core.failure(-status, call, `${bytes} bytes at ${hex(address)} of ${this.name}`);
  }

  /**
   * Drains the line buffers of all write-combining windows of this space (rule W-fence): what was stored through them has reached its regions when this returns.
   *
   * @throws What a hook threw; VfioError EDEADLK when a line's region has a hook running (rule W-fault), ELOOP, ENOMEM, EBADF after `destroy`.
   * @example
   * ```ts
   * const queue = space.map(0x1000, entries, { memoryType: 'write-combining' });
   * space.write32(0x1000, entry); // waits in a line buffer
   * queue.buffered; // 4
   * space.fence(); // has reached `entries`
   * space.write32(doorbell, 1);
   * ```
   */
  fence(): void {
    this.live('Space.fence');
    this.core.check(this.core.exports.spaceFence(this.handle), 'Space.fence', () => `the write-combining buffers of ${this.name} did not all drain`);
  }

  /** In which order line buffers drain (rule W-order). Default: that of the engine when the space was made. Setting it drains nothing and starts a seed anew. */
  get drainPolicy(): DrainPolicy {
    return this.policy;
  }

  set drainPolicy(policy: DrainPolicy) {
    this.live('Space.drainPolicy');
    this.core.exports.spaceDrainPolicy(this.handle, drainSeed('Space.drainPolicy', policy));
    this.policy = policy;
  }

  /** How many pieces of reads and writes nothing claimed (rule A-unclaimed). */
  get unclaimed(): { readonly reads: number; readonly writes: number } {
    const { exports } = this.core;
    return { reads: Math.max(0, exports.spaceUnclaimed(this.handle, 0)), writes: Math.max(0, exports.spaceUnclaimed(this.handle, 1)) };
  }

  /**
   * Checks the structure behind the visible ranges, node by node. For tests.
   *
   * @throws Error with the number of the broken rule in `assembly/maple/check.ts`.
   */
  validate(): void {
    this.live('Space.validate');
    const fault = this.core.exports.spaceValidate(this.handle);
    if (fault > 0) throw new Error(`${this.name}: structural rule ${fault} is broken`);
  }

  /**
   * Removes all windows, and their aliases elsewhere, and ends the space. What waits in line buffers reaches its regions first (rule W-unmap). A second call does
   * nothing.
   *
   * @throws What a hook threw while buffers drained; then the space is still there, and a second call gets further.
   */
  destroy(): void {
    if (this.gone) return;
    this.gone = true;
    this.core.remove('Space.destroy', () => `${this.name}: no room to show what aliases in other spaces covered`, {
      make: () => this.core.exports.spaceDestroy(this.handle),
      done: () => {
        for (const window of this.windows.values()) window.forget();
      },
      undone: () => (this.gone = false),
    });
  }
}

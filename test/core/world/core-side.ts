// The core's side of a comparison: operations through the façade, and through raw exports where the façade checks first.

import type { Engine, MemoryType, Region, Space, TraceRing, Window } from '../../../src/core/index.ts';
import { HookError, outcome } from '../adapter.ts';
import { PEEK_BYTES, SCRIPTED, blockBytes, hookValue, type Op, type Outcome, type Place, type RegionShape, type Side } from './op.ts';

const at = <T>(list: readonly T[], i: number): T | undefined => list[i % Math.max(1, list.length)];

function memoryType(combining: boolean | undefined): { memoryType?: MemoryType } {
  return combining === undefined ? {} : { memoryType: combining ? 'write-combining' : 'uncached' };
}

/** Every access that goes the long way looks for a lane to remember, so that few accesses are enough. */
export function askAtOnce(space: Space): void {
  for (const lane of (space as unknown as { readonly lanes: readonly { waits: number }[] }).lanes) lane.waits = 1;
}

export class CoreSide implements Side {
  readonly regions: Region[] = [];
  readonly spaces: Space[] = [];
  readonly windows: (Window | undefined)[] = [];
  private readonly engine: Engine;
  private readonly ring: TraceRing | undefined;
  private log: Outcome[] = [];
  private budget = 0;
  private accesses = 0;

  constructor(engine: Engine, traced: boolean) {
    this.engine = engine;
    this.ring = traced ? engine.startTrace(16) : undefined;
  }

  takeLog(): Outcome[] {
    const log = this.log;
    this.log = [];
    this.budget = SCRIPTED;
    return log;
  }

  perform(op: Op): Outcome {
    const result = outcome(() => this.act(op));
    this.log.push([op.do, result]);
    return result;
  }

  private act(op: Op): Outcome {
    switch (op.do) {
      case 'region':
        this.regions.push(this.makeRegion(op.shape));
        return undefined;
      case 'space':
        this.spaces.push(this.engine.space(`space ${this.spaces.length + 1}`));
        return undefined;
      case 'map': {
        const space = at(this.spaces, op.space);
        const region = at(this.regions, op.region);
        if (space === undefined || region === undefined) return 'none';
        return this.keep(() => space.map(op.start, region, { position: op.position, size: op.size, priority: op.priority, memoryType: op.combining === true ? 'write-combining' : 'uncached' }));
      }
      case 'alias': {
        const window = at(this.windows, op.window);
        const space = at(this.spaces, op.space);
        if (space === undefined || window === undefined) return 'none';
        return this.keep(() => window.alias(space, op.start, { position: op.offset, size: op.size, ...(op.priority !== undefined && { priority: op.priority }), ...memoryType(op.combining) }));
      }
      case 'move':
        return at(this.windows, op.window)?.move(op.start);
      case 'unmap':
        return at(this.windows, op.window)?.unmap();
      case 'destroyRegion':
        return at(this.regions, op.region)?.destroy();
      case 'destroySpace':
        return at(this.spaces, op.space)?.destroy();
      case 'fence':
        return at(this.spaces, op.space)?.fence();
      case 'policy': {
        const space = at(this.spaces, op.space);
        if (space !== undefined) space.drainPolicy = op.seed === undefined ? 'in-order' : { seed: op.seed };
        return undefined;
      }
      case 'device': {
        const region = at(this.regions, op.region);
        if (region !== undefined) region.device = op.device;
        return undefined;
      }
      case 'count':
        return at(this.regions, op.region)?.countTransactions();
      case 'look': {
        const space = at(this.spaces, op.space);
        if (space === undefined) return 'none';
        if (space.gone) return 'gone';
        const window = space.windowAt(op.address);
        space.validate();
        return [window === undefined ? undefined : this.windows.indexOf(window), window?.start, window?.last, space.isClaimed(op.address, op.bytes)];
      }
      case 'throw':
        throw new HookError();
      default:
        return this.access(op);
    }
  }

  private keep(make: () => Window): undefined {
    this.windows.push(undefined);
    const id = this.windows.length - 1;
    this.windows[id] = make();
  }

  private access(op: Op & Place): Outcome {
    const target = op.on === 'space' ? at(this.spaces, op.target) : at(this.regions, op.target);
    if (target === undefined) return 'none';
    const { exports } = this.engine.core;
    // Numbers are what lanes remembered in JavaScript take; now and then the same address as a bigint.
    const address = op.address <= Number.MAX_SAFE_INTEGER && this.accesses++ % 4 !== 0 ? Number(op.address) : op.address;
    if (op.on === 'space') askAtOnce(this.spaces[op.target % this.spaces.length]!);
    switch (op.do) {
      case 'read':
        if (op.width === 1) return BigInt(target.read8(address));
        if (op.width === 2) return BigInt(target.read16(address));
        if (op.width === 4) return BigInt(target.read32(address));
        if (op.width === 8) return target.read64(address);
        return op.on === 'space' ? exports.spaceRead(target.handle, op.address, op.width) : exports.regionRead(target.handle, op.address, op.width);
      case 'write':
        if (op.width === 1) return target.write8(address, Number(op.value & 0xffn));
        if (op.width === 2) return target.write16(address, Number(op.value & 0xffffn));
        if (op.width === 4) return target.write32(address, Number(op.value & 0xffff_ffffn));
        if (op.width === 8) return target.write64(address, op.value);
        return op.on === 'space' ? exports.spaceWrite(target.handle, op.address, op.width, op.value) : exports.regionWrite(target.handle, op.address, op.width, op.value);
      case 'readBlock':
        return target.readBytes(address, new Uint8Array(op.length)).toString();
      case 'writeBlock':
        return target.writeBytes(address, blockBytes(op));
      default:
        throw new TypeError(`no access: ${op.do}`);
    }
  }

  private makeRegion(shape: RegionShape): Region {
    const { kind, size, minWidth, maxWidth, unaligned, reentrant, script } = shape;
    const common = { size, minWidth, maxWidth, unaligned };
    if (kind !== 'hook') return this.engine.region({ kind, ...common });
    const id = this.regions.length;
    let calls = 0;
    const next = (cycle: Outcome): void => {
      this.log.push([id, cycle]);
      const op = this.budget > 0 ? script[calls++ % Math.max(1, script.length)] : undefined;
      this.budget--;
      if (op?.do === 'throw') throw new HookError();
      if (op !== undefined) this.perform(op);
    };
    return this.engine.region({
      kind,
      ...common,
      reentrant,
      read: (position, width) => {
        const value = hookValue(BigInt(position), calls);
        next(['read', BigInt(position), width]);
        // Every form that a hook may answer in.
        return width === 8 || calls % 2 === 0 ? value : Number(value & 0xffff_ffff_ffffn);
      },
      write: (position, width, value) => next(['write', BigInt(position), width, BigInt(value)]),
    });
  }

  state(): Outcome {
    const records = this.ring?.take().map((record) => {
      const space = this.spaces.findIndex((one) => one.handle === record.target) + 1;
      const block = record.width === 0;
      return [record.sequence, record.operation, block ? record.value : BigInt(record.width), space, record.address, block ? 0n : record.value];
    });
    return {
      records,
      lost: this.ring?.lost,
      pages: this.engine.live().pages,
      spaces: this.spaces.map((space) => (space.gone ? 'gone' : space.unclaimed)),
      buffered: this.windows.map((window) => window?.buffered ?? 0),
      transactions: this.regions.map((region) => region.transactions),
      regions: this.regions.map((region) => (region.gone ? 'gone' : region.refused)),
      bytes: this.regions.map((region) => (region.gone || !['ram', 'rom'].includes(region.kind) ? '' : region.bytes().subarray(0, PEEK_BYTES).toString())),
    };
  }

  /** Ends everything. */
  close(): void {
    // A hook that throws while a buffer drains stops a removal; the next attempt gets further, and scripts end.
    for (const space of this.spaces) for (let tries = 0; !space.gone && tries < 1000; tries++) outcome(() => space.destroy());
    for (const region of this.regions) region.destroy();
    this.ring?.stop();
  }
}

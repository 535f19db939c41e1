// The reference's side of a comparison.

import { ReferenceEngine, valueOf, type ReferenceRegion, type ReferenceSpace, type ReferenceTraceRing, type ReferenceWindow, type Result } from '../../reference/index.ts';
import { HookError, MAX, answer, outcome } from '../adapter.ts';
import { PEEK_BYTES, SCRIPTED, blockBytes, hookValue, type Op, type Outcome, type Place, type RegionShape, type Side } from './op.ts';

const EBADF = -9;
const at = <T>(list: readonly T[], i: number): T | undefined => list[i % Math.max(1, list.length)];

/** A second removal does nothing on the façade. */
function removal(result: Result<void> | undefined): Outcome {
  return result === undefined || answer(result) === EBADF ? undefined : answer(result);
}

export class ReferenceSide implements Side {
  readonly regions: ReferenceRegion[] = [];
  readonly spaces: ReferenceSpace[] = [];
  readonly windows: (ReferenceWindow | undefined)[] = [];
  private readonly engine = new ReferenceEngine();
  private readonly ring: ReferenceTraceRing | undefined;
  private log: Outcome[] = [];
  private budget = 0;

  constructor(traced: boolean) {
    this.ring = traced ? this.engine.startTrace(16) : undefined;
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
        this.spaces.push(this.engine.createSpace());
        return undefined;
      case 'map': {
        const space = at(this.spaces, op.space);
        const region = at(this.regions, op.region);
        if (space === undefined || region === undefined) return 'none';
        return this.keep(() => space.map(region, op));
      }
      case 'alias': {
        const target = at(this.windows, op.window);
        const space = at(this.spaces, op.space);
        if (space === undefined || target === undefined) return 'none';
        const { start, offset, size, priority, combining } = op;
        return this.keep(() => space.alias(target, { start, offset, size, ...(priority !== undefined && { priority }), ...(combining !== undefined && { combining }) }));
      }
      case 'move': {
        const window = at(this.windows, op.window);
        return window === undefined ? undefined : answer(window.space.move(window, op.start));
      }
      case 'unmap': {
        const window = at(this.windows, op.window);
        return window === undefined ? undefined : removal(window.space.unmap(window));
      }
      case 'destroyRegion':
        return removal(at(this.regions, op.region)?.destroy());
      case 'destroySpace':
        return removal(at(this.spaces, op.space)?.destroy());
      case 'fence': {
        const space = at(this.spaces, op.space);
        return space && answer(space.fence());
      }
      case 'policy': {
        const space = at(this.spaces, op.space);
        return space && answer(space.setPolicy(op.seed));
      }
      case 'device': {
        const region = at(this.regions, op.region);
        return region && answer(region.setDevice(op.device));
      }
      case 'count': {
        const region = at(this.regions, op.region);
        return region && answer(region.countTransactions());
      }
      case 'look': {
        const space = at(this.spaces, op.space);
        if (space === undefined) return 'none';
        return space.condemned ? 'gone' : this.look(space, op.address, op.bytes);
      }
      case 'throw':
        throw new HookError();
      default:
        return this.access(op);
    }
  }

  private look(space: ReferenceSpace, address: bigint, bytes: bigint): Outcome {
    const window = space.visible(address);
    let claimed = bytes > 0n && address + bytes - 1n <= MAX;
    for (let i = 0n; claimed && i < bytes; i++) claimed = space.visible(address + i) !== undefined;
    return [window && this.windows.indexOf(window), window?.start, window && window.start + window.size - 1n, claimed];
  }

  private keep(make: () => Result<ReferenceWindow>): Outcome {
    const result = make();
    this.windows.push(result.ok ? result.value : undefined);
    return result.ok ? undefined : result.errno;
  }

  private access(op: Op & Place): Outcome {
    const target = op.on === 'space' ? at(this.spaces, op.target) : at(this.regions, op.target);
    if (target === undefined) return 'none';
    switch (op.do) {
      case 'read':
        return answer(target.read(op.address, op.width));
      case 'write':
        return answer(target.write(op.address, op.width, op.value));
      case 'readBlock': {
        const bytes = target.readBlock(op.address, op.length);
        return bytes.ok ? bytes.value.toString() : bytes.errno;
      }
      case 'writeBlock':
        return answer(target.writeBlock(op.address, blockBytes(op)));
      default:
        throw new TypeError(`no access: ${op.do}`);
    }
  }

  private makeRegion(shape: RegionShape): ReferenceRegion {
    const { kind, size, minWidth, maxWidth, unaligned, reentrant, script } = shape;
    const common = { size, minWidth, maxWidth, unaligned };
    if (kind !== 'hook') return valueOf(this.engine.createRegion({ kind, ...common }));
    const id = this.regions.length;
    let calls = 0;
    const next = (cycle: Outcome): void => {
      this.log.push([id, cycle]);
      const op = this.budget > 0 ? script[calls++ % Math.max(1, script.length)] : undefined;
      this.budget--;
      if (op?.do === 'throw') throw new HookError();
      if (op !== undefined) this.perform(op);
    };
    const hooks = {
      read: (position: bigint, width: number) => {
        const value = hookValue(position, calls);
        next(['read', position, width]);
        return value;
      },
      write: (position: bigint, width: number, value: bigint) => next(['write', position, width, value]),
    };
    return valueOf(this.engine.createRegion({ kind, ...common, reentrant, hooks }));
  }

  state(): Outcome {
    const records: Outcome[] | undefined = this.ring && [];
    for (let record = this.ring?.take(); record !== undefined; record = this.ring?.take()) {
      const { sequence, operation, width, space, address, value } = record;
      records?.push([sequence, operation.startsWith('read') ? 'read' : 'write', BigInt(width), space, address, value]);
    }
    return {
      records,
      lost: this.ring?.lost,
      pages: this.regions.reduce((sum, region) => sum + (region.gone ? 0 : region.pageCount), 0),
      spaces: this.spaces.map((space) => (space.gone ? 'gone' : { reads: space.unclaimedReads, writes: space.unclaimedWrites })),
      buffered: this.windows.map((window) => (window === undefined ? 0 : this.engine.combiner.buffered(window))),
      transactions: this.regions.map((region) => (region.condemned ? undefined : region.transactions && { ...region.transactions })),
      regions: this.regions.map((region) => (region.gone ? 'gone' : region.refused)),
      bytes: this.regions.map((region) => {
        if (region.gone || !['ram', 'rom'].includes(region.kind)) return '';
        return region.peek(0n, Math.min(PEEK_BYTES, Number(region.size))).toString();
      }),
    };
  }
}

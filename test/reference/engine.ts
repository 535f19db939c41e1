// What regions and spaces share: how deep accesses nest (A-nested), changes that wait (S-deferred), the trace (A-trace).

import { ReferenceCombiner } from './combine.ts';
import { ReferenceRegion, isRegionOptions, type RegionOptions } from './region.ts';
import { EINVAL, ELOOP, fail, ok, type Result } from './result.ts';
import { ReferenceSpace, type ReferenceWindow } from './space.ts';
import { ReferenceTraceRing } from './trace-ring.ts';

const MAX_DEPTH = 16;

export class ReferenceEngine {
  /** How many accesses are under way, one inside a hook of the other. Above 0, the caller is a hook. */
  depth = 0;
  /** What the hook that threw last has thrown. */
  thrown: unknown = undefined;
  /** The ring while tracing is on. */
  trace: ReferenceTraceRing | undefined = undefined;
  /** Write combining (W rules). */
  readonly combiner = new ReferenceCombiner(this);
  /** Every window that is mapped, or waits to be. */
  all: readonly ReferenceWindow[] = [];
  private readonly waiting: (() => number)[] = [];
  private settling = false;
  private spaces = 0;

  /** Every window that can be named in a call: also one whose mapping still waits, but none whose removal does. */
  get windows(): readonly ReferenceWindow[] {
    const nameable = (window: ReferenceWindow): boolean =>
      !window.condemned && !window.region.condemned && !window.space.condemned && (window.target === undefined || nameable(window.target));
    return this.all.filter(nameable);
  }

  createRegion(options: RegionOptions): Result<ReferenceRegion> {
    return isRegionOptions(options) ? ok(new ReferenceRegion(this, options)) : fail(EINVAL);
  }

  createSpace(): ReferenceSpace {
    return new ReferenceSpace(this, ++this.spaces);
  }

  startTrace(capacity: number): ReferenceTraceRing {
    this.trace = new ReferenceTraceRing(capacity);
    return this.trace;
  }

  stopTrace(): void {
    this.trace = undefined;
  }

  /**
   * Runs one access and answers its errno or 0; `ended` is called when that is 0. Changes that waited for the outermost access follow it, in order; the first errno
   * of these comes before the access's own.
   */
  access(serve: () => number, ended?: () => void): number {
    if (this.depth === MAX_DEPTH) return ELOOP;
    this.depth++;
    const errno = serve();
    this.depth--;
    if (errno === 0) ended?.();
    return this.depth > 0 || this.settling ? errno : this.settle() || errno;
  }

  /** S-deferred: one queue, also for what the hooks of a removal's drain ask for. */
  private settle(): number {
    this.settling = true;
    let first = 0;
    for (let change = this.waiting.shift(); change !== undefined; change = this.waiting.shift()) {
      const errno = change();
      first ||= errno;
    }
    this.settling = false;
    return first;
  }

  /** S-deferred: a change from inside a hook waits, any other happens at once. It answers an errno or 0. */
  change(apply: () => number): Result<void> {
    if (this.depth > 0) {
      this.waiting.push(apply);
      return ok();
    }
    const errno = apply();
    return errno === 0 ? ok() : fail(errno);
  }

  /** S-alias: whether a window goes when `window` does. */
  goesWith(other: ReferenceWindow, window: ReferenceWindow): boolean {
    return other === window || (other.target !== undefined && this.goesWith(other.target, window));
  }

  /** S-unmap, S-region-gone: `condemn` says that what is removed cannot be named from the call on; W-unmap may take that back. */
  remove(goes: (window: ReferenceWindow) => boolean, condemn: (condemned: boolean) => void, removed?: () => void): Result<void> {
    condemn(true);
    return this.change(() => {
      const errno = this.combiner.drainGoing(goes);
      if (errno !== 0) {
        condemn(false);
        return errno;
      }
      for (const window of this.all.filter(goes)) window.space.takeOut(window);
      this.all = this.all.filter((window) => !goes(window));
      removed?.();
      return 0;
    });
  }
}

// What regions and spaces share: how deep accesses nest (A-nested), changes that wait (S-deferred), the trace (A-trace).

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
  /** Every window that can be named in a call: also one whose mapping still waits, but none whose removal does. */
  windows: readonly ReferenceWindow[] = [];
  private waiting: (() => void)[] = [];
  private spaces = 0;

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

  /** Runs one access and answers its errno or 0. Changes that waited for the outermost access follow it, in order. */
  access(serve: () => number): number {
    if (this.depth === MAX_DEPTH) return ELOOP;
    this.depth++;
    const errno = serve();
    this.depth--;
    if (this.depth === 0) {
      const changes = this.waiting;
      this.waiting = [];
      for (const change of changes) change();
    }
    return errno;
  }

  /** S-deferred: a change from inside a hook waits, any other happens at once. */
  change(apply: () => void): void {
    if (this.depth > 0) this.waiting.push(apply);
    else apply();
  }

  /** S-alias: the window, its aliases, and theirs. */
  family(window: ReferenceWindow): ReferenceWindow[] {
    const aliases = this.windows.filter((other) => other.target === window);
    return [window, ...aliases.flatMap((alias) => this.family(alias))];
  }

  /** From the call on, the windows and their aliases cannot be named any more; they leave their spaces as S-deferred says. */
  remove(windows: readonly ReferenceWindow[]): void {
    const removed = windows.flatMap((window) => this.family(window));
    this.windows = this.windows.filter((window) => !removed.includes(window));
    this.change(() => {
      for (const window of removed) window.space.takeOut(window);
    });
  }
}

// What the tests of the W rules share: one combining window onto a device that writes down what it sees.

import { createEngine, type Region, type Space, type Window } from '../../../src/core/index.ts';

/** Where the window lies. */
export const BASE = 0x1000;
/** Bytes of a line. */
export const LINE = 64;

export interface Bench {
  readonly engine: ReturnType<typeof createEngine>;
  readonly space: Space;
  readonly device: Region;
  readonly window: Window;
  /** `position:width=value` of each cycle, in order. */
  readonly cycles: string[];
  /** What was seen since the last call. */
  seen(): string[];
  /** Stores a byte in line `n`, whose value is `n`. */
  touch(...lines: number[]): void;
}

/** A hook region that writes down its cycles and counts its transactions, behind a combining window at BASE; `hook` runs in each write. */
export function bench(hook: (position: number) => void = () => undefined, options: { reentrant?: boolean; maxWidth?: 1 | 2 | 4 | 8 } = {}): Bench {
  const engine = createEngine();
  const space = engine.space();
  const cycles: string[] = [];
  const device = engine.region({
    kind: 'hook',
    size: 0x1000,
    ...options,
    read: (position, width) => {
      cycles.push(`read ${Number(position).toString(16)}:${width}`);
      return 0;
    },
    write: (position, width, value) => {
      cycles.push(`${Number(position).toString(16)}:${width}=${value.toString(16)}`);
      hook(Number(position));
    },
  });
  const window = space.map(BASE, device, { memoryType: 'write-combining' });
  device.countTransactions();
  const touch = (...lines: number[]): void => lines.forEach((line) => space.write8(BASE + line * LINE, line));
  return { engine, space, device, window, cycles, seen: () => cycles.splice(0), touch };
}

// The configuration fuzzer: the same number of guest writes to one function after another, until enough are done or one differs from the judge.

import { ConfigPair } from '../../pci/config-world/config-pair.ts';
import { drive } from '../../pci/config-world/drive.ts';
import { subjects } from '../../pci/config-world/subjects.ts';

export interface ConfigFuzzOptions {
  readonly build: 'scalar' | 'simd';
  readonly seed: number;
  /** In total, over all functions. */
  readonly writes: number;
  /** The folder of the recorded machines. */
  readonly traces: string;
  /** Functions that nobody built. */
  readonly madeUp: number;
  /** This function alone, by its name. */
  readonly only?: string;
}

export interface ConfigFuzzReport {
  readonly seed: number;
  readonly writes: number;
  readonly functions: readonly string[];
  /** Of all writes: those that changed what they wrote to, and those that moved a BAR. */
  readonly changed: number;
  readonly moved: number;
  readonly difference?: { readonly function: string; readonly message: string };
}

/** The functions that there are to write to, by name. */
export function functionNames({ traces, madeUp, seed }: Pick<ConfigFuzzOptions, 'traces' | 'madeUp' | 'seed'>): string[] {
  return subjects(traces, { count: madeUp, seed }).map(({ name }) => name);
}

/** Makes the writes from a seed on; `progress` hears of them now and then. */
export function fuzzConfig(options: ConfigFuzzOptions, progress: (done: number) => void = () => undefined): ConfigFuzzReport {
  const { build, seed, writes, traces, madeUp, only } = options;
  const all = subjects(traces, { count: madeUp, seed });
  const chosen = only === undefined ? all : all.filter(({ name }) => name === only);
  if (chosen.length === 0) throw new RangeError(`no function is called ${only ?? ''}; there are ${all.map(({ name }) => name).join(', ')}`);
  const [functions, each] = [chosen.map(({ name }) => name), Math.ceil(writes / chosen.length)];
  let [done, changed, moved] = [0, 0, 0];
  for (const { name, make } of chosen) {
    const now = Math.min(each, writes - done);
    try {
      const pair = new ConfigPair(make, build);
      drive(pair, seed, now, (here) => progress(done + here));
      pair.close();
      changed += pair.changes.bytes;
      moved += pair.changes.decoded;
    } catch (error) {
      return { seed, writes: done, functions, changed, moved, difference: { function: name, message: (error as Error).message } };
    }
    done += now;
    progress(done);
  }
  return { seed, writes: done, functions, changed, moved };
}

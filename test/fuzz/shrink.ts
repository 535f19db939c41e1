// The shortest list of steps that still fails in the same way, and how failures are told apart.

import { Broken } from './broken.ts';

/** A failure in words. */
export function reasonOf(error: unknown): string {
  if (error instanceof Broken) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}\n${error.stack ?? ''}` : String(error);
}

/** What kind of failure it is, so that a shorter list shows the same one. */
function kindOf(error: unknown): string {
  return reasonOf(error).split('\n')[0]!.replace(/0x[0-9a-f]+|\d+/g, '#');
}

/** Takes away what can be missed: halves first, then single steps. `failureOf` makes steps anew, and answers what was thrown. */
async function shrink<Step>(steps: readonly Step[], kind: string, failureOf: (steps: readonly Step[]) => Promise<unknown>): Promise<readonly Step[]> {
  let left = steps;
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < left.length; ) {
      const fewer = [...left.slice(0, at), ...left.slice(at + size)];
      const failed = await failureOf(fewer);
      if (failed !== undefined && kindOf(failed) === kind) left = fewer;
      else at += size;
    }
  }
  return left;
}

/** A failure as few steps show it: how many, what they say of themselves, and the reason. */
export interface Explained {
  readonly message: string;
  readonly steps: number;
  readonly history: readonly string[];
}

/** Explains `error`, which these steps came to; steps that say nothing alone hang on what was before them, and cannot be made fewer. */
export async function explain<Step>(steps: readonly Step[], error: unknown, failureOf: (steps: readonly Step[], trace?: (line: string) => void) => Promise<unknown>): Promise<Explained> {
  Error.stackTraceLimit = 10;
  const again = await failureOf(steps);
  const left = again === undefined ? steps : await shrink(steps, kindOf(again), failureOf);
  const history: string[] = [];
  const shown = await failureOf(left, (line) => history.push(line));
  return { message: reasonOf(shown ?? error), steps: left.length, history };
}

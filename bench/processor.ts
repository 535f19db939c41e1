// The one processor that programs are kept on which take turns, so that what is compared is not two processors of different speed, nor the wake-up of another one.

import { spawnSync } from 'node:child_process';
import os from 'node:os';

/** Its number: the last one, because interrupts of the machine tend to go to the first. */
export const PROCESSOR = String(os.availableParallelism() - 1);

/** What is missing for it, in words; undefined when nothing is. */
export function keepingImpossible(): string | undefined {
  if (process.platform !== 'linux') return `it needs Linux; this is ${process.platform}`;
  return spawnSync('taskset', ['--version']).error === undefined ? undefined : 'taskset is not installed (package util-linux)';
}

// The one processor that programs are kept on which take turns, so that what is compared is not two processors of different speed, nor the wake-up of another one.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The last one that this process may use, because interrupts of the machine tend to go to the first; undefined where that cannot be known. */
function lastAllowed(): string | undefined {
  try {
    // "Cpus_allowed_list:	0-3,7"
    return /^Cpus_allowed_list:.*?(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** Its number. */
export const PROCESSOR = lastAllowed() ?? '0';

/** What is missing for it, in words; undefined when nothing is. */
export function keepingImpossible(): string | undefined {
  if (process.platform !== 'linux') return `it needs Linux; this is ${process.platform}`;
  const { error, status } = spawnSync('taskset', ['-c', PROCESSOR, 'true']);
  if (error !== undefined) return 'taskset is not installed (package util-linux)';
  return status === 0 ? undefined : `taskset keeps nothing on processor ${PROCESSOR}: it ends with ${status}`;
}

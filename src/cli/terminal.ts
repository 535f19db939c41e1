// What commands print with: tables, numbers, progress, and where output goes.

import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';

/** Where a command writes, and whether a person is looking. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
  /** Whether progress is worth drawing on the error stream. */
  readonly interactive: boolean;
  /** How wide the error stream's terminal is. Default 80. */
  readonly columns?: number;
}

/** Columns without borders; those named in `right` are aligned to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], right: readonly string[]): string {
  const none = { top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' };
  const made = new Table({
    head: [...head],
    colAligns: head.map((name) => (right.includes(name) ? 'right' : 'left')),
    chars: none,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  made.push(...rows.map((row) => [...row]));
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** 128316 as 128,316. */
export function grouped(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

/** 16384 as 16K: the largest binary unit that leaves a whole number. */
export function bytes(size: bigint): string {
  const units = ['', 'K', 'M', 'G', 'T', 'P', 'E'];
  let unit = 0;
  let rest = size;
  while (unit < units.length - 1 && rest >= 1024n && rest % 1024n === 0n) {
    rest /= 1024n;
    unit++;
  }
  return `${rest.toString()}${units[unit]!}`;
}

/** How far something is: 0 to 1. */
export interface Progress {
  readonly at: (part: number) => void;
  readonly stop: () => void;
}

/** A bar that is drawn only where a person looks. */
export function progress(output: Output, label: string): Progress {
  if (!output.interactive) return { at: () => undefined, stop: () => undefined };
  const bar = new SingleBar({ format: `${label} {bar} {percentage}%`, hideCursor: true, clearOnComplete: true, etaBuffer: 1 });
  bar.start(100, 0);
  return { at: (part) => bar.update(Math.round(part * 100)), stop: () => bar.stop() };
}

// How a row went otherwise than it says: expected and found side by side.

import { hexOfBytes } from './hex-text.ts';

/** One thing that was not as expected. */
export interface Difference {
  /** `call`, `before 2`, `after 1`; or `end`. */
  readonly step: string;
  /** `result`, `out`, a block of memory. */
  readonly what: string;
  readonly expected: string;
  readonly found: string;
}

const BYTES_A_LINE = 16;

function lineOf(bytes: Uint8Array, at: number): string {
  return hexOfBytes(bytes.subarray(at, at + BYTES_A_LINE)).padEnd(36);
}

/** Bytes that are not the ones expected, in lines of 16: those that differ, `0010: expected | found`. Undefined when none do. */
export function bytesDiffer(expected: Uint8Array, found: Uint8Array): { readonly expected: string; readonly found: string } | undefined {
  const lines: { expected: string; found: string }[] = [];
  for (let at = 0; at < Math.max(expected.length, found.length); at += BYTES_A_LINE) {
    const [left, right] = [lineOf(expected, at), lineOf(found, at)];
    if (left === right) continue;
    const head = at.toString(16).padStart(4, '0');
    lines.push({ expected: `${head}: ${left.trimEnd()}`, found: `${head}: ${right.trimEnd()}` });
  }
  if (lines.length === 0) return undefined;
  return { expected: lines.map((line) => line.expected).join('\n'), found: lines.map((line) => line.found).join('\n') };
}

/** As lines of text, both sides beside each other. */
export function differenceText({ step, what, expected, found }: Difference): string {
  const [left, right] = [expected.split('\n'), found.split('\n')];
  const width = Math.max('expected'.length, ...left.map((line) => line.length));
  const rows = Array.from({ length: Math.max(left.length, right.length) }, (_, i) => `    ${(left[i] ?? '').padEnd(width)} | ${right[i] ?? ''}`.trimEnd());
  return [`  ${step}, ${what}`, `    ${'expected'.padEnd(width)} | found`, ...rows].join('\n');
}

// Asks functions of scripts/guest/ through probe.mjs: many calls in one process.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** What a call answered, or the error that it threw. Bytes are Buffers. */
export interface Answer {
  readonly value?: unknown;
  readonly error?: string;
}

/** Runs calls: a name and its arguments each. */
export function ask(...calls: readonly (readonly [name: string, ...args: readonly unknown[]])[]): Answer[] {
  const input = JSON.stringify(calls, function (this: Record<string, unknown>, key, value: unknown) {
    const raw = this[key];
    return raw instanceof Uint8Array ? { hex: Buffer.from(raw).toString('hex') } : value;
  });
  const output = execFileSync(process.execPath, [join(__dirname, 'probe.mjs')], { input, encoding: 'utf8', maxBuffer: 1 << 28 });
  return JSON.parse(output, (_, value: unknown) => (value !== null && typeof value === 'object' && 'hex' in value ? Buffer.from(String(value.hex), 'hex') : value)) as Answer[];
}

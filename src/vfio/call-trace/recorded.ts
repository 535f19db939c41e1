// Calls as JSON and back: what a trace keeps in a file. Bytes are hex text, numbers beyond 2^53 too.
//
//   { "call": "ioctl", "fd": 3, "request": 15212, "argument": { "before": "20000000...", "after": ... }, "result": 0 }

import type { SystemCall } from './call.ts';

/** A value of JSON. */
export type RecordedValue = string | number | boolean | null | readonly RecordedValue[] | { readonly [key: string]: RecordedValue };

const BYTES = new Set(['before', 'after']);
const NUMBERS = new Set(['address', 'length', 'offset', 'result', 'argument']);

function record(value: unknown): RecordedValue {
  if (value instanceof Uint8Array) return Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (typeof value === 'bigint') return value >= -BigInt(Number.MAX_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : `0x${value.toString(16)}`;
  if (Array.isArray(value)) return value.map(record);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined).map(([key, one]: [string, unknown]) => [key, record(one)]));
  return typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)) ? value : null;
}

/** A call as JSON has it: for `JSON.stringify`. {@link readRecordedCall} is the way back. */
export function recordCall(call: SystemCall): { readonly [key: string]: RecordedValue } {
  return record(call) as { readonly [key: string]: RecordedValue };
}

function read(value: unknown, key: string): unknown {
  if (typeof value === 'string' && BYTES.has(key) && /^(?:[0-9a-f]{2})*$/i.test(value)) {
    return Uint8Array.from({ length: value.length / 2 }, (_, i) => Number.parseInt(value.slice(2 * i, 2 * i + 2), 16));
  }
  if (typeof value === 'string' && NUMBERS.has(key) && /^0x[0-9a-f]{1,16}$/i.test(value)) return BigInt(value);
  if (Array.isArray(value)) return value.map((one: unknown) => read(one, key));
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([name, one]: [string, unknown]) => [name, read(one, name)]));
  return value;
}

/**
 * A call out of JSON, for {@link callLine}.
 *
 * @param value - What `JSON.parse` gave. Of what is no call the line says so.
 * @example
 * ```ts
 * const kept = JSON.stringify(recordCall(call));
 * callLine(readRecordedCall(JSON.parse(kept))) === callLine(call); // true
 * ```
 */
export function readRecordedCall(value: unknown): SystemCall {
  return read(value, '') as SystemCall;
}

// What an operation answers - a value or one errno - and the few numbers that every file here shares.

/** `errno` is negative, as the raw interface of the core answers it: -22 for EINVAL. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly errno: number };

export const EIO = -5;
export const EBADF = -9;
export const EBUSY = -16;
export const EEXIST = -17;
export const EINVAL = -22;
export const ENOSPC = -28;
export const EROFS = -30;
export const EDEADLK = -35;
export const ELOOP = -40;

export const U64_MAX = 2n ** 64n - 1n;

export function ok(): Result<void>;
export function ok<T>(value: T): Result<T>;
export function ok<T>(value?: T): Result<T | undefined> {
  return { ok: true, value };
}

export function fail(errno: number): { readonly ok: false; readonly errno: number } {
  return { ok: false, errno };
}

/** 0 when the operation went well, else its negative errno. */
export function errnoOf(result: Result<unknown>): number {
  return result.ok ? 0 : result.errno;
}

/** The answer of an operation that must not fail; throws if it did. */
export function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`expected an answer, got errno ${result.errno}`);
  return result.value;
}

export function isPowerOfTwo(n: bigint): boolean {
  return n > 0n && (n & (n - 1n)) === 0n;
}

/** The lowest multiple of `unit` that is not below `n`. */
export function roundUp(n: bigint, unit: bigint): bigint {
  return roundDown(n + unit - 1n, unit);
}

/** The highest multiple of `unit` that is not above `n`. */
export function roundDown(n: bigint, unit: bigint): bigint {
  return n - (n % unit);
}

export function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

export function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

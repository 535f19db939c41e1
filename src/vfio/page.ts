// Pages of the modelled machine.

/** Bytes of a page of the modelled machine (x86-64). */
export const PAGE_SIZE = 4096;

/** Bytes of whole pages. */
export function roundUpToPage(bytes: bigint): bigint {
  return (bytes + BigInt(PAGE_SIZE - 1)) & ~BigInt(PAGE_SIZE - 1);
}

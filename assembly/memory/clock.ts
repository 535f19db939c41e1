// The clock of versions: counts upwards at each snapshot, and, where memory is shared, at each publication.
//
// It lies in memory and not in a global because readers in other instances of a shared memory look at it.

const ticks = <u32>memory.data(8);

/** The version that is being written, at least 1. */
export function clock(): u64 {
  return load<u64>(ticks) + 1;
}

/** Ends the version: whatever carries its stamp is old from now on. */
export function tick(): void {
  if (ASC_FEATURE_THREADS) atomic.store<u64>(ticks, load<u64>(ticks) + 1);
  else store<u64>(ticks, load<u64>(ticks) + 1);
}

/** The clock as a reader beside the writer sees it. */
export function observedClock(): u64 {
  return atomic.load<u64>(ticks) + 1;
}

// The clock of versions: counts upwards at each snapshot, and, where memory is shared, at each publication.

const state = <u32>memory.data(8);

/** The version that is being written, at least 1. */
export function clock(): u64 {
  return load<u64>(state) + 1;
}

/** Ends the version: whatever carries its stamp is old from now on. */
export function tick(): void {
  store<u64>(state, load<u64>(state) + 1);
}

// What ends a run: a rule that a step has broken.

/** A rule that a step has broken; the message says which. */
export class Broken extends Error {}

/** Throws Broken unless it holds. */
export function rule(holds: boolean, what: () => string): void {
  if (!holds) throw new Broken(what());
}

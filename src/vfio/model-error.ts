// Which exceptions came out of a device model, so that a raw call says EIO for them and EINVAL for its own bad arguments.

const thrownByModels = new WeakSet<object>();

/** Runs what a device model answers to; notes what it throws. @internal */
export function askModel<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    noteModelError(error);
    throw error;
  }
}

/** Notes what a device model has thrown, for those to whom a closure is too slow. @internal */
export function noteModelError(error: unknown): void {
  if (typeof error === 'object' && error !== null) thrownByModels.add(error);
}

/** Whether a model threw this. A primitive can come from nowhere else. @internal */
export function isModelError(error: unknown): boolean {
  return typeof error !== 'object' || error === null || thrownByModels.has(error);
}

/** Runs all steps of an end, which nobody can refuse; the first exception comes when they are over. @internal */
export function atEnd(steps: readonly (() => unknown)[]): void {
  const thrown: unknown[] = [];
  for (const step of steps) {
    try {
      step();
    } catch (error) {
      thrown.push(error);
    }
  }
  if (thrown.length > 0) throw thrown[0];
}

/** Undoes what was begun before a failure, all of it; the failure comes when that is over. @internal */
export function afterFailure(error: unknown, steps: readonly (() => unknown)[]): never {
  atEnd([
    () => {
      throw error;
    },
    ...steps,
  ]);
  throw error;
}

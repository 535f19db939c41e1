// Which exceptions came out of a device model, so that a raw call says EIO for them and EINVAL for its own bad arguments.

const thrownByModels = new WeakSet<object>();

/** Runs what a device model answers to; notes what it throws. @internal */
export function askModel<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (typeof error === 'object' && error !== null) thrownByModels.add(error);
    throw error;
  }
}

/** Whether a model threw this. A primitive can come from nowhere else. @internal */
export function isModelError(error: unknown): boolean {
  return typeof error !== 'object' || error === null || thrownByModels.has(error);
}

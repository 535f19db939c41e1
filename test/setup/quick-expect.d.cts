// Types of quick-expect.cjs for its test.

/** Whether `toEqual` holds beyond doubt. */
export function surelyEqual(a: unknown, b: unknown): boolean;

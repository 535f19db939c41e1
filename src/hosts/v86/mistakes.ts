// What a card, or a page's callback, threw where nobody can be told by an exception: in an access of the guest, in a timer, in a reset. The guest knows no exceptions: it reads all
// ones, or its write is lost, and goes on.

/** The mistakes of one card. */
export class Mistakes {
  count = 0;
  last: unknown;
  private readonly told: ((error: unknown) => void) | undefined;

  constructor(told: ((error: unknown) => void) | undefined) {
    this.told = told;
  }

  /** Another one. Never throws: what `told` throws is a mistake, too, which it is not told of. */
  readonly failed = (error: unknown): void => {
    this.count++;
    this.last = error;
    try {
      this.told?.(error);
    } catch (thrown) {
      this.count++;
      this.last = thrown;
    }
  };

  /** A callback that never throws: what it throws is a mistake. */
  guarded<Value>(callback: ((value: Value) => void) | undefined): ((value: Value) => void) | undefined {
    if (callback === undefined) return undefined;
    return (value) => {
      try {
        callback(value);
      } catch (error) {
        this.failed(error);
      }
    };
  }
}

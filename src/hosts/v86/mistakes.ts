// What a card threw while the guest accessed it. The guest knows no exceptions: it reads all ones, or its write is lost, and goes on.

/** The mistakes of one card. */
export class Mistakes {
  count = 0;
  last: unknown;
  private readonly told: ((error: unknown) => void) | undefined;

  constructor(told: ((error: unknown) => void) | undefined) {
    this.told = told;
  }

  /** Another one. */
  readonly failed = (error: unknown): void => {
    this.count++;
    this.last = error;
    this.told?.(error);
  };
}

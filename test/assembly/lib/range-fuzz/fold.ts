// Two running checksums, of what the module under test answered and of what the reference answered.

export let answered: u64 = 0;
export let expected: u64 = 0;
/** The latest answers that differed in their last fold, for a message. */
export let lastAnswer: u64 = 0;
export let lastExpected: u64 = 0;

export function restart(): void {
  answered = 0;
  expected = 0;
  lastAnswer = 0;
  lastExpected = 0;
}

function mixed(sum: u64, x: u64): u64 {
  return rotl<u64>((sum ^ x) * 0x9e3779b97f4a7c15, 29);
}

/** One number of an operation's answer, as it is and as it should be. */
export function both(answer: u64, should: u64): void {
  answered = mixed(answered, answer);
  expected = mixed(expected, should);
  if (answer != should) {
    lastAnswer = answer;
    lastExpected = should;
  }
}

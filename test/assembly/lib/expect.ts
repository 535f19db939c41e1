// What a case expects. A failure aborts with the message, which names the values; the frames below it name the case.

export function equal(actual: u64, expected: u64, what: string = ''): void {
  if (actual != expected) abort(what + ': expected ' + expected.toString() + ', got ' + actual.toString());
}

export function truth(holds: bool, what: string): void {
  if (!holds) abort(what);
}

// The one error that the readers of this room raise for what a text holds.

const SHOWN = 80;

/** `text` in quotes, cut to 80 characters, control characters escaped. */
function shown(text: string): string {
  return text.length > SHOWN ? `${JSON.stringify(text.slice(0, SHOWN))}...` : JSON.stringify(text);
}

/**
 * A line that is not what its format says. The message names the format, the line, its text and what was expected:
 * `access-trace: line 7: expected size 1, 2, 4 or 8 in field 3, found "3" in "R M 3 fed00000 0 hpet"`.
 */
export class TraceFormatError extends Error {
  /** `access-trace`, `iomem`, `lspci-hex` or `lspci-verbose`. */
  readonly format: string;
  /** Line number, from 1. */
  readonly line: number;
  /** The whole line without its end, cut to 80 characters. */
  readonly text: string;
  /** What the format wanted there, and what was there instead. */
  readonly expected: string;

  constructor(format: string, line: number, text: string, expected: string) {
    super(`${format}: line ${line}: expected ${expected} in ${shown(text)}`);
    this.name = 'TraceFormatError';
    this.format = format;
    this.line = line;
    this.text = text.slice(0, SHOWN);
    this.expected = expected;
  }
}

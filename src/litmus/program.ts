// A litmus program: what one processor does with a write-combining and an uncached mapping, as data.
//
//   wc   line 0:  word 0 | word 1 | ... | word 7        64 bytes, eight words; stores wait in line buffers
//   uc   register 0, 1, 2, ...                          stores arrive at once

/** One step. A line's words are numbered 0 to 7. */
export type Step =
  | { readonly do: 'store'; readonly to: 'wc'; readonly line: number; readonly word: number; readonly value: number }
  | { readonly do: 'store'; readonly to: 'uc'; readonly register: number; readonly value: number }
  | { readonly do: 'read'; readonly from: 'wc'; readonly line: number; readonly word: number }
  | { readonly do: 'read'; readonly from: 'uc'; readonly register: number }
  | { readonly do: 'fence' };

/** Stores and reads through the write-combining mapping. Numbers are integers from 0 on. */
export interface CombiningMapping {
  /** Stores a value in one word (0 to 7, default 0) of a line; it waits. */
  store(line: number, value: number, word?: number): void;
  /** Reads a word; everything that waits arrives first (rule W-read). */
  read(line: number, word?: number): void;
}

/** Stores and reads through the uncached mapping. */
export interface UncachedMapping {
  store(register: number, value: number): void;
  read(register: number): void;
}

/** What a program is written with. */
export interface Writer {
  readonly wc: CombiningMapping;
  readonly uc: UncachedMapping;
  /** Everything that waits arrives before the next step (rule W-fence). */
  readonly fence: () => void;
}

const WORDS = 8;

function natural(what: string, value: number, max = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) throw new RangeError(`litmus: ${what} is ${String(value)}; expected an integer from 0 to ${max}`);
  return value;
}

/** Runs `write` and keeps what it says. */
export function steps(write: (writer: Writer) => void): readonly Step[] {
  const program: Step[] = [];
  write({
    wc: {
      store: (line, value, word = 0) => {
        program.push({ do: 'store', to: 'wc', line: natural('line', line), word: natural('word', word, WORDS - 1), value: natural('value', value) });
      },
      read: (line, word = 0) => {
        program.push({ do: 'read', from: 'wc', line: natural('line', line), word: natural('word', word, WORDS - 1) });
      },
    },
    uc: {
      store: (register, value) => {
        program.push({ do: 'store', to: 'uc', register: natural('register', register), value: natural('value', value) });
      },
      read: (register) => {
        program.push({ do: 'read', from: 'uc', register: natural('register', register) });
      },
    },
    fence: () => {
      program.push({ do: 'fence' });
    },
  });
  return program;
}

/** Neighbouring words of a line, as they arrive together. */
export function runText(line: number, first: number, values: readonly number[]): string {
  const last = first + values.length - 1;
  const words = last > first ? ` words ${first}-${last}` : first > 0 ? ` word ${first}` : '';
  return `wc line ${line}${words} <- ${values.join(', ')}`;
}

/** A step as the reports write it. */
export function stepText(step: Step): string {
  if (step.do === 'fence') return 'fence';
  if (step.do === 'store') return step.to === 'wc' ? runText(step.line, step.word, [step.value]) : `uc ${step.register} <- ${step.value}`;
  return step.from === 'wc' ? `wc line ${step.line}${step.word > 0 ? ` word ${step.word}` : ''} read` : `uc ${step.register} read`;
}

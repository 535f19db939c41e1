// Reads the source of a register map: the few words of JavaScript in which maps are written, and nothing else. No code is run, so a page that forbids `eval` can take it.
//
//   registerMap('name', { bytes, access }, { REGISTER: { at, fields: { FIELD: rw(7, 0) } } }, { irq: [...] })
//   throws('REGISTER', 'why')        a write of that register throws in the device: to see what becomes of it
//
// Values: numbers (12, 0x1f, 5n), texts, true, false, arrays, objects, and calls of what maplebar/registers has for fields. Comments as in JavaScript.

import * as registers from 'maplebar/registers';
import type { RegisterMap, RegisterSpecs } from 'maplebar/registers';

/** A source that could not be read, or a map that cannot be: with line and column where they are known. */
export class MapSourceError extends Error {
  readonly line: number | undefined;

  constructor(message: string, line?: number, column?: number) {
    super(line === undefined ? message : `line ${line}, column ${column}: ${message}`);
    this.name = 'MapSourceError';
    this.line = line;
  }
}

/** What a source says. */
export interface MapSource {
  readonly map: RegisterMap;
  /** By the path of a register, what its writes throw. */
  readonly throws: ReadonlyMap<string, string>;
}

const CONSTRUCTORS = [
  'clears', 'constant', 'copies', 'irq', 'lock', 'na', 'pulse', 'rc', 'reserved', 'ro', 'rs', 'rw', 'rw1', 'sets', 'tag',
  'w0c', 'w0s', 'w0t', 'w1', 'w1c', 'w1s', 'w1t', 'wclr', 'wo', 'wset',
] as const;
const MOST_CHARACTERS = 50_000;
const DEEPEST = 30;
const TOKEN = /\s+|\/\/[^\n]*|\/\*[^]*?\*\/|(0[xX][0-9a-fA-F_]+n?|\d[\d_]*n?)|('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")|([A-Za-z_$][\w$]*)|([{}[\]():,;-])/y;

interface Token {
  readonly kind: 'number' | 'text' | 'name' | 'mark' | 'end';
  readonly text: string;
  readonly at: number;
}

function tokens(source: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(source);
    if (match === null) throw refusal(source, at, `${JSON.stringify(source[at])} is no part of a register map`);
    const kind = (['number', 'text', 'name', 'mark'] as const).find((_, i) => match[i + 1] !== undefined);
    if (kind !== undefined) found.push({ kind, text: match[0], at });
  }
  return [...found, { kind: 'end', text: 'the end', at: source.length }];
}

function refusal(source: string, at: number, why: string): MapSourceError {
  const before = source.slice(0, at).split('\n');
  return new MapSourceError(why, before.length, before.at(-1)!.length + 1);
}

class Reader {
  private readonly source: string;
  private readonly list: readonly Token[];
  private next = 0;
  private depth = 0;

  constructor(source: string) {
    this.source = source;
    this.list = tokens(source);
  }

  private get token(): Token {
    return this.list[this.next]!;
  }

  refuse(why: string, at = this.token.at): never {
    throw refusal(this.source, at, why);
  }

  private take(kind: Token['kind'], what: string): Token {
    const { token } = this;
    if (token.kind !== kind) this.refuse(`found ${token.text}; expected ${what}`);
    this.next++;
    return token;
  }

  private is(mark: string): boolean {
    return this.token.kind === 'mark' && this.token.text === mark;
  }

  private skip(mark: string): boolean {
    const found = this.is(mark);
    if (found) this.next++;
    return found;
  }

  private mark(mark: string): void {
    if (!this.skip(mark)) this.refuse(`found ${this.token.text}; expected ${mark}`);
  }

  private listed(end: string, one: () => void): void {
    while (!this.skip(end)) {
      one();
      if (!this.is(end)) this.mark(',');
    }
  }

  private value(): unknown {
    if (++this.depth > DEEPEST) this.refuse(`more than ${DEEPEST} brackets inside each other`);
    try {
      return this.valueHere();
    } finally {
      this.depth--;
    }
  }

  private valueHere(): unknown {
    const { token } = this;
    if (this.skip('-')) {
      const number = this.number();
      return -number;
    }
    if (token.kind === 'number') return this.number();
    if (token.kind === 'text') return this.text();
    if (this.skip('[')) {
      const items: unknown[] = [];
      this.listed(']', () => items.push(this.value()));
      return items;
    }
    if (this.skip('{')) return this.object();
    if (token.kind === 'name') return this.named();
    return this.refuse(`found ${token.text}; expected a value`);
  }

  private number(): number | bigint {
    const { text } = this.take('number', 'a number');
    const plain = text.replaceAll('_', '');
    return plain.endsWith('n') ? BigInt(plain.slice(0, -1)) : Number(plain);
  }

  private text(): string {
    const { text } = this.take('text', 'a text in quotes');
    return text.slice(1, -1).replace(/\\(.)/g, '$1');
  }

  private object(): Record<string, unknown> {
    // Without a prototype: no key means anything but itself.
    const made = Object.create(null) as Record<string, unknown>;
    this.listed('}', () => {
      const { at, kind } = this.token;
      const key = kind === 'text' ? this.text() : this.take(kind === 'number' ? 'number' : 'name', 'a name').text;
      if (key === '__proto__') this.refuse('__proto__ is no name here', at);
      if (Object.hasOwn(made, key)) this.refuse(`${key} is there twice`, at);
      this.mark(':');
      made[key] = this.value();
    });
    return Object.assign({}, made);
  }

  private named(): unknown {
    const { text, at } = this.take('name', 'a name');
    if (text === 'true' || text === 'false') return text === 'true';
    if (!(CONSTRUCTORS as readonly string[]).includes(text)) this.refuse(`${text} is no word of register maps; there are ${CONSTRUCTORS.join(', ')}`, at);
    const given = this.given();
    const make = registers[text as (typeof CONSTRUCTORS)[number]] as (...given: unknown[]) => unknown;
    return this.made(at, () => make(...given));
  }

  private given(): unknown[] {
    const given: unknown[] = [];
    this.mark('(');
    this.listed(')', () => given.push(this.value()));
    return given;
  }

  /** What a function of the library makes; what it throws is told with its place. */
  private made<Result>(at: number, make: () => Result): Result {
    try {
      return make();
    } catch (error) {
      return this.refuse((error as Error).message, at);
    }
  }

  whole(): MapSource {
    let map: RegisterMap | undefined;
    const throws = new Map<string, string>();
    while (this.token.kind !== 'end') {
      const { at, text } = this.take('name', "registerMap('name', ...)");
      const given = this.given();
      this.skip(';');
      if (text === 'registerMap' && map === undefined) {
        map = this.made(at, () => registers.registerMap(given[0] as string, given[1] as never, given[2] as RegisterSpecs, given[3] as never));
      } else if (text === 'throws' && map !== undefined) {
        const [path, why] = given;
        const known = map;
        this.made(at, () => registers.registerNamed(known, String(path)));
        throws.set(String(path), String(why ?? 'because it was asked to'));
      } else this.refuse(text === 'registerMap' ? 'a second registerMap; expected one' : `found ${text}; expected registerMap, then throws`, at);
    }
    return { map: map ?? this.refuse("nothing here; expected registerMap('name', { bytes: 256 }, { ... })"), throws };
  }
}

/**
 * Reads a source.
 *
 * @throws MapSourceError for what is no register map: what was found, what was expected, and where.
 */
export function readMapSource(source: string): MapSource {
  if (source.length > MOST_CHARACTERS) throw new MapSourceError(`the source has ${source.length} characters; expected up to ${MOST_CHARACTERS}`);
  return new Reader(source).whole();
}

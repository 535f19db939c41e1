// What a decoder found, as a tree; and the tree as strace prints it, or as JSON.
//
//   '0x4000'                              0x4000
//   ['3', '-1']                           [3, -1]
//   { fields: [['size', '8']], more }     {size=8, ...}
//   { before, after }                     {...} => {...}

/** A value as a decoder shows it. */
export type Shown = string | readonly Shown[] | ShownStruct | ShownChange;

/** A struct: the fields that are shown, in order. */
export interface ShownStruct {
  /** What stands before the brace: a capability's name. */
  readonly name?: string;
  readonly fields: readonly (readonly [string, Shown])[];
  /** Whether the struct has more than is shown. */
  readonly more?: boolean;
}

/** Memory that a call reads and writes. */
export interface ShownChange {
  readonly before: Shown;
  readonly after: Shown;
}

/** A call, decoded. */
export interface DecodedCall {
  /** The system call's name on x86-64: `pread64`. */
  readonly name: string;
  readonly arguments: readonly Shown[];
  /** What stands behind the `=`. */
  readonly result: string;
}

const MORE = '...';

function isList(shown: Shown): shown is readonly Shown[] {
  return Array.isArray(shown);
}

/** The text of a value: always one line. */
export function shownText(shown: Shown): string {
  if (typeof shown === 'string') return shown;
  if (isList(shown)) return `[${shown.map(shownText).join(', ')}]`;
  if ('before' in shown) return `${shownText(shown.before)} => ${shownText(shown.after)}`;
  const parts = shown.fields.map(([name, value]) => `${name}=${shownText(value)}`);
  if (shown.more === true) parts.push(MORE);
  if (shown.name === undefined) return `{${parts.join(', ')}}`;
  return parts.length === 0 ? shown.name : `${shown.name} {${parts.join(', ')}}`;
}

/** What a value is in JSON. */
export type ShownJson = string | readonly ShownJson[] | { readonly [name: string]: ShownJson };

/** The value as JSON: structs are objects, a change is `{ before, after }`, everything else is text as it is printed. */
export function shownJson(shown: Shown): ShownJson {
  if (typeof shown === 'string') return shown;
  if (isList(shown)) return shown.map(shownJson);
  if ('before' in shown) return { before: shownJson(shown.before), after: shownJson(shown.after) };
  const fields = shown.fields.map(([name, value]) => [name, shownJson(value)] as const);
  return Object.fromEntries(shown.name === undefined ? fields : [['capability', shown.name] as const, ...fields]);
}

/** As many elements as a line has room for; `...` stands for the others. */
export function listOf<T>(items: readonly T[], show: (item: T) => Shown, most = 32): Shown[] {
  const list = items.slice(0, most).map(show);
  if (items.length > most) list.push(MORE);
  return list;
}

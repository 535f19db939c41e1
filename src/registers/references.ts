// Names of registers and fields, as a map's other parts use them: `FIELD` of the same register, `REGISTER.FIELD` of the same block or one around it.

import type { CheckedField } from './check-fields.ts';
import type { Placed } from './flatten.ts';
import type { BitsRef } from './model.ts';
import { maskOf } from './refusals.ts';

/** A register of the map while it is made. @internal */
export interface Draft extends Placed {
  readonly number: number;
  /** In the order of the map. */
  readonly checked: readonly CheckedField[];
}

/** What a name stands for: bits, and the field if it is one. @internal */
export interface Found extends BitsRef {
  readonly field: CheckedField | undefined;
}

/** Finds what names stand for. @internal */
export class Names {
  readonly #map: string;
  readonly #drafts: readonly Draft[];
  readonly #byPath = new Map<string, Found>();

  constructor(map: string, drafts: readonly Draft[]) {
    this.#map = map;
    this.#drafts = drafts;
    for (const draft of drafts) {
      this.#byPath.set(draft.path, { path: draft.path, register: draft.number, mask: maskOf(draft.bits - 1, 0), lsb: 0, field: undefined });
      for (const field of draft.checked) this.#byPath.set(field.path, { path: field.path, register: draft.number, mask: field.mask, lsb: field.lsb, field });
    }
  }

  /** What `name` means where `from` stands, or in the map as a whole. `who` begins the message when it means nothing. */
  find(who: string, name: string, from?: Draft): Found {
    const prefixes = from === undefined ? [''] : [`${from.path}.`, ...from.scopes];
    for (const prefix of prefixes) {
      const found = this.#byPath.get(prefix + name);
      if (found !== undefined) return found;
    }
    const tried = prefixes.map((prefix) => prefix + name).join(', ');
    throw new RangeError(`${this.#map}: ${who} names ${JSON.stringify(name)}, which is no register and no field (looked for ${tried})`);
  }

  /** The same for what must be a field. */
  field(who: string, name: string, from?: Draft): Found & { readonly field: CheckedField } {
    const found = this.find(who, name, from);
    const { field } = found;
    if (field === undefined) throw new RangeError(`${this.#map}: ${who} names ${found.path}, a register; expected a field of it`);
    return { ...found, field };
  }

  /** The same for a field that something else than software changes: no constant and nothing reserved. */
  target(who: string, name: string, from?: Draft): Found & { readonly field: CheckedField } {
    const found = this.field(who, name, from);
    const { field } = found;
    if (field.constant || field.reserved !== undefined) throw new TypeError(`${this.#map}: ${who} changes ${found.path}, which is ${field.constant ? 'constant' : `reserved '${field.reserved!}'`}`);
    if (this.#drafts[found.register]!.spec.port !== undefined) throw new TypeError(`${this.#map}: ${who} changes ${found.path}, a data port`);
    return found;
  }
}

/** The bits alone. @internal */
export function bitsOf({ path, register, mask, lsb }: BitsRef): BitsRef {
  return { path, register, mask, lsb };
}

/** How many bits a mask without holes has. @internal */
export function widthOf({ mask, lsb }: BitsRef): number {
  return (mask >> BigInt(lsb)).toString(2).length;
}

// From the tree of a description to the list of its registers: arrays and blocks unfolded, positions checked, numbers given in rising position.
//
//   QUEUE: { at: 0x100, count: 2, stride: 0x10, block: { HEAD: { at: 0 }, TAIL: { at: 4 } } }
//
//   0x100 QUEUE[0].HEAD | 0x104 QUEUE[0].TAIL | 0x110 QUEUE[1].HEAD | 0x114 QUEUE[1].TAIL

import { isBlock } from './description.ts';
import type { AccessBytes, BlockSpec, RegisterBits, RegisterSpec, RegisterSpecs } from './description.ts';
import { at, checkKeys, checkName, integer, oneOf } from './refusals.ts';

const REGISTER_KEYS = ['at', 'bits', 'fields', 'count', 'stride', 'tear', 'notify', 'port', 'unaligned', 'doc'];
const BLOCK_KEYS = ['at', 'block', 'count', 'stride', 'doc'];

const MAX_REGISTERS = 65534;
const MAX_END = 2 ** 20;

/** One register of the list: where it is, and what was said of it. @internal */
export interface Placed {
  readonly name: string;
  readonly path: string;
  readonly entry: string;
  readonly indices: readonly number[];
  readonly position: number;
  readonly bits: RegisterBits;
  readonly bytes: AccessBytes;
  readonly spec: RegisterSpec;
  /** Prefixes of paths under which names are looked for, the innermost block's first: `QUEUE[1].`, then the map itself. */
  readonly scopes: readonly string[];
}

/** Where the walk is. */
interface Place {
  readonly map: string;
  readonly path: string;
  readonly entry: string;
  readonly indices: readonly number[];
  readonly start: number;
  readonly scopes: readonly string[];
}

function elementsOf(where: string, spec: RegisterSpec | BlockSpec, extent: number): { count: number; stride: number; isArray: boolean } {
  const isArray = spec.count !== undefined;
  const count = isArray ? integer(`${where}: count`, spec.count, 1, MAX_REGISTERS) : 1;
  if (!isArray && spec.stride !== undefined) throw new TypeError(`${where} has a stride of ${spec.stride} and no count; expected both or neither`);
  if (isArray && isBlock(spec) && spec.stride === undefined) throw new TypeError(`${where} has a count of ${count} and no stride; expected the bytes from one block to the next`);
  const stride = spec.stride === undefined ? extent : integer(`${where}: stride`, spec.stride, 1, MAX_END);
  if (stride < extent) throw new RangeError(`${where}: its stride of ${stride} bytes is below the ${extent} bytes of ${isBlock(spec) ? 'its block' : 'its register'}: elements 0 and 1 overlap`);
  return { count, stride, isArray };
}

function registerBytes(where: string, spec: RegisterSpec): AccessBytes {
  const bits = oneOf<RegisterBits>(`${where}: bits`, spec.bits ?? 32, [8, 16, 32, 64]);
  return (bits / 8) as AccessBytes;
}

/** Bytes from a block's start to the end of its last register. */
function extentOf(where: string, specs: RegisterSpecs): number {
  let end = 0;
  for (const [name, spec] of Object.entries(specs)) {
    const inner = `${where}.${name}`;
    const own = isBlock(spec) ? extentOf(inner, spec.block) : registerBytes(inner, spec);
    const { count, stride } = elementsOf(inner, spec, own);
    end = Math.max(end, integer(`${inner}: at`, spec.at, 0, MAX_END) + (count - 1) * stride + own);
  }
  return end;
}

function place(list: Placed[], name: string, spec: RegisterSpec | BlockSpec, here: Place): void {
  const plain = `${here.path}${name}`;
  const where = `${here.map}: ${plain}`;
  checkName(here.map, name);
  checkKeys(where, spec, 'block' in spec ? BLOCK_KEYS : REGISTER_KEYS);
  const start = here.start + integer(`${where}: at`, spec.at, 0, MAX_END);
  const extent = isBlock(spec) ? extentOf(where, spec.block) : registerBytes(where, spec);
  if (isBlock(spec) && extent === 0) throw new TypeError(`${where}: its block has no register`);
  const { count, stride, isArray } = elementsOf(where, spec, extent);
  for (let i = 0; i < count; i++) {
    const path = isArray ? `${plain}[${i}]` : plain;
    const entry = `${here.entry}${name}${isArray ? '[]' : ''}`;
    const indices = isArray ? [...here.indices, i] : here.indices;
    const position = start + i * stride;
    if (list.length >= MAX_REGISTERS) throw new RangeError(`${where}: the map has more than ${MAX_REGISTERS} registers`);
    if (isBlock(spec)) {
      const inside = { map: here.map, path: `${path}.`, entry: `${entry}.`, indices, start: position, scopes: [`${path}.`, ...here.scopes] };
      for (const [inner, innerSpec] of Object.entries(spec.block)) place(list, inner, innerSpec, inside);
    } else {
      const bytes = registerBytes(where, spec);
      const unit = Math.min(bytes, 4);
      if (position % unit !== 0 && spec.unaligned !== true) throw new RangeError(`${here.map}: ${path} of ${bytes * 8} bits lies at ${at(position)}, no multiple of ${unit}; expected one, or unaligned: true`);
      list.push({ name, path, entry, indices, position, bits: (bytes * 8) as RegisterBits, bytes, spec, scopes: here.scopes });
    }
  }
}

/** Every register of a description, in rising position. RangeError for overlaps and for what lies outside of `bytes`. @internal */
export function flatten(map: string, bytes: number, specs: RegisterSpecs): Placed[] {
  const list: Placed[] = [];
  const top = { map, path: '', entry: '', indices: [], start: 0, scopes: [''] };
  for (const [name, spec] of Object.entries(specs)) place(list, name, spec, top);
  list.sort((a, b) => a.position - b.position);
  let before: Placed | undefined;
  for (const one of list) {
    const end = one.position + one.bytes;
    if (before !== undefined && before.position + before.bytes > one.position) {
      throw new RangeError(`${map}: ${one.path} at ${at(one.position)} overlaps ${before.path}, which has ${before.bytes} bytes from ${at(before.position)} on`);
    }
    if (end > bytes) throw new RangeError(`${map}: ${one.path} has ${one.bytes} bytes from ${at(one.position)} on, beyond the bank's ${bytes} bytes`);
    if (end > MAX_END) throw new RangeError(`${map}: ${one.path} ends at ${at(end)}, beyond ${at(MAX_END)}, the last place of a register`);
    before = one;
  }
  return list;
}

// Bytes as a table writes them: groups of hex, repeats, addresses of blocks, numbers of fds and objects, the count of a step that is made many times.
//
//   18000000 aa*16 &ranges+0x10 #eventfd          =data                 %ioas                                   ??            @times
//   4 bytes  16    8            4, of known fds   4, of an fd that is   4, of an object: learnt where it is     1: any byte,  4: 0, 1, 2, ...
//                                                 new: has this name    written first, known from then on       afterwards
//                                                 from now on

/** What stands for something that only the run knows. */
export interface Names {
  address(block: string): bigint;
  fd(name: string): number;
  id(name: string): number;
  /** How often the step was made before. */
  times(): number;
}

const GROUP = /^(?:(?<hex>(?:[0-9a-f]{2})+|\?\?)(?:\*(?<times>\d+))?|(?<sign>[#=%])(?<name>[\w.-]+)|&(?<block>[\w-]+)(?:\+(?<offset>0x[0-9a-f]+|\d+))?|(?<count>@times))$/;
const ANY = '??';

function little(value: bigint, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

/** One group of a text. */
interface Group {
  readonly hex: string;
  readonly times: number;
  /** `&`, `#`, `=`, `%`, `@`, or nothing: hex. */
  readonly sign: string;
  readonly name: string;
  /** Of `&`: bytes behind the block's first. */
  readonly offset: bigint;
}

function groups(text: string): Group[] {
  return text
    .split(/\s+/)
    .filter((one) => one !== '')
    .map((one) => {
      const found = GROUP.exec(one)?.groups;
      if (found === undefined) throw new SyntaxError(`${JSON.stringify(one)} is no hex, no ??, no hex*times, no &block, #fd, =fd, %id or @times`);
      const { hex = '', times = '1', sign = '', name = '', block, offset = '0', count } = found as Partial<Record<keyof Group | 'block' | 'count', string>>;
      return { hex, times: Number(times), sign: count !== undefined ? '@' : block !== undefined ? '&' : sign, name: block ?? name, offset: BigInt(offset) };
    });
}

function lengthOfGroup({ sign, hex, times }: Group): number {
  return sign === '&' ? 8 : sign !== '' ? 4 : (hex.length / 2) * times;
}

function bytesOfGroup({ hex, times, sign, name, offset }: Group, names: Names): number[] {
  if (sign === '&') return little(BigInt.asUintN(64, names.address(name) + offset), 8);
  if (sign === '@') return little(BigInt(names.times()), 4);
  if (sign === '%') return little(BigInt(names.id(name)), 4);
  if (sign !== '') return little(BigInt.asUintN(32, BigInt(names.fd(name))), 4);
  const once = Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
  return Array.from({ length: times }, () => once).flat();
}

/**
 * The bytes of a text. SyntaxError for what is none. A new fd is asked for like a known one: only its bytes tell.
 *
 * @param found - what `??` is taken from; without it, no byte may be any.
 */
export function bytesOfHex(text: string, names: Names, found?: Uint8Array): Uint8Array {
  const all: number[] = [];
  for (const group of groups(text)) {
    if (group.hex !== ANY) for (const byte of bytesOfGroup(group, names)) all.push(byte);
    else if (found === undefined) throw new SyntaxError('?? is no byte: it stands where bytes are looked at that a call has left');
    else for (let i = 0; i < group.times; i++) all.push(found[all.length] ?? 0);
  }
  return Uint8Array.from(all);
}

/** Where names of what a call makes stand in a text, `=` for fds and `%` for objects: the name and the bytes ahead of it. */
export function placesOf(text: string, wanted: '=' | '%'): { readonly name: string; readonly at: number }[] {
  const found: { name: string; at: number }[] = [];
  let at = 0;
  for (const group of groups(text)) {
    if (group.sign === wanted) found.push({ name: group.name, at });
    at += lengthOfGroup(group);
  }
  return found;
}

/** A text of one byte a character, and its NUL. */
export function hexOfText(text: string): string {
  return hexOfBytes(Uint8Array.from({ length: text.length + 1 }, (_, i) => (i < text.length ? text.charCodeAt(i) : 0)));
}

/** `18000000 aaaaaaaa`: groups of 4 bytes. */
export function hexOfBytes(bytes: Uint8Array): string {
  const all = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
  return Array.from({ length: Math.ceil(all.length / 4) }, (_, i) => all.slice(4 * i, 4 * i + 4).join('')).join(' ');
}

const nothing = (what: string) => (): never => {
  throw new SyntaxError(`a device ${what}`);
};
const NO_NAMES: Names = { address: nothing('has no addresses'), fd: nothing('has no fds'), id: nothing('has no ids'), times: nothing('is made once') };

/** The bytes of a device's data: hex and repeats alone. */
export function dataBytes(text: string): Uint8Array {
  return bytesOfHex(text, NO_NAMES);
}

// Bytes as a table writes them: groups of hex, repeats, addresses of blocks, numbers of fds, the count of a step that is made many times.
//
//   18000000 aa*16 &ranges #eventfd          =data                                                 @times
//   4 bytes  16    8       4, of known fds   4, of an fd that is new: it has this name from now on  4: 0, 1, 2, ...

/** What stands for something that only the run knows. */
export interface Names {
  address(block: string): bigint;
  fd(name: string): number;
  /** How often the step was made before. */
  times(): number;
}

const GROUP = /^(?:(?<hex>(?:[0-9a-f]{2})+)(?:\*(?<times>\d+))?|(?<sign>[&#=])(?<name>[\w-]+)|(?<count>@times))$/;

function little(value: bigint, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

/** One group of a text. */
interface Group {
  readonly hex: string;
  readonly times: number;
  readonly sign: string;
  readonly name: string;
}

function groups(text: string): Group[] {
  return text
    .split(/\s+/)
    .filter((one) => one !== '')
    .map((one) => {
      const found = GROUP.exec(one)?.groups;
      if (found === undefined) throw new SyntaxError(`${JSON.stringify(one)} is no hex, no hex*times, no &block, #fd, =fd or @times`);
      const { hex = '', times = '1', sign = '', name = '', count } = found as Partial<Record<keyof Group | 'count', string>>;
      return { hex, times: Number(times), sign: count === undefined ? sign : '@', name };
    });
}

/** The bytes of a text. SyntaxError for what is none. A new fd is asked for like a known one: only its bytes tell. */
export function bytesOfHex(text: string, names: Names): Uint8Array {
  const all = groups(text).flatMap(({ hex, times, sign, name }) => {
    if (sign === '&') return little(names.address(name), 8);
    if (sign === '@') return little(BigInt(names.times()), 4);
    if (sign !== '') return little(BigInt.asUintN(32, BigInt(names.fd(name))), 4);
    const once = Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
    return Array.from({ length: times }, () => once).flat();
  });
  return Uint8Array.from(all);
}

/** Where new fds stand in a text: the name and the bytes ahead of it. */
export function newFds(text: string): { readonly name: string; readonly at: number }[] {
  const found: { name: string; at: number }[] = [];
  let at = 0;
  for (const { hex, times, sign, name } of groups(text)) {
    if (sign === '=') found.push({ name, at });
    at += sign === '&' ? 8 : sign !== '' ? 4 : (hex.length / 2) * times;
  }
  return found;
}

/** `18000000 aaaaaaaa`: groups of 4 bytes. */
export function hexOfBytes(bytes: Uint8Array): string {
  const all = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
  return Array.from({ length: Math.ceil(all.length / 4) }, (_, i) => all.slice(4 * i, 4 * i + 4).join('')).join(' ');
}

const NO_NAMES = {
  address: (): bigint => {
    throw new SyntaxError('a device has no addresses');
  },
  fd: (): number => {
    throw new SyntaxError('a device has no fds');
  },
  times: (): number => {
    throw new SyntaxError('a device is made once');
  },
};

/** The bytes of a device's data: hex and repeats alone. */
export function dataBytes(text: string): Uint8Array {
  return bytesOfHex(text, NO_NAMES);
}

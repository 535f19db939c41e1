// Numbers, bytes and names as strace prints them. Whatever is handed in, the answer is text in one line.

/** 0x4000; zero is 0; what is no integer is itself, as text. */
export function hex(value: unknown): string {
  const number = integerOf(value);
  if (number === undefined) return unreadable(value);
  if (number === 0n) return '0';
  return number < 0n ? `-0x${(-number).toString(16)}` : `0x${number.toString(16)}`;
}

/** 16384; what is no integer is itself, as text. */
export function decimal(value: unknown): string {
  return integerOf(value)?.toString() ?? unreadable(value);
}

/** A pointer: its address, or NULL. */
export function pointer(value: unknown): string {
  if (value === undefined || value === null || integerOf(value) === 0n) return 'NULL';
  return hex(value);
}

/** An integer as bigint; undefined for what is none. */
export function integerOf(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined;
}

/** A bit mask of at most 32 bits; undefined for what is none. */
export function maskOf(value: unknown): number | undefined {
  const number = integerOf(value);
  return number !== undefined && number >= 0n && number <= 0xffff_ffffn ? Number(number) : undefined;
}

// What was passed where a number belongs. Its text may be long or of many lines.
function unreadable(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null) return String(value);
  return typeof value === 'string' ? quoted(value) : typeof value;
}

const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', '\\': '\\\\' };

/** Text in quotes, at most `most` characters of it. */
export function quoted(text: string, most = 4096): string {
  const shown = text.slice(0, most).replace(/[^\x20-\x7e]|["\\]/gu, (one) => escapes[one] ?? `\\x${one.codePointAt(0)!.toString(16).padStart(2, '0')}`);
  return `"${shown}"${text.length > most ? '...' : ''}`;
}

/** Bytes in quotes, as `strace -x`: text where all of it is, else every byte as \xNN; `...` when there are more than `most`. */
export function quotedBytes(bytes: Uint8Array, most = 32, length = bytes.length): string {
  const shown = bytes.subarray(0, most);
  const rest = length > shown.length ? '...' : '';
  if (shown.every((byte) => byte >= 0x20 && byte < 0x7f)) return `${quoted(String.fromCharCode(...shown))}${rest}`;
  return `"${Array.from(shown, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"${rest}`;
}

/** Words for a comment: one line, and nothing in it that ends the comment. */
export function remark(text: string): string {
  return text.replace(/\s+/gu, ' ').replaceAll('*/', '* /');
}

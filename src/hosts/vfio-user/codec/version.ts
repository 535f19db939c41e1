// VERSION: what client and server tell each other first, and what they agree on.
//
//   0       2       4
//   | major | minor | {"capabilities":{"max_msg_fds":16,"write_multiple":true}} NUL     the text may be missing
//
//   client proposes --> server answers with a subset of the same capabilities, and in no more bytes: clients have no room for more
//
// Source: QEMU docs/interop/vfio-user.rst; that an answer must not be longer than the request is how QEMU 11.1 receives it

import { VfioError } from '../../../uapi/index.ts';
import { DEFAULT_MAX_DATA_XFER_SIZE, DEFAULT_MAX_DMA_MAPS } from './commands.ts';

/** What the JSON text can say. What is missing has its default. */
export interface Capabilities {
  /** Fds that its sender can receive with one message, 0 to 1024. Default 1. */
  readonly max_msg_fds?: number;
  /** Bytes of data that one message carries at most. Default 1 MiB. */
  readonly max_data_xfer_size?: number;
  /** Mappings at a time. Default 65535. */
  readonly max_dma_maps?: number;
  /** Sizes of pages that mappings are made of, as a set of bits from 4096 on. Default 4096. */
  readonly pgsizes?: number;
  readonly migration?: { readonly pgsize?: number; readonly max_bitmap_size?: number };
  /** REGION_WRITE_MULTI is understood. Default false. */
  readonly write_multiple?: boolean;
  /** DMA_READ and DMA_WRITE have a socket of their own. */
  readonly twin_socket?: { readonly supported?: boolean; readonly fd_index?: number };
}

/** What a VERSION message says. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  /** Undefined when there was no text at all. */
  readonly capabilities: Capabilities | undefined;
}

const PAGE = 4096;
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function refuse(what: string): never {
  throw new VfioError('EINVAL', 'vfio-user VERSION', what);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}

function record(path: string, value: unknown): Record<string, unknown> {
  if (!isRecord(value)) refuse(`${path} is ${shown(value)}; expected an object`);
  return value;
}

function checkNumber(path: string, value: unknown, low: number, high: number): void {
  if (value !== undefined && (typeof value !== 'number' || !Number.isSafeInteger(value) || value < low || value > high)) refuse(`${path} is ${shown(value)}; expected a whole number from ${low} to ${high}`);
}

function checkBoolean(path: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') refuse(`${path} is ${shown(value)}; expected true or false`);
}

function checkPages(path: string, value: unknown, isOne: boolean): void {
  checkNumber(path, value, PAGE, Number.MAX_SAFE_INTEGER);
  if (value === undefined) return;
  const bits = BigInt(value as number);
  if (bits % BigInt(PAGE) !== 0n || (isOne && (bits & (bits - 1n)) !== 0n)) refuse(`${path} is ${shown(value)}; expected ${isOne ? 'a power of two' : 'powers of two'} from ${PAGE} on`);
}

/** Refuses capabilities with values that cannot be. What it does not know is let pass. VfioError EINVAL. */
function checkCapabilities(given: Record<string, unknown>): asserts given is Record<string, unknown> & Capabilities {
  const at = (name: string): string => `capabilities.${name}`;
  checkNumber(at('max_msg_fds'), given.max_msg_fds, 0, 1024);
  checkNumber(at('max_data_xfer_size'), given.max_data_xfer_size, 1, Number.MAX_SAFE_INTEGER);
  checkNumber(at('max_dma_maps'), given.max_dma_maps, 0, Number.MAX_SAFE_INTEGER);
  checkPages(at('pgsizes'), given.pgsizes, false);
  checkBoolean(at('write_multiple'), given.write_multiple);
  if (given.migration !== undefined) {
    const { pgsize, max_bitmap_size } = record(at('migration'), given.migration);
    checkPages(at('migration.pgsize'), pgsize, true);
    checkNumber(at('migration.max_bitmap_size'), max_bitmap_size, 0, Number.MAX_SAFE_INTEGER);
  }
  if (given.twin_socket !== undefined) {
    const { supported, fd_index } = record(at('twin_socket'), given.twin_socket);
    checkBoolean(at('twin_socket.supported'), supported);
    checkNumber(at('twin_socket.fd_index'), fd_index, 0, 1024);
  }
}

function parse(data: Uint8Array): unknown {
  if (data[data.length - 1] !== 0) refuse(`the text of ${data.length} bytes has no NUL at its end`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data.subarray(0, -1)));
  } catch (error) {
    refuse(`the text is no JSON: ${(error as Error).message}`);
  }
}

/**
 * Reads what follows major and minor.
 *
 * @param data - The text with its NUL; none at all is fine.
 * @returns undefined for no text; no capabilities for a text that tells none.
 * @throws VfioError EINVAL for what is no JSON object, or has a capability that cannot be.
 * @example
 * ```ts
 * decodeCapabilities(new TextEncoder().encode('{"capabilities":{"max_msg_fds":16}}\0')); // { max_msg_fds: 16 }
 * ```
 */
export function decodeCapabilities(data: Uint8Array): Capabilities | undefined {
  if (data.length === 0) return undefined;
  const { capabilities = {} } = record('the text', parse(data));
  const given = record('capabilities', capabilities);
  checkCapabilities(given);
  return given;
}

/** The text with its NUL. */
export function encodeCapabilities(capabilities: Capabilities): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ capabilities })}\0`);
}

/**
 * Which capabilities a server answers with: those of its own that were proposed, as many as fit, the first ones first.
 *
 * @param own - In the order of their worth.
 * @param room - Bytes that the text may have: those of the client's own.
 * @returns the text; no bytes when the client sent none, or left no room.
 */
export function answeredCapabilities(proposed: Capabilities | undefined, own: Capabilities, room: number): Uint8Array {
  if (proposed === undefined) return new Uint8Array(0);
  const shared = Object.entries(own).filter(([name]) => name in proposed);
  for (let count = shared.length; count >= 0; count--) {
    const text = encodeCapabilities(Object.fromEntries(shared.slice(0, count)));
    if (text.length <= room) return text;
  }
  const empty = new TextEncoder().encode('{}\0');
  return empty.length <= room ? empty : new Uint8Array(0);
}

/** Capabilities with every default in its place. */
export function withDefaults(capabilities: Capabilities | undefined): Required<Pick<Capabilities, 'max_msg_fds' | 'max_data_xfer_size' | 'max_dma_maps' | 'pgsizes' | 'write_multiple'>> & Capabilities {
  return { max_msg_fds: 1, max_data_xfer_size: DEFAULT_MAX_DATA_XFER_SIZE, max_dma_maps: DEFAULT_MAX_DMA_MAPS, pgsizes: PAGE, write_multiple: false, ...capabilities };
}

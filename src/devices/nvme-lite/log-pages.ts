// Log pages: what the controller remembers of itself.
//
//   01 errors, the newest first     02 health     03 firmware     04 namespaces that changed: none ever     05 commands and their effects
//
// Source: NVM Express 1.4, 5.14.1

import { ADMIN, IO } from './opcodes.ts';
import type { NvmeIdentity } from './identify.ts';
import { ERROR_LOG_ENTRIES, TEMPERATURE } from './identify.ts';
import { fail } from './status.ts';

/** Log identifiers. */
export const LOG = { ERRORS: 0x01, HEALTH: 0x02, FIRMWARE: 0x03, CHANGED_NAMESPACES: 0x04, EFFECTS: 0x05 } as const;

/** An error that concerns no command, or tells more than its status. */
export interface LoggedError {
  /** 0xffff: of no queue. */
  readonly queue: number;
  readonly command: number;
  readonly status: number;
  readonly block: bigint;
  readonly namespace: number;
}

const ENTRY_BYTES = 64;
const UNITS_512 = 1000;

/** An error with its place among all of them. */
export type CountedError = LoggedError & { readonly number: bigint };

/** What {@link Health} knows. */
export interface HealthState {
  readonly reads: { readonly commands: bigint; readonly bytes: bigint };
  readonly writes: { readonly commands: bigint; readonly bytes: bigint };
  readonly errorCount: bigint;
  /** The newest first. */
  readonly errors: readonly CountedError[];
}

/** What happened since the function was reset last. */
export class Health {
  readonly reads = { commands: 0n, bytes: 0n };
  readonly writes = { commands: 0n, bytes: 0n };
  private errorCount = 0n;
  private errors: CountedError[] = [];

  /** Remembers an error. */
  log(error: LoggedError): void {
    this.errors.unshift({ ...error, number: ++this.errorCount });
    if (this.errors.length > ERROR_LOG_ENTRIES) this.errors.pop();
  }

  /** What is to be migrated. */
  save(): HealthState {
    return { reads: { ...this.reads }, writes: { ...this.writes }, errorCount: this.errorCount, errors: [...this.errors] };
  }

  /** Becomes what was saved. */
  load({ reads, writes, errorCount, errors }: HealthState): void {
    Object.assign(this.reads, reads);
    Object.assign(this.writes, writes);
    this.errorCount = errorCount;
    this.errors = [...errors];
  }

  /** Log page 01. */
  errorPage(): Uint8Array {
    const bytes = new Uint8Array(ENTRY_BYTES * ERROR_LOG_ENTRIES);
    const data = new DataView(bytes.buffer);
    this.errors.forEach(({ number, queue, command, status, block, namespace }, i) => {
      const at = ENTRY_BYTES * i;
      data.setBigUint64(at, number, true);
      data.setUint16(at + 8, queue, true);
      data.setUint16(at + 10, command, true);
      data.setUint16(at + 12, (status << 1) & 0xffff, true);
      data.setUint16(at + 14, 0xffff, true);
      data.setBigUint64(at + 16, block, true);
      data.setUint32(at + 24, namespace, true);
    });
    return bytes;
  }

  /** Log page 02. `poweredNs`: how long there has been power. */
  healthPage(poweredNs: bigint): Uint8Array {
    const bytes = new Uint8Array(512);
    const data = new DataView(bytes.buffer);
    data.setUint16(1, TEMPERATURE.now, true);
    // Spare and its threshold in percent.
    data.setUint8(3, 100);
    data.setUint8(4, 10);
    const thousands = (count: bigint): bigint => (count / 512n + BigInt(UNITS_512 - 1)) / BigInt(UNITS_512);
    data.setBigUint64(32, thousands(this.reads.bytes), true);
    data.setBigUint64(48, thousands(this.writes.bytes), true);
    data.setBigUint64(64, this.reads.commands, true);
    data.setBigUint64(80, this.writes.commands, true);
    data.setBigUint64(112, 1n, true);
    data.setBigUint64(128, poweredNs / 3_600_000_000_000n, true);
    data.setBigUint64(176, this.errorCount, true);
    return bytes;
  }
}

/** Log page 03: one slot, in use. */
export function firmwarePage({ firmware }: NvmeIdentity): Uint8Array {
  const bytes = new Uint8Array(512);
  bytes[0] = 1;
  bytes.set(new TextEncoder().encode(firmware.padEnd(8)).subarray(0, 8), 8);
  return bytes;
}

const SUPPORTED = 1 << 0;
const CHANGES_BLOCKS = 1 << 1;

/** Log page 05: which commands there are, and which change blocks. */
export function effectsPage(deallocates: boolean): Uint8Array {
  const bytes = new Uint8Array(4096);
  const data = new DataView(bytes.buffer);
  for (const opcode of Object.values(ADMIN)) data.setUint32(4 * opcode, SUPPORTED, true);
  const changing: readonly number[] = [IO.WRITE, IO.WRITE_ZEROES, IO.DATASET_MANAGEMENT];
  for (const opcode of Object.values(IO)) {
    if (opcode === IO.DATASET_MANAGEMENT && !deallocates) continue;
    data.setUint32(1024 + 4 * opcode, SUPPORTED | (changing.includes(opcode) ? CHANGES_BLOCKS : 0), true);
  }
  return bytes;
}

/** `bytes` bytes of a page from `offset` on; zeroes behind its end. CommandFailed for an offset behind it. */
export function partOf(page: Uint8Array, offset: bigint, bytes: number): Uint8Array {
  if (offset > BigInt(page.length)) fail('INVALID_FIELD', `log offset ${offset}; the page has ${page.length} bytes`);
  const part = new Uint8Array(bytes);
  part.set(page.subarray(Number(offset), Number(offset) + bytes));
  return part;
}

// A command as it lies in a submission queue: 64 bytes.
//
//   00  opcode u8 | flags u8: fused 1..0, SGL 7..6 | command identifier u16      18  PRP 1      28 .. 3c  dwords 10 to 15
//   04  namespace                                                                20  PRP 2
//
// Source: NVM Express 1.4, 4.2

import { fail } from './status.ts';

/** Bytes of a submission queue entry. */
export const COMMAND_BYTES = 64;

/** A decoded command. */
export interface Command {
  readonly opcode: number;
  /** Bits 1..0 fused, bits 7..6 what the data pointer is. */
  readonly flags: number;
  readonly id: number;
  readonly namespace: number;
  readonly prp1: bigint;
  readonly prp2: bigint;
  readonly dw10: number;
  readonly dw11: number;
  readonly dw12: number;
  readonly dw13: number;
  readonly dw14: number;
  readonly dw15: number;
}

/** What a command answers when it succeeds: the first dword of its completion. */
export type Result = number;

/**
 * How a command ends: its result; undefined when that is still to come; or what is to be done in the same step as ending it, so that a controller that is saved has
 * either both behind it or neither.
 */
export type Ending = Result | undefined | (() => Result);

/** The command at the beginning of `bytes`. */
export function decodeCommand(bytes: Uint8Array): Command {
  const data = new DataView(bytes.buffer, bytes.byteOffset, COMMAND_BYTES);
  const dword = (n: number): number => data.getUint32(4 * n, true);
  return {
    opcode: data.getUint8(0),
    flags: data.getUint8(1),
    id: data.getUint16(2, true),
    namespace: dword(1),
    prp1: data.getBigUint64(24, true),
    prp2: data.getBigUint64(32, true),
    dw10: dword(10),
    dw11: dword(11),
    dw12: dword(12),
    dw13: dword(13),
    dw14: dword(14),
    dw15: dword(15),
  };
}

/** Refuses what no command of this controller may say: fused operations, scatter gather lists. */
export function checkFlags({ flags }: Command): void {
  if ((flags & 0x03) !== 0) fail('INVALID_FIELD', 'fused operations are not supported');
  if ((flags & 0xc0) !== 0) fail('INVALID_FIELD', 'scatter gather lists are not supported');
}

/** Bits 63..0 of two dwords. */
export function wide(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

// What hostile clients send: noise, commands with likely and unlikely numbers, and recorded sessions with changes.

import { COMMANDS, commandMessage, encodePayload } from '../../../src/hosts/vfio-user/index.ts';
import type { CommandName } from '../../../src/hosts/vfio-user/index.ts';
import type { Random } from '../random.ts';
import type { Piece } from './hostile-client.ts';

export const VERSION: Piece = { bytes: commandMessage(0, COMMANDS.VERSION, encodePayload('VERSION', 'request', { major: 0, minor: 0 })), fds: 0 };

/** Bytes that mean nothing, `length` of them; now and then a header's worth of them that do. */
export function noise(random: Random, length: number): Piece {
  const bytes = Uint8Array.from({ length }, () => random.next());
  // Else all would end at a size that nothing can have.
  if (length >= 16 && !random.once(8)) {
    const view = new DataView(bytes.buffer);
    view.setUint16(2, random.below(20), true);
    view.setUint32(4, random.once(6) ? random.below(40) : length, true);
    view.setUint32(8, random.once(4) ? random.below(64) : 0, true);
  }
  return { bytes, fds: random.once(5) ? random.below(4) : 0 };
}

const PAGE = 0x1000n;
const WORDS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 20, 24, 32, 64, 0xff, 0x100, 0xfff, 0x1000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const IRQ_FLAGS = [0x21, 0x22, 0x24, 0x09, 0x11, 0x0c, 0x14, 0x3f];
const FEATURES = [0x1_0001, 0x1_0002, 0x2_0002, 0x2_0006, 0x2_0007, 0x1_0008, 0x4_0001, 0x3_0002, 0x7_0006];

const number = (random: Random): number => (random.once(3) ? random.pick(WORDS) : random.below(0x200));
const place = (random: Random): bigint => (random.once(12) ? random.u64() : BigInt(random.below(12)) * PAGE + (random.once(6) ? BigInt(random.below(64)) : 0n));
const length = (random: Random): bigint => (random.once(12) ? random.u64() : BigInt(random.below(9)) * PAGE + (random.once(8) ? BigInt(random.below(64)) : 0n));
const some = (random: Random, most: number): Uint8Array => Uint8Array.from({ length: random.below(most) }, () => random.next());

/** A payload of a command, mostly one that makes sense. */
function payloadOf(random: Random, command: CommandName): Uint8Array {
  const argsz = random.once(8) ? number(random) : 64;
  const offset = BigInt(random.once(10) ? random.next() : random.below(0x120));
  const region = random.once(8) ? number(random) : random.pick([0, 0, 2, 7]);
  switch (command) {
    case 'DMA_MAP': return encodePayload(command, 'request', { argsz: 32, flags: random.once(10) ? number(random) : 3 & ~random.below(4) || 3, offset: place(random), addr: place(random), size: length(random) });
    case 'DMA_UNMAP': return encodePayload(command, 'request', random.once(6) ? { argsz, flags: 2, addr: 0n, size: 0n } : { argsz, flags: random.once(8) ? number(random) : 0, addr: place(random), size: length(random) });
    case 'DEVICE_SET_IRQS': return encodePayload(command, 'request', { argsz, flags: random.pick(IRQ_FLAGS), index: random.below(6), start: random.below(5), count: random.below(5), data: some(random, 5) });
    case 'REGION_READ': return encodePayload(command, 'request', { offset, region, count: random.once(8) ? number(random) : 1 << random.below(4) });
    case 'REGION_WRITE': {
      const data = Uint8Array.from({ length: 1 << random.below(4) }, (_, at) => (at < 2 ? random.next() & 0x0f : 0));
      return encodePayload(command, 'request', { offset, region, count: random.once(20) ? number(random) : data.length, data });
    }
    case 'DEVICE_FEATURE': return encodePayload(command, 'request', { argsz, flags: random.pick(FEATURES), data: Uint8Array.from(new Uint32Array(Array.from({ length: random.below(9) }, () => number(random)))) });
    case 'DEVICE_RESET': return new Uint8Array(0);
    default: {
      const words = Uint32Array.from({ length: 2 + random.below(10) }, () => number(random));
      return new Uint8Array(words.buffer);
    }
  }
}

/** All of them, and those that DMA takes more often: each alone does little. */
const NAMES: readonly CommandName[] = [...(Object.keys(COMMANDS) as CommandName[]), ...Array.from({ length: 6 }, () => ['DMA_MAP', 'REGION_WRITE', 'REGION_WRITE'] as const).flat(), 'DMA_UNMAP', 'DEVICE_SET_IRQS', 'DEVICE_SET_IRQS'];

/** A command, whole or not quite. */
export function command(random: Random): Piece {
  const name = random.pick(NAMES);
  const payload = payloadOf(random, name);
  const cut = random.once(20) ? payload.subarray(0, random.below(payload.length + 1)) : payload;
  const bytes = commandMessage(random.below(4), random.once(60) ? number(random) & 0xffff : COMMANDS[name], cut, random.once(5) ? 0x10 : 0);
  const wanted = name === 'DMA_MAP' ? random.below(5) & 1 : name === 'DEVICE_SET_IRQS' ? random.below(4) : 0;
  return { bytes, fds: random.once(12) ? random.below(3) : wanted };
}

/** Some messages of a recorded session from its beginning on, with one to five changes: a byte, a message left out, repeated or cut, fds. */
export function mutated(random: Random, session: readonly Piece[]): Piece[] {
  let pieces: Piece[] = session.slice(0, 2 + random.below(random.once(30) ? session.length : 60));
  for (let changes = 1 + random.below(5); changes > 0; changes--) {
    const at = random.below(pieces.length);
    const piece = pieces[at];
    if (piece === undefined || piece.bytes.length === 0) continue;
    const kind = random.below(8);
    if (kind === 0) pieces = pieces.filter((one) => one !== piece);
    else if (kind === 1) pieces = [...pieces.slice(0, at + 1), ...pieces.slice(Math.max(0, at - random.below(20)))];
    else if (kind === 2) pieces[at] = { ...piece, bytes: piece.bytes.subarray(0, random.below(piece.bytes.length)) };
    else if (kind === 3) pieces[at] = { ...piece, fds: random.below(4) };
    else {
      const bytes = piece.bytes.slice();
      // The first fields matter most.
      bytes[random.once(2) ? random.below(Math.min(bytes.length, 48)) : random.below(bytes.length)]! ^= 1 + random.below(255);
      pieces[at] = { ...piece, bytes };
    }
  }
  return pieces;
}

/** The same bytes in other pieces. */
export function recut(random: Random, pieces: readonly Piece[]): Piece[] {
  return pieces.flatMap(({ bytes, fds }) => {
    if (!random.once(10) || bytes.length < 2) return [{ bytes, fds }];
    const at = 1 + random.below(bytes.length - 1);
    return [{ bytes: bytes.subarray(0, at), fds }, { bytes: bytes.subarray(at), fds: 0 }];
  });
}

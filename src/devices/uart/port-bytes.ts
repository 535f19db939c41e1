// Ports as the migration data of Linux' sample mtty have them, little-endian: a header, then each port.
//
//   00 u64 magic   08 u32 major   0c u32 minor   10 u32 ports   14 u32 flags, 0
//   +0 u8[8] registers   +8 u8[16] received bytes, a ring   +24 u8 head, tail, count   +27 u8 DLAB, overrun   +30 u16 divisor   +32 u8 FCR, depth, trigger level
//
// Of the registers, the sample fills 1 IER, 3 LCR, 4 MCR and 7 SCR; here 5 and 6 hold the errors of LSR and the changes of MSR that have not been read.
//
// Source: Linux 6.14 samples/vfio-mdev/mtty.c (struct mtty_data, struct serial_port)

import { hex } from '../../core/index.ts';
import { VfioError } from '../../uapi/index.ts';
import type { UartState } from './options.ts';
import { FCR_TRIGGERS, FIFO_DEPTH } from './registers.ts';

/** The first eight bytes. */
export const MTTY_MAGIC = 0x7e9d_0989_8c3e_2c4en;
/** Bytes of the header. */
export const HEADER_BYTES = 24;
/** Bytes of each port. */
export const PORT_BYTES = 36;

const MAJOR = 1;
const MINOR = 0;

/** Throws what refuses migration data: VfioError EINVAL. */
export type Refuse = (why: string) => never;

/** What refuses data in the name of a call. */
export function refuseIn(call: string): Refuse {
  return (why) => {
    throw new VfioError('EINVAL', call, why);
  };
}

function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** Header and ports. */
export function encodePorts(states: readonly UartState[], flags = 0): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + PORT_BYTES * states.length);
  const view = viewOf(bytes);
  view.setBigUint64(0, MTTY_MAGIC, true);
  [MAJOR, MINOR, states.length, flags].forEach((word, i) => view.setUint32(8 + 4 * i, word, true));
  states.forEach((state, i) => writePort(view, HEADER_BYTES + PORT_BYTES * i, state));
  return bytes;
}

function writePort(view: DataView, at: number, state: UartState): void {
  const { ier, fcr, lcr, mcr, scr, divisor, lineErrors, modemDeltas, received } = state;
  const on = (fcr & 1) !== 0;
  const put = (offset: number, ...bytes: readonly number[]): void => bytes.forEach((byte, i) => view.setUint8(at + offset + i, byte));
  put(0, 0, ier, 0, lcr, mcr, lineErrors & ~0x02, modemDeltas, scr);
  put(8, ...received);
  put(24, received.length % FIFO_DEPTH, 0, received.length);
  put(27, lcr >> 7, (lineErrors >> 1) & 1);
  view.setUint16(at + 30, divisor, true);
  put(32, fcr, on ? FIFO_DEPTH : 1, on ? FCR_TRIGGERS[fcr >> 6]! : 1);
}

/** Looks at a header of `count` ports, of which `flags` may be set. Answers its flags. */
export function checkHeader(bytes: Uint8Array, count: number, flags: number, refuse: Refuse): number {
  const view = viewOf(bytes);
  const magic = view.getBigUint64(0, true);
  const [major, minor, nrPorts, found] = [8, 12, 16, 20].map((at) => view.getUint32(at, true)) as [number, number, number, number];
  if (magic !== MTTY_MAGIC) refuse(`its magic is ${hex(magic)}; expected ${hex(MTTY_MAGIC)}`);
  if (major !== MAJOR || minor !== MINOR) refuse(`its version is ${major}.${minor}; expected ${MAJOR}.${MINOR}`);
  if (nrPorts !== count) refuse(`it is of a card with ${nrPorts} ports; this one has ${count}`);
  if ((found & ~flags) !== 0) refuse(`its flags are ${hex(found)}; expected ${flags === 0 ? '0' : `none beyond ${hex(flags)}`}`);
  return found;
}

/** The ports behind a header. */
export function decodePorts(bytes: Uint8Array, count: number, refuse: Refuse): UartState[] {
  const view = viewOf(bytes);
  return Array.from({ length: count }, (_, i) => readPort(view, HEADER_BYTES + PORT_BYTES * i, i, refuse));
}

function readPort(view: DataView, at: number, port: number, refuse: Refuse): UartState {
  const get = (offset: number): number => view.getUint8(at + offset);
  const [lcr, head, tail, count, dlab, overrun, fcr] = [3, 24, 25, 26, 27, 28, 32].map(get) as [number, number, number, number, number, number, number];
  if (head >= FIFO_DEPTH || tail >= FIFO_DEPTH || count > FIFO_DEPTH || (head - tail - count) % FIFO_DEPTH !== 0) {
    refuse(`port ${port} has a ring with head ${head}, tail ${tail} and ${count} bytes; expected a ring of ${FIFO_DEPTH}`);
  }
  if (dlab !== lcr >> 7 || overrun > 1) refuse(`port ${port} has DLAB ${dlab} with LCR ${hex(lcr)}, and overrun ${overrun}; expected what LCR says, and 0 or 1`);
  return {
    ier: get(1) & 0x0f,
    fcr: (fcr & 1) === 0 ? 0 : fcr & 0xc9,
    lcr,
    mcr: get(4) & 0x1f,
    scr: get(7),
    divisor: view.getUint16(at + 30, true),
    lineErrors: (get(5) & 0x1c) | (overrun << 1),
    modemDeltas: get(6) & 0x0f,
    received: Array.from({ length: count }, (_, i) => get(8 + ((tail + i) % FIFO_DEPTH))),
  };
}

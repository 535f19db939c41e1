// What mtty's migration data have no room for: bytes on their way, and how much of their time is left. It follows them where the flags of the header are 1.
//
//   | mtty's header, flags 1 | port | u32 bytes | flow | CRC-32 of all before |
//
//   flow  u32 device and vendor | flag transmit interrupt pending | [byte on the line, time left] | waiting | received, with their errors
//         | flag timed out | [time left] | [time left of the byte coming in] | what waits outside
//
// A [] is a flag and, where it is 1, what it says. Times are u64 ns. Lists have their length first.

import { StateReader, StateWriter, crc32 } from '../../pci/index.ts';
import type { UartFlow, UartState } from './options.ts';
import { HEADER_BYTES, PORT_BYTES, checkHeader, decodePorts, encodePorts, refuseIn } from './port-bytes.ts';
import { FIFO_DEPTH } from './registers.ts';

const HAS_FLOW = 1;
const CRC_BYTES = 4;
const MAX_FLOW = 1 << 24;
/** A byte with its errors: BI, FE and PE of LSR above it. */
const MAX_ENTRY = 0x1cff;
const MAX_NS = BigInt(Number.MAX_SAFE_INTEGER);

function writeTime(to: StateWriter, left: number | undefined): StateWriter {
  to.flag(left !== undefined);
  return left === undefined ? to : to.u64(BigInt(left));
}

function readTime(from: StateReader): number | undefined {
  return from.flag() ? Number(from.u64(MAX_NS)) : undefined;
}

function encodeFlow(id: number, flow: UartFlow): Uint8Array {
  const { onLine } = flow;
  const to = new StateWriter().u32(id).flag(flow.transmitPending);
  writeTime(to.flag(onLine !== undefined).u8(onLine?.byte ?? 0), onLine?.left);
  to.list(flow.waiting, (one, byte) => one.u8(byte)).list(flow.received, (one, entry) => one.u16(entry)).flag(flow.timedOut);
  return writeTime(writeTime(to, flow.timeoutLeft), flow.arrivalLeft).list(flow.outside, (one, entry) => one.u16(entry)).bytes();
}

function readEntry(from: StateReader): number {
  const entry = from.u16();
  if ((entry & ~MAX_ENTRY) !== 0) from.refuse(`a received byte is 0x${entry.toString(16)}`);
  return entry;
}

function decodeFlow(call: string, id: number, bytes: Uint8Array): UartFlow {
  const from = new StateReader(call, bytes);
  const found = from.u32();
  if (found !== id) from.refuse(`it is of a device 0x${found.toString(16)}; expected 0x${id.toString(16)}`);
  const transmitPending = from.flag();
  const hasByte = from.flag();
  const byte = from.u8();
  const left = readTime(from);
  if (hasByte !== (left !== undefined)) from.refuse('a byte on the line has a time, and no other');
  const flow: UartFlow = {
    transmitPending,
    onLine: left === undefined ? undefined : { byte, left },
    waiting: from.list(FIFO_DEPTH, (one) => one.u8()),
    received: from.list(FIFO_DEPTH, readEntry),
    timedOut: from.flag(),
    timeoutLeft: readTime(from),
    arrivalLeft: readTime(from),
    outside: from.list(MAX_FLOW, readEntry),
  };
  from.end();
  if (flow.waiting.length > 0 && flow.onLine === undefined) from.refuse('bytes wait, and none is on the line');
  return flow;
}

/** The migration data of one port, with what is on its way. */
export function encodePortWithFlow(id: number, state: UartState): Uint8Array {
  const port = encodePorts([state], HAS_FLOW);
  const flow = new StateWriter().block(encodeFlow(id, state.flow!)).bytes();
  const all = new Uint8Array(port.length + flow.length + CRC_BYTES);
  all.set(port);
  all.set(flow, port.length);
  const covered = all.subarray(0, -CRC_BYTES);
  new DataView(all.buffer).setUint32(covered.length, crc32(covered), true);
  return all;
}

/**
 * The port of migration data, with what is on its way or, as mtty's own, without.
 *
 * @throws VfioError EINVAL for anything else.
 */
export function decodePortWithFlow(call: string, id: number, bytes: Uint8Array): UartState {
  const refuse = refuseIn(call);
  const plain = HEADER_BYTES + PORT_BYTES;
  if (bytes.length < plain) refuse(`there are ${bytes.length} bytes; expected ${plain} or more`);
  const hasFlow = checkHeader(bytes, 1, HAS_FLOW, refuse) === HAS_FLOW;
  if (!hasFlow) {
    if (bytes.length !== plain) refuse(`there are ${bytes.length} bytes; expected ${plain}`);
    return decodePorts(bytes, 1, refuse)[0]!;
  }
  if (bytes.length < plain + 4 + CRC_BYTES) refuse(`there are ${bytes.length} bytes, and what is on its way is not among them`);
  const covered = bytes.subarray(0, -CRC_BYTES);
  const [found, expected] = [new DataView(bytes.buffer, bytes.byteOffset + covered.length).getUint32(0, true), crc32(covered)];
  if (found !== expected) refuse(`its checksum is 0x${found.toString(16)}; its bytes have 0x${expected.toString(16)}`);
  const block = new StateReader(call, covered.subarray(plain));
  const flow = decodeFlow(call, id, block.block(MAX_FLOW));
  block.end();
  const [state] = decodePorts(bytes, 1, refuse) as [UartState];
  if (flow.received.length !== state.received.length || flow.received.some((entry, i) => (entry & 0xff) !== state.received[i])) refuse('the received bytes are told in two ways');
  return { ...state, flow };
}

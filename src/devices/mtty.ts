// The serial card of Linux' vfio samples: two 16550A ports behind port BARs, each plugged into itself. The kernel's sample of a device that can be migrated.
//
//   BAR 0, BAR 1   8 ports each: the registers of a port (uart/registers.ts)
//   interrupt      INTx, for both
//
//   its migration data, little-endian: a header, then each port
//   00 u64 magic   08 u32 major   0c u32 minor   10 u32 ports   14 u32 flags, 0
//   +0 u8[8] registers   +8 u8[16] received bytes, a ring   +24 u8 head, tail, count   +27 u8 DLAB, overrun   +30 u16 divisor   +32 u8 FCR, depth, trigger level
//
// Of the registers, the sample fills 1 IER, 3 LCR, 4 MCR and 7 SCR; here 5 and 6 hold the errors of LSR and the changes of MSR that have not been read.
//
// Source: Linux 6.14 samples/vfio-mdev/mtty.c (struct mtty_data, struct serial_port, mtty_create_config_space)

import { bytesOf, hex } from '../core/index.ts';
import type { Engine } from '../core/index.ts';
import { pciDevice, registerBar } from '../pci/index.ts';
import type { BarOf, DeviceHost, PciDevice } from '../pci/index.ts';
import { VfioError } from '../uapi/index.ts';
import { FCR_TRIGGERS, FIFO_DEPTH, Uart16550, uartRegisters } from './uart/index.ts';
import type { LineError, ModemInputs, UartState } from './uart/index.ts';

/** What an mtty can be asked to be. */
export interface MttyOptions {
  /** How many ports. Default 2. */
  readonly ports?: 1 | 2;
  /** A byte has left a port, 0 or 1. Default: it comes back in at the same port, as with the sample. */
  readonly onTransmit?: (port: number, byte: number) => void;
}

/** The card's connectors, and its migration. */
export interface MttyConnectors {
  /** Bytes come in at a port, 0 or 1; they wait outside until there is room. RangeError for another port. */
  receive(port: number, bytes: Uint8Array, error?: LineError): void;
  /** Lines of a port become active (true) or inactive. RangeError for another port. */
  setModemInputs(port: number, inputs: Partial<ModemInputs>): void;
  /** The ports as migration data: 24 bytes and 36 for each port. */
  saveState(): Uint8Array;
  /**
   * Becomes what was saved, here or by the kernel's sample.
   *
   * @throws VfioError EINVAL for data of another length, magic, version or number of ports, with flags, or of ports that cannot be: nothing is changed then.
   */
  restoreState(state: Uint8Array): void;
}

/** An mtty. With one port there is no BAR 1. */
export type Mtty = PciDevice<{ readonly 0: BarOf<typeof uartRegisters>; readonly 1?: BarOf<typeof uartRegisters> }> & MttyConnectors;

/** The first eight bytes of its migration data. */
export const MTTY_MAGIC = 0x7e9d_0989_8c3e_2c4en;
const MAJOR = 1;
const MINOR = 0;
const HEADER_BYTES = 24;
const PORT_BYTES = 36;
/** Bytes of BARs. */
const BAR_BYTES = 8;
const STATUS = 0x06;
const STATUS_DEVSEL_MEDIUM = 0x0200;
/** Vendor bytes of configuration space, as the sample has them. */
const VENDOR_BYTES: readonly (readonly [at: number, bytes: readonly number[]])[] = [
  [0x40, [0x23, 0, 0, 0x80, 0x23]],
  [0x48, [0x23]],
  [0x4c, [0x23]],
  [0x60, [...new TextEncoder().encode('PCI Serial/UART')]],
];

function refuse(why: string): never {
  throw new VfioError('EINVAL', 'mtty restoreState', why);
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

function readPort(view: DataView, at: number, port: number): UartState {
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

/**
 * Makes one: 4348:3253, two ports of bytes that take no time, INTx.
 *
 * @param engine where its regions live.
 * @param host what runs it.
 * @example
 * ```ts
 * const bench = createTestbench();
 * const card = bench.plug(mtty);
 * bench.ports.write8(bench.addressOf(card, 1) + 3, 0x03); // 8 data bits
 * bench.ports.write8(bench.addressOf(card, 1), 0x41);
 * const state = card.saveState();
 * card.function.resetFunction();
 * card.restoreState(state);
 * bench.ports.read8(bench.addressOf(card, 1)); // 0x41
 * ```
 */
export function mtty(engine: Engine, host: DeviceHost = {}, options: MttyOptions = {}): Mtty {
  const { ports: count = 2, onTransmit } = options;
  if (![1, 2].includes(count)) throw new RangeError(`mtty: ports is ${String(count)}; expected 1 or 2`);
  const ports = Array.from({ length: count }, (_, index) => {
    const port: Uart16550 = new Uart16550({
      regs: () => card.bar(index as 0).regs,
      after: undefined,
      get isGone() {
        return card.isGone;
      },
    }, { timing: 'immediate', onTransmit: (byte) => (onTransmit === undefined ? port.arrive(byte) : onTransmit(index, byte)) });
    return port;
  });
  const portOf = (call: string, index: number): Uart16550 => {
    const port = ports[index];
    if (port === undefined) throw new RangeError(`mtty ${call}: port is ${String(index)}; expected 0${count === 2 ? ' or 1' : ''}`);
    return port;
  };
  const barOf = (port: Uart16550): BarOf<typeof uartRegisters> => registerBar(uartRegisters, { kind: 'io', size: BAR_BYTES, hooks: port.hooks });

  const saveState = (): Uint8Array => {
    const bytes = new Uint8Array(HEADER_BYTES + PORT_BYTES * count);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, MTTY_MAGIC, true);
    [MAJOR, MINOR, count, 0].forEach((word, i) => view.setUint32(8 + 4 * i, word, true));
    ports.forEach((port, i) => writePort(view, HEADER_BYTES + PORT_BYTES * i, port.save()));
    return bytes;
  };

  const restoreState = (state: Uint8Array): void => {
    const { buffer, byteOffset, length } = bytesOf('mtty restoreState: state', state);
    const expected = HEADER_BYTES + PORT_BYTES * count;
    if (length !== expected) refuse(`there are ${length} bytes; expected ${expected}`);
    const view = new DataView(buffer, byteOffset, length);
    const magic = view.getBigUint64(0, true);
    const [major, minor, nrPorts, flags] = [8, 12, 16, 20].map((at) => view.getUint32(at, true));
    if (magic !== MTTY_MAGIC) refuse(`its magic is ${hex(magic)}; expected ${hex(MTTY_MAGIC)}`);
    if (major !== MAJOR || minor !== MINOR) refuse(`its version is ${major}.${minor}; expected ${MAJOR}.${MINOR}`);
    if (nrPorts !== count) refuse(`it is of a card with ${nrPorts} ports; this one has ${count}`);
    if (flags !== 0) refuse(`its flags are ${hex(flags!)}; expected 0`);
    const states = ports.map((_, i) => readPort(view, HEADER_BYTES + PORT_BYTES * i, i));
    ports.forEach((port, i) => port.restore(states[i]!));
  };

  const card: Mtty = Object.assign(
    pciDevice(engine, {
      id: [0x4348, 0x3253],
      subsystem: [0x4348, 0x3253],
      class: 0x070002,
      revision: 0x10,
      pin: 'A',
      names: { class: 'Serial controller', device: 'WCH.CN CH352 PCI Dual Serial Port Controller', progIf: '16550' },
      bars: { 0: barOf(ports[0]!), ...(count === 2 && { 1: barOf(ports[1]!) }) },
      onReset: () => ports.forEach((port) => port.reset()),
    }, host),
    {
      receive: (port: number, bytes: Uint8Array, error?: LineError) => portOf('receive', port).receive(bytes, error),
      setModemInputs: (port: number, inputs: Partial<ModemInputs>) => portOf('setModemInputs', port).setModemInputs(inputs),
      saveState,
      restoreState,
    },
  );
  for (const [at, bytes] of VENDOR_BYTES) bytes.forEach((byte, i) => card.function.poke(at + i, 1, byte));
  card.function.poke(STATUS, 2, card.function.peek(STATUS, 2) | STATUS_DEVSEL_MEDIUM);
  ports.forEach((port) => port.reset());
  return card;
}

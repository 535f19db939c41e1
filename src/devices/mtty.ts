// The serial card of Linux' vfio samples: two 16550A ports behind port BARs, each plugged into itself. The kernel's sample of a device that can be migrated.
//
//   BAR 0, BAR 1   8 ports each: the registers of a port (uart/registers.ts)
//   interrupt      INTx, for both
//   migration      as the sample: uart/port-bytes.ts
//
// Source: Linux 6.14 samples/vfio-mdev/mtty.c (struct mtty_data, struct serial_port, mtty_create_config_space)

import { bytesOf } from '../core/index.ts';
import type { Engine } from '../core/index.ts';
import { pciDevice, registerBar } from '../pci/index.ts';
import type { BarOf, DeviceHost, PciDevice } from '../pci/index.ts';
import { HEADER_BYTES, PORT_BYTES, Uart16550, checkHeader, decodePorts, encodePorts, portMigration, refuseIn, uartRegisters } from './uart/index.ts';
import type { LineError, ModemInputs } from './uart/index.ts';

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

  const saveState = (): Uint8Array => encodePorts(ports.map((port) => port.save()));

  const restoreState = (state: Uint8Array): void => {
    const refuse = refuseIn('mtty restoreState');
    const { length } = bytesOf('mtty restoreState: state', state);
    const expected = HEADER_BYTES + PORT_BYTES * count;
    if (length !== expected) refuse(`there are ${length} bytes; expected ${expected}`);
    checkHeader(state, count, 0, refuse);
    const states = decodePorts(state, count, refuse);
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
      migration: portMigration({ save: saveState, restore: restoreState, mttyPorts: count }),
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

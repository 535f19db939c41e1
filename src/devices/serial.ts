// A serial card with one 16550A behind a memory BAR, as Linux' 8250_pci drives it: no fixed port numbers, so that any machine can place it.
//
//   BAR 0, memory   0 .. 7   the registers of the port (uart/registers.ts); the rest reads 0
//   migration       as mtty with one port, and the bytes that are on their way (uart/port-flow.ts)
//   interrupt       INTx, or one MSI message: Linux asks for MSI on these ids
//
// Source: Linux drivers/tty/serial/8250/8250_pci.c, pbn_b0_1_115200 and pci_use_msi, for NetMos 9900 with subsystem a000:1000

import type { Engine } from '../core/index.ts';
import { capability, pciDevice, registerBar } from '../pci/index.ts';
import type { BarKind, BarOf, DeviceHost, PciDevice } from '../pci/index.ts';
import { Uart16550, decodePortWithFlow, encodePortWithFlow, portMigration, uartRegisters } from './uart/index.ts';
import type { UartOptions } from './uart/index.ts';

/** What a serial card can be asked to be. */
export interface SerialOptions extends UartOptions {
  /** What BAR 0 is. Default `mem32`. */
  readonly kind?: BarKind;
  /** Whether there is an MSI capability. Default true. */
  readonly messages?: boolean;
}

/** The card's connector: what its port can be told from outside. */
export type SerialConnector = Pick<Uart16550, 'receive' | 'setModemInputs' | 'modemOutputs'>;

/** A serial card. */
export type Serial = PciDevice<{ readonly 0: BarOf<typeof uartRegisters> }> & SerialConnector;

const VENDOR = 0x9710;
const DEVICE = 0x9900;
const MEMORY_BYTES = 4096;
const PORT_BYTES = 8;

/**
 * Makes one: 9710:9900, a 16550A in BAR 0.
 *
 * @param engine where its region lives.
 * @param host what runs it.
 * @throws RangeError for a clock that is none; VfioError ENXIO when `timing` is `divisor` and the host has no clock.
 * @example
 * ```ts
 * const bench = createTestbench();
 * const sent: number[] = [];
 * const card = bench.plug((engine, host) => serial(engine, host, { timing: 'immediate', onTransmit: (byte) => sent.push(byte) }));
 * const port = bench.addressOf(card, 0);
 * bench.memory.write8(port + 3, 0x03); // 8 data bits
 * bench.memory.write8(port, 0x41); // sent is [0x41]
 * card.receive(new TextEncoder().encode('ok'));
 * bench.memory.read8(port); // 0x6f
 * ```
 */
export function serial(engine: Engine, host: DeviceHost = {}, options: SerialOptions = {}): Serial {
  const { kind = 'mem32', messages = true } = options;
  const port = new Uart16550({
    regs: () => card.bar(0).regs,
    after: host.clock && ((delay, run) => card.after(delay, run)),
    timeLeft: (cancel) => card.timeLeft(cancel),
    get isGone() {
      return card.isGone;
    },
    get isPaused() {
      return card.isPaused;
    },
  }, options);
  const id = (DEVICE << 16 | VENDOR) >>> 0;
  const card: Serial = Object.assign(
    pciDevice(engine, {
      id: [VENDOR, DEVICE],
      subsystem: [0xa000, 0x1000],
      class: 0x070002,
      pin: 'A',
      names: { class: 'Serial controller', device: 'MosChip Semiconductor Technology Ltd. MCS9900 Multi-I/O Controller', progIf: '16550' },
      capabilities: messages ? [capability.msi()] : [],
      bars: { 0: registerBar(uartRegisters, { kind, size: kind === 'io' ? PORT_BYTES : MEMORY_BYTES, hooks: port.hooks }) },
      migration: portMigration({
        save: () => encodePortWithFlow(id, port.saveWithFlow()),
        restore: (bytes) => port.restore(decodePortWithFlow('serial: load', id, bytes)),
        resumed: () => port.resumed(),
      }),
      onReset: () => port.reset(),
    }, host),
    {
      receive: port.receive.bind(port),
      setModemInputs: port.setModemInputs.bind(port),
      modemOutputs: port.modemOutputs.bind(port),
    },
  );
  port.reset();
  return card;
}

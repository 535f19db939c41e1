// QEMU's teaching device: it knows who it is, inverts numbers, computes factorials, interrupts, and copies memory.
//
//   00 IDENTIFICATION  0x010000ed           20 STATUS     bit 0 computing, bit 7 interrupt when computed
//   04 LIVENESS        reads inverted       24 INTERRUPT_STATUS        what was raised and not acknowledged
//   08 FACTORIAL       n in, n! out         60 INTERRUPT_RAISE         ones set bits of 24
//                                           64 INTERRUPT_ACKNOWLEDGE   ones clear bits of 24
//   80 DMA_SOURCE      88 DMA_DESTINATION      90 DMA_COUNT    bytes
//   98 DMA_COMMAND     bit 0 start, 1 device to memory, 2 interrupt 0x100 at the end
//
// The device's own 4 KiB of memory are at 0x40000 of its addresses, and are reached by DMA only. DMA takes 100 ms.
//
// Source: QEMU docs/specs/edu.rst

import { hex } from '../core/index.ts';
import type { Engine } from '../core/index.ts';
import { capability, pciDevice, registerBar } from '../pci/index.ts';
import type { BarOf, DeviceHost, PciDevice } from '../pci/index.ts';
import { irq, registerMap, ro, rw, w1s, wo } from '../registers/index.ts';

const whileIdle = { locks: [{ by: 'STATUS.COMPUTING', value: 0 }] } as const;
const whileStopped = { locks: [{ by: 'DMA_COMMAND.START', value: 0 }] } as const;

/** The registers of BAR 0. */
export const eduRegisters = registerMap('edu', { bytes: 0x10_0000, access: [4, 8], doc: "QEMU's teaching device" }, {
  IDENTIFICATION: { at: 0x00, fields: { tag: ro(7, 0, 0xed), minor: ro(23, 16, 0), major: ro(31, 24, 1) } },
  LIVENESS: { at: 0x04, doc: 'Reads the complement of what was written', fields: { value: rw(31, 0) } },
  FACTORIAL: { at: 0x08, doc: 'A number becomes its factorial modulo 2^32', fields: { value: rw(31, 0, whileIdle) } },
  STATUS: { at: 0x20, fields: { COMPUTING: ro(0), INTERRUPT: rw(7, { doc: 'Raise interrupt 1 when computed' }) } },
  INTERRUPT_STATUS: { at: 0x24, fields: { raised: ro(31, 0) } },
  INTERRUPT_RAISE: { at: 0x60, fields: { bits: wo(31, 0) } },
  INTERRUPT_ACKNOWLEDGE: { at: 0x64, fields: { bits: wo(31, 0) } },
  DMA_SOURCE: { at: 0x80, bits: 64, fields: { address: rw(63, 0, whileStopped) } },
  DMA_DESTINATION: { at: 0x88, bits: 64, fields: { address: rw(63, 0, whileStopped) } },
  DMA_COUNT: { at: 0x90, bits: 64, fields: { bytes: rw(63, 0, whileStopped) } },
  DMA_COMMAND: { at: 0x98, bits: 64, fields: { START: w1s(0), TO_MEMORY: rw(1, whileStopped), INTERRUPT: rw(2, whileStopped) } },
}, { irq: [irq('edu', { line: 0, status: 'INTERRUPT_STATUS' })] });

/** Where the device's own memory is, in its own addresses. */
export const EDU_DMA_START = 0x4_0000n;
/** Bytes of it. */
export const EDU_DMA_SIZE = 4096n;

const INTERRUPT_FACTORIAL = 0x1;
const INTERRUPT_DMA = 0x100;
const DMA_NS = 100_000_000;

/** What an edu device can be asked to be. */
export interface EduOptions {
  /** Address bits that its DMA has; others are dropped. Default: 28 ones, as QEMU's. */
  readonly dmaMask?: bigint;
}

/** An edu device. */
export type Edu = PciDevice<{ readonly 0: BarOf<typeof eduRegisters> }>;

function factorial(n: number): number {
  let product = 1;
  // From 34 on it is 0: there are 32 factors of 2 in it.
  for (let factor = 2; factor <= Math.min(n, 34); factor++) product = Math.imul(product, factor);
  return product >>> 0;
}

/**
 * Makes one: 1234:11e8, 1 MiB of registers in BAR 0, INTx and one MSI message. Needs `host.clock` for its computations and `host.dma` for its DMA.
 *
 * @param engine where its regions live.
 * @param host what runs it.
 * @example
 * ```ts
 * const bench = createTestbench();
 * const card = bench.plug(edu);
 * bench.memory.write32(bench.addressOf(card, 0) + 0x08, 5);
 * await bench.run(0);
 * bench.memory.read32(bench.addressOf(card, 0) + 0x08); // 120
 * ```
 */
export function edu(engine: Engine, host: DeviceHost = {}, options: EduOptions = {}): Edu {
  const { dmaMask = 0xfff_ffffn } = options;
  const buffer = new Uint8Array(Number(EDU_DMA_SIZE));

  const raise = (bits: number): void => {
    const { INTERRUPT_STATUS } = card.bar(0).regs;
    const raised = INTERRUPT_STATUS.peek();
    INTERRUPT_STATUS.poke((raised | bits) >>> 0);
    // The line is high already; each raise is a message of its own all the same.
    if (raised !== 0 && bits !== 0) card.interrupts.pulse(0);
  };

  const compute = (): void => {
    const { STATUS, FACTORIAL } = card.bar(0).regs;
    STATUS.COMPUTING.set();
    const finish = (): void => {
      FACTORIAL.poke(factorial(FACTORIAL.peek()));
      STATUS.COMPUTING.clear();
      if (STATUS.INTERRUPT.get() === 1) raise(INTERRUPT_FACTORIAL);
    };
    card.after(0, finish);
  };

  /** Where in its own memory a transfer is; undefined when it does not lie there. */
  const inside = (address: bigint, count: bigint): number | undefined => {
    if (address >= EDU_DMA_START && address + count <= EDU_DMA_START + EDU_DMA_SIZE) return Number(address - EDU_DMA_START);
    card.guestError(`DMA of ${count.toString()} bytes at ${hex(address)} of the device: its memory is ${hex(EDU_DMA_START)}..${hex(EDU_DMA_START + EDU_DMA_SIZE - 1n)}`);
    return undefined;
  };

  const copy = async (source: bigint, destination: bigint, count: bigint, toMemory: boolean): Promise<void> => {
    if (count === 0n) return;
    const at = inside(toMemory ? source : destination, count);
    if (at === undefined) return;
    const memory = (toMemory ? destination : source) & dmaMask;
    if (toMemory) await card.dma.write(memory, buffer.subarray(at, at + Number(count)));
    else buffer.set(await card.dma.read(memory, Number(count)), at);
  };

  const transfer = (): void => {
    const { DMA_SOURCE, DMA_DESTINATION, DMA_COUNT, DMA_COMMAND } = card.bar(0).regs;
    const run = async (): Promise<void> => {
      const resets = card.resets;
      try {
        await copy(DMA_SOURCE.peek(), DMA_DESTINATION.peek(), DMA_COUNT.peek(), DMA_COMMAND.TO_MEMORY.get() === 1);
      } catch (error) {
        card.guestError(`DMA: ${(error as Error).message}`);
      }
      if (card.isGone || card.resets !== resets) return;
      DMA_COMMAND.START.clear();
      if (DMA_COMMAND.INTERRUPT.get() === 1) raise(INTERRUPT_DMA);
    };
    card.after(DMA_NS, () => void run());
  };

  const card: Edu = pciDevice(engine, {
    id: [0x1234, 0x11e8],
    subsystem: [0x1af4, 0x1100],
    class: 0x00ff00,
    revision: 0x10,
    pin: 'A',
    names: { class: 'Unclassified device', device: 'Device' },
    capabilities: [capability.msi()],
    bars: {
      0: registerBar(eduRegisters, {
        hooks: {
          LIVENESS: { beforeWrite: ({ data, lanes }) => (~data & lanes) >>> 0 },
          FACTORIAL: { afterWrite: () => { if (!card.bar(0).regs.STATUS.COMPUTING.get()) compute(); } },
          INTERRUPT_RAISE: { afterWrite: ({ value }) => raise(value) },
          INTERRUPT_ACKNOWLEDGE: { afterWrite: ({ value }) => { const { raised } = card.bar(0).regs.INTERRUPT_STATUS; raised.poke((raised.get() & ~value) >>> 0); } },
          DMA_COMMAND: { START: ({ old, value }) => { if (old === 0 && value === 1) transfer(); } },
        },
      }),
    },
    onReset: () => void buffer.fill(0),
  }, host);
  return card;
}

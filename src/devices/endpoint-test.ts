// The Linux kernel's PCI endpoint test function: reads, writes and copies a host's memory when told to, and interrupts in every way that PCI has.
//
//   00 MAGIC     kept                    1c SIZE        bytes                  BAR 0   registers, and from 80 on the MSI-X table and pending bits
//   04 COMMAND   one bit, see below      20 CHECKSUM    CRC-32 of the data     BAR 1   512 bytes of memory
//   08 STATUS    how it went             24 IRQ_TYPE    pin, MSI or MSI-X      BAR 2   1 KiB
//   0c SOURCE    64 bits                 28 IRQ_NUMBER  from 1                 BAR 3   16 KiB
//   14 DESTINATION  64 bits              2c FLAGS       30 CAPABILITIES        BAR 4   128 KiB       BAR 5   1 MiB
//
//   COMMAND   1 interrupt by pin   2 by MSI   4 by MSI-X      8 READ: is the data at SOURCE what CHECKSUM says?
//             10 WRITE: data to DESTINATION, its checksum to CHECKSUM      20 COPY: SOURCE to DESTINATION
//
// COMMAND is looked at a millisecond after it was written, becomes 0, and when the work is done STATUS says how it went and IRQ_TYPE and IRQ_NUMBER interrupt.
// The registers are memory to a host, as they are in an endpoint; a pin is raised for a millisecond. Each command is a doorbell: its write may come as a signal.
//
// Source: Linux Documentation/PCI/endpoint/pci-test-function.rst, drivers/pci/endpoint/functions/pci-epf-test.c, drivers/misc/pci_endpoint_test.c

import { integer } from '../core/index.ts';
import type { Engine } from '../core/index.ts';
import { PCI_MSIX_ENTRY_SIZE, capability, crc32, pciDevice, registerBar } from '../pci/index.ts';
import type { BarOf, DeviceHost, MemoryBar, PciDevice } from '../pci/index.ts';
import { constant, registerMap, reserved, rw } from '../registers/index.ts';
import { VfioError } from '../uapi/index.ts';

/** The registers at the start of BAR 0. */
export const endpointTestRegisters = registerMap('endpoint-test', { bytes: 0x80, doc: "The kernel's PCI endpoint test function" }, {
  MAGIC: { at: 0x00, doc: 'For a host that tests the BAR', fields: { value: rw(31, 0) } },
  COMMAND: {
    at: 0x04, doc: 'Read a millisecond after a write, and 0 from then on',
    fields: { code: rw(31, 0, { enum: { RAISE_INTX_IRQ: 0x1, RAISE_MSI_IRQ: 0x2, RAISE_MSIX_IRQ: 0x4, READ: 0x8, WRITE: 0x10, COPY: 0x20 } }) },
  },
  STATUS: {
    at: 0x08,
    fields: {
      READ_SUCCESS: rw(0), READ_FAIL: rw(1), WRITE_SUCCESS: rw(2), WRITE_FAIL: rw(3), COPY_SUCCESS: rw(4), COPY_FAIL: rw(5),
      IRQ_RAISED: rw(6), SRC_ADDR_INVALID: rw(7), DST_ADDR_INVALID: rw(8), KEPT: reserved(31, 9, 'keep'),
    },
  },
  SOURCE: { at: 0x0c, bits: 64, fields: { address: rw(63, 0) } },
  DESTINATION: { at: 0x14, bits: 64, fields: { address: rw(63, 0) } },
  SIZE: { at: 0x1c, fields: { bytes: rw(31, 0) } },
  CHECKSUM: { at: 0x20, fields: { crc32: rw(31, 0) } },
  IRQ_TYPE: { at: 0x24, fields: { type: rw(31, 0, { enum: ['INTX', 'MSI', 'MSIX'] }) } },
  IRQ_NUMBER: { at: 0x28, doc: '1 is the first message', fields: { number: rw(31, 0) } },
  FLAGS: { at: 0x2c, doc: 'All transfers are by DMA, whatever it says', fields: { USE_DMA: rw(0), KEPT: reserved(31, 1, 'keep') } },
  CAPABILITIES: { at: 0x30, fields: { UNALIGNED_ACCESS: constant(0, { reset: 1 }), MSI: constant(1, { reset: 1 }), MSIX: constant(2, { reset: 1 }), INTX: constant(3, { reset: 1 }) } },
});

/** What an endpoint test function can be asked to be. */
export interface EndpointTestOptions {
  /** MSI-X vectors, 1 to 2048. Default 32. */
  readonly msixVectors?: number;
  /** Where the data of WRITE begin in their sequence: 1 to 2^32-1. Default 1. */
  readonly seed?: number;
}

/** An endpoint test function. */
export type EndpointTest = PciDevice<{ readonly 0: BarOf<typeof endpointTestRegisters>; readonly 1: MemoryBar; readonly 2: MemoryBar; readonly 3: MemoryBar; readonly 4: MemoryBar; readonly 5: MemoryBar }>;

/** The most bytes of one transfer: what the kernel's function can allocate at once. */
export const ENDPOINT_TEST_MAX_BYTES = 1 << 22;

/** One bit each. */
const COMMANDS: readonly number[] = [0x1, 0x2, 0x4, 0x8, 0x10, 0x20];
const POLL_NS = 1_000_000;
const PIN_NS = 1_000_000;
const MSIX_TABLE = 0x80;

/** CRC-32 of IEEE 802.3, low bit first, begun with ones and not inverted at the end: what the kernel calls crc32_le(~0, ..). */
export function crc32Le(bytes: Uint8Array): number {
  return ~crc32(bytes) >>> 0;
}

/** Data that look random: Marsaglia's xorshift with 13, 17 and 5. */
class Sequence {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  bytes(count: number): Uint8Array {
    return new Uint8Array(count).map(() => {
      this.state ^= this.state << 13;
      this.state ^= this.state >>> 17;
      this.state ^= this.state << 5;
      return this.state;
    });
  }
}

type Transfer = 'READ' | 'WRITE' | 'COPY';
type Side = 'SRC' | 'DST';

/** An access that failed, and at which end. */
class FailedAccess extends Error {
  readonly side: Side;
  readonly isNowhere: boolean;

  constructor(side: Side, cause: unknown) {
    super((cause as Error).message, { cause });
    this.side = side;
    this.isNowhere = cause instanceof VfioError && cause.code === 'EFAULT';
  }
}

/**
 * Makes one: 104c:b500, which pci_endpoint_test knows, with INTx, 32 MSI messages and MSI-X. Needs `host.clock`, and `host.dma` for its transfers.
 *
 * @param engine where its regions live.
 * @param host what runs it.
 * @throws RangeError for a number that cannot be; VfioError ENOMEM when the core is full.
 * @example
 * ```ts
 * const bench = createTestbench();
 * const card = bench.plug(endpointTest);
 * const bar = bench.addressOf(card, 0);
 * bench.memory.write32(bar + 0x14, 0x1000); // DESTINATION
 * bench.memory.write32(bar + 0x1c, 64); // SIZE
 * bench.memory.write32(bar + 0x04, 0x10); // WRITE
 * await bench.run(1_000_000);
 * bench.memory.read32(bar + 0x08); // 0x44: written, and interrupted
 * ```
 */
export function endpointTest(engine: Engine, host: DeviceHost = {}, options: EndpointTestOptions = {}): EndpointTest {
  const vectors = integer('endpointTest: msixVectors', options.msixVectors ?? 32, 1, 2048);
  const seed = integer('endpointTest: seed', options.seed ?? 1, 1, 0xffff_ffff);
  let data = new Sequence(seed);
  let isBusy = false;

  const pin = (): void => {
    const { intx } = card.function;
    // Down again before the next command is looked at.
    card.after(PIN_NS, () => intx?.set(false));
    intx?.set(true);
  };

  const raise = (): void => {
    const { STATUS, IRQ_TYPE, IRQ_NUMBER } = card.bar(0).regs;
    const number = IRQ_NUMBER.peek();
    STATUS.IRQ_RAISED.set();
    if (IRQ_TYPE.type.is('INTX')) {
      pin();
      return;
    }
    const { msi, msixVectors } = card.function;
    const isMsi = IRQ_TYPE.type.is('MSI');
    const messages = isMsi ? msi : msixVectors;
    const count = messages?.enabled !== true ? 0 : isMsi ? msi!.inUse : msixVectors!.count;
    if (number >= 1 && number <= count) messages!.trigger(number - 1);
    else card.guestError(`IRQ_NUMBER is ${number}, of ${count} ${isMsi ? 'MSI messages' : 'MSI-X vectors'} that are on`);
  };

  const load = async (bytes: number): Promise<Uint8Array> => {
    if (bytes === 0) return new Uint8Array(0);
    return card.dma.read(card.bar(0).regs.SOURCE.peek(), bytes).catch((error: unknown) => { throw new FailedAccess('SRC', error); });
  };

  const store = async (bytes: Uint8Array): Promise<void> => {
    if (bytes.length === 0) return;
    await card.dma.write(card.bar(0).regs.DESTINATION.peek(), bytes).catch((error: unknown) => { throw new FailedAccess('DST', error); });
  };

  const transfers: Readonly<Record<Transfer, (size: number) => Promise<boolean>>> = {
    READ: async (size) => {
      const { CHECKSUM } = card.bar(0).regs;
      const expected = CHECKSUM.peek();
      return crc32Le(await load(size)) === expected;
    },
    WRITE: async (size) => {
      const bytes = data.bytes(size);
      card.bar(0).regs.CHECKSUM.poke(crc32Le(bytes));
      await store(bytes);
      return true;
    },
    COPY: async (size) => {
      await store(await load(size));
      return true;
    },
  };

  /** Whether the card is still the one that began. */
  const transfer = async (name: Transfer): Promise<boolean> => {
    const { STATUS, SIZE } = card.bar(0).regs;
    const { resets } = card;
    const size = SIZE.peek();
    let succeeded = false;
    let failure: unknown;
    try {
      if (size > ENDPOINT_TEST_MAX_BYTES) throw new RangeError(`SIZE is ${size} bytes; the function has room for ${ENDPOINT_TEST_MAX_BYTES}`);
      succeeded = await transfers[name](size);
    } catch (error) {
      failure = error;
    }
    if (card.isGone || card.resets !== resets) return false;
    if (failure !== undefined) card.guestError(`${name}: ${(failure as Error).message}`);
    STATUS.poke(0);
    if (failure instanceof FailedAccess && failure.isNowhere) STATUS[`${failure.side}_ADDR_INVALID`].set();
    STATUS[`${name}_${succeeded ? 'SUCCESS' : 'FAIL'}`].set();
    return true;
  };

  const execute = async (): Promise<void> => {
    const { COMMAND, STATUS, IRQ_TYPE } = card.bar(0).regs;
    const code = COMMAND.peek();
    const name = COMMAND.code.name();
    if (code !== 0) {
      COMMAND.poke(0);
      STATUS.poke(0);
    }
    if (code !== 0 && IRQ_TYPE.type.name() === undefined) card.guestError(`IRQ_TYPE is ${IRQ_TYPE.peek()}; expected 0 to 2`);
    else if (name === 'READ' || name === 'WRITE' || name === 'COPY') {
      if (!(await transfer(name))) return;
      raise();
    } else if (name !== undefined) raise();
    else if (code !== 0) card.guestError(`COMMAND is 0x${code.toString(16)}; expected one bit of 0x3f`);
    isBusy = false;
    look();
  };

  /** At the next poll, what a host has written by then is done; while something is, what it writes waits. */
  const look = (): void => {
    if (isBusy || card.isGone || card.bar(0).regs.COMMAND.peek() === 0) return;
    card.after(POLL_NS, () => void execute());
    isBusy = true;
  };

  const pendingAt = MSIX_TABLE + PCI_MSIX_ENTRY_SIZE * vectors;
  let bytes = 0x1000;
  while (bytes < pendingAt + 8 * Math.ceil(vectors / 64)) bytes *= 2;

  const card: EndpointTest = pciDevice(engine, {
    id: [0x104c, 0xb500],
    class: 0xff0000,
    pin: 'A',
    names: { class: 'Unassigned class', device: 'DRA7 endpoint' },
    capabilities: [capability.msi({ vectors: 32 }), capability.msix({ vectors, table: { bar: 0, offset: MSIX_TABLE }, pending: { bar: 0, offset: pendingAt } })],
    vfio: { doorbells: COMMANDS.map((datamatch) => ({ region: 0, offset: 0x04, size: 4, datamatch })) },
    bars: {
      0: registerBar(endpointTestRegisters, { size: bytes, hooks: { COMMAND: { afterWrite: look } } }),
      1: { memory: 512 },
      2: { memory: 1024 },
      3: { memory: 1 << 14 },
      4: { memory: 1 << 17 },
      5: { memory: 1 << 20 },
    },
    onReset: () => {
      isBusy = false;
      data = new Sequence(seed);
      for (const index of [1, 2, 3, 4, 5] as const) card.bar(index).bytes().fill(0);
    },
  }, host);
  return card;
}

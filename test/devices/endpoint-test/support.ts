// The endpoint-test function that the tests of this folder plug in, and what its Linux driver does.

import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, expect } from '@jest/globals';
import { endpointTest } from '../../../src/devices/index.ts';
import type { EndpointTest, EndpointTestOptions } from '../../../src/devices/index.ts';
import { createTestbench } from '../../../src/hosts/index.ts';
import type { Testbench } from '../../../src/hosts/index.ts';
import { PCI_CAP_ID, PCI_MSIX_FLAGS, PCI_MSI_ADDRESS_LO, PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, findCapability } from '../../../src/pci/index.ts';
import { ReferenceXorshift } from '../../reference/index.ts';

export const MS = 1_000_000;
export const COMMAND = { INTX: 0x1, MSI: 0x2, MSIX: 0x4, READ: 0x8, WRITE: 0x10, COPY: 0x20 } as const;
export const READ_SUCCESS = 0x01, READ_FAIL = 0x02, WRITE_SUCCESS = 0x04, WRITE_FAIL = 0x08, COPY_SUCCESS = 0x10, COPY_FAIL = 0x20;
export const IRQ_RAISED = 0x40, SRC_ADDR_INVALID = 0x80, DST_ADDR_INVALID = 0x100;
export const IRQ_TYPES = ['INTX', 'MSI', 'MSIX'] as const;
export const SIZES = [1, 1024, 1025, 1_024_000, 1_024_001];
export const SOURCE = 0x10_0000;
export const DESTINATION = 0x40_0000;
export const NOWHERE = 0x2000_0000;

export let bench: Testbench;
export let card: EndpointTest;
export let bar: number;

/** Reads and writes this device's registers from now on. */
export function aim(device: EndpointTest): void {
  bar = bench.addressOf(device, 0);
}

export function plug(options: EndpointTestOptions = {}): void {
  card = bench.plug((engine, host) => endpointTest(engine, host, options));
  aim(card);
}

export const read = (at: number): number => bench.memory.read32(bar + at);
export const write = (at: number, value: number): void => bench.memory.write32(bar + at, value);
export const status = (): number => read(0x08);

export function random(bytes: number, seed = 7): Uint8Array {
  const numbers = new ReferenceXorshift(seed);
  return new Uint8Array(bytes).map(() => numbers.next());
}

/** What the kernel's crc32_le(~0, ..) is: zlib's without its last inversion. */
export const crc = (bytes: Uint8Array): number => ~crc32(bytes) >>> 0;
export const memory = (address: number, bytes: number): Uint8Array => bench.memory.readBytes(address, new Uint8Array(bytes));

/** The driver's interrupts: type, and the vectors that arrived. */
export const driver = {
  setIrqType(type: (typeof IRQ_TYPES)[number], messages = 32): void {
    const { config } = card.function;
    const msi = findCapability(card.function.readConfig(), PCI_CAP_ID.MSI)!.offset;
    const msix = card.function.msix!.offset;
    config.write16(msi + PCI_MSI_FLAGS, 0);
    config.write16(msix + PCI_MSIX_FLAGS, 0);
    if (type === 'MSIX') bench.enableMessages(card);
    if (type === 'MSI') {
      config.write32(msi + PCI_MSI_ADDRESS_LO, 0xfee0_0000);
      config.write16(msi + 12, 0x40);
      config.write16(msi + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | (Math.log2(messages) << 4));
    }
    write(0x24, IRQ_TYPES.indexOf(type));
    write(0x28, type === 'INTX' ? 0 : 1);
  },
  /** What has arrived since: vectors from 1 on, 0 for the pin going up. */
  arrived(): number[] {
    const found = bench.interrupts.flatMap((event) => (event.kind === 'message' ? [(event.vector & 0x3f) + 1] : event.level ? [0] : []));
    bench.interrupts.length = 0;
    return found;
  },
  async raise(type: (typeof IRQ_TYPES)[number], number: number): Promise<boolean> {
    write(0x24, IRQ_TYPES.indexOf(type));
    write(0x28, number);
    write(0x04, COMMAND[type]);
    await bench.run(2 * MS);
    const isRaised = (status() & IRQ_RAISED) !== 0;
    const [vector, ...more] = driver.arrived();
    return isRaised && more.length === 0 && vector === number;
  },
  async transfer(command: number, size: number, source = SOURCE, destination = DESTINATION): Promise<number> {
    for (const [at, value] of [[0x0c, source], [0x10, 0], [0x14, destination], [0x18, 0], [0x1c, size], [0x2c, 0], [0x04, command]] as const) write(at, value);
    await bench.run(MS);
    return status();
  },
};

/** Before and after each test of a file. */
export function plugEndpoint(): void {
  beforeEach(() => {
    bench = createTestbench();
    plug();
  });
  afterEach(() => {
    bench.destroy();
    expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  });
}

// Registers of the chipset functions of a Q35 machine that lie outside of any capability: without them firmware's writes would be dropped.
//
//   00:00.0  8086:29c0  memory controller    PCIEXBAR, PAM0..6, SMRAM
//   00:1f.0  8086:2918  LPC interface        PMBASE, ACPI_CNTL, PIRQA..H_ROUT, GEN_PMCON_1, RCBA
//   00:1f.2  8086:2922  SATA controller      PCS
//   00:1f.3  8086:2930  SMBus controller     HOSTC
//
// Source: Intel 3 Series Express Chipset Family datasheet, 5.1; Intel ICH9 datasheet, 13.1, 15.1 and 19.1

import type { ConfigField, PciFunctionDescription } from '../pci/index.ts';

const PIRQ = { bytes: 1, writable: 0x8f, reset: 0x80 } as const;

const CHIPSET: Readonly<Record<number, readonly ConfigField[]>> = {
  0x29c0_8086: [
    { name: 'PCIEXBAR', offset: 0x60, bytes: 4, writable: 0xf000_0007 },
    { name: 'PCIEXBAR upper half', offset: 0x64, bytes: 4, writable: 0x0000_000f },
    { name: 'PAM0', offset: 0x90, bytes: 1, writable: 0x30 },
    ...[1, 2, 3, 4, 5, 6].map((n): ConfigField => ({ name: `PAM${n}`, offset: 0x90 + n, bytes: 1, writable: 0x33 })),
    { name: 'SMRAM', offset: 0x9d, bytes: 1, writable: 0x78, reset: 0 },
  ],
  0x2918_8086: [
    { name: 'PMBASE', offset: 0x40, bytes: 4, writable: 0xff80 },
    { name: 'ACPI_CNTL', offset: 0x44, bytes: 1, writable: 0x87 },
    ...[0, 1, 2, 3].map((n): ConfigField => ({ name: `PIRQ${'ABCD'[n]!}_ROUT`, offset: 0x60 + n, ...PIRQ })),
    ...[0, 1, 2, 3].map((n): ConfigField => ({ name: `PIRQ${'EFGH'[n]!}_ROUT`, offset: 0x68 + n, ...PIRQ })),
    { name: 'GEN_PMCON_1', offset: 0xa0, bytes: 2, writable: 0x1c17 },
    { name: 'RCBA', offset: 0xf0, bytes: 4, writable: 0xffff_c001 },
  ],
  0x2922_8086: [{ name: 'PCS', offset: 0x92, bytes: 2, writable: 0x803f }],
  0x2930_8086: [{ name: 'HOSTC', offset: 0x40, bytes: 1, writable: 0x17 }],
};

/** The vendor's own registers of a function, by its ids; none for functions that are not in the table. */
export function vendorRegisters({ config }: PciFunctionDescription): readonly ConfigField[] {
  const ids = new DataView(config.buffer, config.byteOffset).getUint32(0, true);
  return CHIPSET[ids] ?? [];
}

// What stands at fixed places of every PC and in no dump: legacy I/O ports of PC/AT and ICH9, and the interrupt message window.
//
// Source: Intel ICH9 datasheet, 9.2 and 13; Intel SDM volume 3, 11.11.1 (message address)

/** A range of a bus at a fixed place. */
export interface FixedRange {
  readonly name: string;
  readonly start: number;
  readonly size: number;
}

/** I/O ports, by address. */
export const PC_PORTS: readonly FixedRange[] = [
  { name: 'dma1', start: 0x00, size: 0x20 },
  { name: 'pic1', start: 0x20, size: 2 },
  { name: 'timer', start: 0x40, size: 4 },
  { name: 'keyboard', start: 0x60, size: 1 },
  { name: 'port61', start: 0x61, size: 1 },
  { name: 'keyboard command', start: 0x64, size: 1 },
  { name: 'rtc', start: 0x70, size: 2 },
  { name: 'vapic', start: 0x7e, size: 2 },
  { name: 'post code', start: 0x80, size: 1 },
  { name: 'dma page', start: 0x81, size: 0x0f },
  { name: 'port92', start: 0x92, size: 1 },
  { name: 'pic2', start: 0xa0, size: 2 },
  { name: 'apm', start: 0xb2, size: 2 },
  { name: 'dma2', start: 0xc0, size: 0x20 },
  { name: 'fpu', start: 0xf0, size: 2 },
  { name: 'serial', start: 0x3f8, size: 8 },
  { name: 'elcr', start: 0x4d0, size: 2 },
  { name: 'fw_cfg', start: 0x510, size: 12 },
  { name: 'acpi pm', start: 0x600, size: 0x80 },
  { name: 'cpu hotplug', start: 0xcd8, size: 12 },
];

/** Where a write is an interrupt message. The local APIC's registers lie over its first page. */
export const MSI_WINDOW: FixedRange = { name: 'MSI window', start: 0xfee0_0000, size: 0x10_0000 };

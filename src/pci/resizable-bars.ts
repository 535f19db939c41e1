// BARs whose size a guest may choose: the sizes that the Resizable BAR capability offers, and the one that its control register holds.
//
//   +04 + 8n  capability   bit 4+k: 2^k MiB is offered
//   +08 + 8n  control      2..0 BAR | 7..5 number of BARs (first only) | 13..8 log2 of the size in MiB, writable when asked for
//
// A size is taken while the function does not decode memory; before that, and for a size that is not offered, the register keeps what it held. The BAR's own register
// then shows the new size to whoever probes it, and loses the address bits below.
//
// Source: PCI Express 5.0, 7.8.6; linux/pci_regs.h PCI_REBAR_*

import { walkExtendedCapabilities } from './capabilities.ts';
import { PCI_EXT_CAP_ID } from './capability-ids.ts';
import type { ConfigField } from './config-rules.ts';
import { readU32 } from './little-endian.ts';

const SIZE = 0x3f00;
const MIB_LOG2 = 20;

/** A BAR and its size in bytes. */
export interface BarSize {
  readonly bar: number;
  readonly size: bigint;
}

interface Entry {
  readonly bar: number;
  /** Offset of its control register. */
  readonly control: number;
  /** Bit 4+k: 2^k MiB. */
  readonly offered: number;
}

function entriesOf(config: Uint8Array): Entry[] {
  const found = walkExtendedCapabilities(config).capabilities.find(({ id }) => id === PCI_EXT_CAP_ID.REBAR);
  if (found === undefined) return [];
  const count = (readU32(config, found.offset + 8) >> 5) & 0x7;
  const entries: Entry[] = [];
  for (let n = 0; n < count && found.offset + 12 + 8 * n <= config.length; n++) {
    const control = found.offset + 8 + 8 * n;
    entries.push({ bar: readU32(config, control) & 0x7, control, offered: readU32(config, control - 4) });
  }
  return entries;
}

/** The resizable BARs of one function. Holds no bytes of configuration space. */
export class ResizableBars {
  private readonly entries: readonly Entry[];

  constructor(config: Uint8Array) {
    this.entries = entriesOf(config);
  }

  private isOffered({ offered }: Entry, log2: number): boolean {
    // Sizes above 128 TiB are offered by bits of the control register's upper half, which nobody here has.
    return log2 < 28 && ((offered >>> (log2 + 4)) & 1) !== 0;
  }

  /** The control registers: a reset puts the sizes back to what `config` holds. */
  fields(config: Uint8Array): ConfigField[] {
    return this.entries.map(({ control, bar }) => ({ name: `REBAR_CTRL_${bar}`, offset: control, bytes: 4, writable: SIZE, reset: readU32(config, control) & SIZE }));
  }

  /** The largest size that is offered for a BAR; undefined for one that cannot be resized. */
  largest(bar: number): bigint | undefined {
    const entry = this.entries.find((one) => one.bar === bar);
    if (entry === undefined) return undefined;
    let log2 = 27;
    while (log2 > 0 && !this.isOffered(entry, log2)) log2--;
    return this.isOffered(entry, log2) ? 1n << BigInt(MIB_LOG2 + log2) : undefined;
  }

  /** Whether the register at `dword` holds a size that it may not: one that is not offered, or any new one while memory is decoded. */
  refuses(config: Uint8Array, dword: number, isDecoding: boolean): boolean {
    const entry = this.entries.find(({ control }) => control === dword);
    return entry !== undefined && (isDecoding || !this.isOffered(entry, (readU32(config, dword) & SIZE) >> 8));
  }

  /** The sizes that the control registers hold. */
  sizes(config: Uint8Array): BarSize[] {
    return this.entries
      .map((entry) => ({ entry, log2: (readU32(config, entry.control) & SIZE) >> 8 }))
      .filter(({ entry, log2 }) => this.isOffered(entry, log2))
      .map(({ entry, log2 }) => ({ bar: entry.bar, size: 1n << BigInt(MIB_LOG2 + log2) }));
  }
}

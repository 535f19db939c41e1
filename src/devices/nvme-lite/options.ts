// What an NVMe controller can be asked to be, and how it is called.

import type { NvmeIdentity } from './identify.ts';
import type { BlockStore } from './store.ts';

/** What an NVMe controller can be asked to be. */
export interface NvmeLiteOptions {
  /** What holds the blocks. Default: 1 MiB of zeroes. */
  readonly store?: Uint8Array | BlockStore;
  /** Bytes of a block: 512 or 4096. Default: what the store says, or 512. */
  readonly blockSize?: 512 | 4096;
  /** Up to 20 characters of ASCII. No two controllers of one guest may have the same. Default: follows from the slot. */
  readonly serial?: string;
  /** Up to 40 characters. */
  readonly model?: string;
  /** Up to 8 characters. */
  readonly firmware?: string;
  /** What it interrupts with: 65 messages of MSI-X, one of MSI, or the pin alone. Default `msix`. */
  readonly interrupts?: 'msix' | 'msi' | 'pin';
  /** Is told what the store rejected with: the guest learns only that it failed. */
  readonly onStoreError?: (error: unknown) => void;
}

/** Its names, of which the serial number follows from the slot. RangeError for what is no text of a controller. */
export function checkedIdentity(slot: string, options: NvmeLiteOptions): NvmeIdentity {
  const text = (name: 'serial' | 'model' | 'firmware', most: number, standard: string): string => {
    const given = options[name] ?? standard;
    if (given.length > most || !/^[ -~]*$/.test(given)) throw new RangeError(`nvmeLite: ${name} is ${JSON.stringify(given)}; expected up to ${most} characters of ASCII`);
    return given;
  };
  return { serial: text('serial', 20, `maplebar-${slot}`), model: text('model', 40, 'maplebar NVMe'), firmware: text('firmware', 8, '1.0') };
}

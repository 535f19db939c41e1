// The registers behind a virtual configuration space: what the host's PCI layer would read and write, and what is optional about a function.

import type { Region } from '../../core/index.ts';
import { askModel } from '../model-error.ts';

/** What VFIO has to know of a function whose configuration space it stands in front of. With it, region 7 is what vfio-pci shows, not the registers themselves. */
export interface ConfigHardware {
  /** For a virtual function, whose registers read 0xffff: the ids by which the host knows it. Its COMMAND has no MEM bit; the one of the shadow is always open. */
  readonly virtualFunction?: { readonly vendor: number; readonly device: number };
  /** The power state now, 0 (D0) to 3 (D3hot). Default: what the register of the power management capability holds. */
  readonly powerState?: () => number;
  /** The vital product data behind the VPD capability, 4 bytes at a multiple of 4. Undefined, or false: the access times out. Default: every access does. */
  readonly vpd?: { read(address: number): number | undefined; write(address: number, value: number): boolean };
}

/** Bytes of one access to configuration space: inside a dword. */
export type ConfigWidth = 1 | 2 | 4;

/** The registers of a function. */
export class HardwareRegisters {
  readonly size: number;
  private readonly region: Region;

  constructor(region: Region, size: bigint) {
    this.region = region;
    this.size = Number(size);
  }

  /** Whether the function has been taken away under its users. */
  get isGone(): boolean {
    return this.region.gone;
  }

  /** Ones beyond the end, where a broken list may lead, and where nobody answers any more. */
  read(at: number, width: ConfigWidth): number {
    const { region } = this;
    if (at + width > this.size || region.gone) return 2 ** (8 * width) - 1;
    return askModel(() => (width === 1 ? region.read8(at) : width === 2 ? region.read16(at) : region.read32(at)));
  }

  write(at: number, width: ConfigWidth, value: number): void {
    const { region } = this;
    if (at + width > this.size || region.gone) return;
    askModel(() => {
      if (width === 1) region.write8(at, value & 0xff);
      else if (width === 2) region.write16(at, value & 0xffff);
      else region.write32(at, value >>> 0);
    });
  }
}

// A function as data: what its bytes, its sizes and its surroundings are.

import type { Region } from '../core/index.ts';
import type { ErrnoName } from '../uapi/index.ts';
import type { DmaLogModel, DoorbellDescription, MigrationModel, VfioDisplay, VfioRegionDescription } from '../vfio/index.ts';
import type { Bar, BarSizes } from './bars.ts';
import type { ConfigField } from './config-rules.ts';
import type { InterruptSink } from './intx.ts';
import type { LspciNames } from './lspci-text.ts';

/** A function as data: what `lspci -xxxx` and `-vv` tell of it. */
export interface PciFunctionDescription {
  /** `00:01.0` or `0000:00:01.0`. */
  readonly slot: string;
  /** 64, 256 or 4096 bytes of configuration space. */
  readonly config: Uint8Array;
  /** Bytes per BAR and of the ROM. BARs of unknown size get no region. */
  readonly sizes?: BarSizes;
  readonly names?: LspciNames;
  /** The interrupt that the system routed, for `PciFunction.lspci`. */
  readonly irq?: number;
  /** `Kernel driver in use`, for `PciFunction.lspci`. */
  readonly driver?: string;
  /** Whether a guest may resize the BARs of a Resizable BAR capability; then each has a region of the largest size offered. Default false: the capability is read-only. */
  readonly resizableBars?: boolean;
  /** How the MSI-X table and mmap meet. Default `mappable`. */
  readonly msixMode?: 'mappable' | 'sparse';
  /** Registers that a guest may change beyond those of the header and the capabilities: a vendor's own. They go over what a capability says. */
  readonly registers?: readonly ConfigField[];
  /** Makes the region behind a BAR. Default: memory, whose bytes are all that the BAR is. */
  readonly backing?: (request: BarBacking) => Region;
  /** What VFIO programs find beyond the function itself. */
  readonly vfio?: VfioExtras;
  /** How the function is migrated. A reset of the function, however it comes, ends what is under way. Default: not at all. */
  readonly migration?: MigrationModel;
  /** How the function's writes to memory are logged. A reset of the function leaves that as it is. Default: not at all. */
  readonly dmaLogging?: DmaLogModel;
  /** Where interrupts go. Without it the function has none to raise, and an MSI-X table is plain memory. */
  readonly interrupts?: InterruptSink;
}

/** What a VFIO program finds of a function beyond its BARs and its configuration space. */
export interface VfioExtras {
  /** What a display shows. */
  readonly display?: VfioDisplay;
  /** Device-specific regions, from index 9 on. They go with the function. */
  readonly regions?: readonly VfioRegionDescription[];
  /** Places of its BARs whose writes may come as signals of eventfds: see {@link DoorbellDescription}. Default: none. */
  readonly doorbells?: readonly DoorbellDescription[];
  /** Whether the host holds the function's lock now: a reset, or the first open of a function that can be reset, is EAGAIN then. Default: it never does. */
  readonly resetBusy?: () => boolean;
  /** Is asked before the first file is opened. Returns the errno with which the host cannot enable the function, or nothing. */
  readonly enable?: () => ErrnoName | undefined;
  /** Whether other devices can reach its BARs: without it feature DMA_BUF is EOPNOTSUPP. Default true. */
  readonly peerToPeer?: boolean;
}

/** A BAR that wants a region. */
export interface BarBacking {
  readonly index: number;
  /** Bytes that the region must have. */
  readonly size: bigint;
  readonly name: string;
  /** What the region's `device` must be: all BARs of a function are one device. */
  readonly device: number;
}

/** A BAR with the bytes behind it. Its address is the one that it was described with; `PciFunction.decoded` says where it is now. */
export interface BarRegion extends Bar {
  readonly region: Region;
}

// What a client is told when it connects, and the records that it takes and gives.

import type { U64 } from '../../../core/index.ts';
import type { RegionInfoCapability } from '../../../uapi/index.ts';
import { DEFAULT_MAX_DATA_XFER_SIZE } from '../codec/commands.ts';
import type { Capabilities } from '../codec/version.ts';
import type { Transport } from '../transport/transport.ts';

/** How a client introduces itself. */
export interface VfioUserClientOptions {
  /** What it proposes. Default: what QEMU proposes, but for migration's bitmaps, and for fds where they do not pass. */
  readonly capabilities?: Capabilities;
  /** Highest minor version that it speaks. */
  readonly minor?: number;
  /** Default: `netTransport()`, which passes no fds. */
  readonly transport?: Transport;
  /** Proposes a socket of its own for the server's DMA_READ and DMA_WRITE. Only with a transport that passes fds. Default false. */
  readonly twinSocket?: boolean;
}

/** One write of `writeMulti`. */
export interface RegionWrite {
  readonly region: number;
  readonly offset: U64;
  /** 1 to 8. */
  readonly data: Uint8Array;
}

/** A region as a server tells of it. */
export interface ClientRegionInfo {
  readonly index: number;
  /** VFIO_REGION_INFO_FLAG_ bits. */
  readonly flags: number;
  /** Bytes; 0: the region is absent. */
  readonly size: bigint;
  readonly capabilities: readonly RegionInfoCapability[];
}

/** What is proposed where nothing else is asked for. */
export const PROPOSED: Capabilities = { pgsizes: 4096, max_msg_fds: 16, max_dma_maps: 65535, max_data_xfer_size: DEFAULT_MAX_DATA_XFER_SIZE, migration: { pgsize: 4096 }, write_multiple: true };

// What a simulated host is: its IOMMU, and the options with which its modules were loaded.

import { integer, u64 } from '../../core/index.ts';
import type { Space, U64 } from '../../core/index.ts';

/** Why addresses cannot be mapped. `relaxable`: firmware wants them mapped, and no device of today asks for it, so that they are no obstacle. Source: include/linux/iommu.h enum iommu_resv_type */
export type ReservedKind = 'direct' | 'relaxable' | 'reserved' | 'msi' | 'software-msi';

/** Addresses that an IOMMU, or a device behind it, keeps for itself. */
export interface ReservedRegion {
  readonly first: U64;
  /** Inclusive. */
  readonly last: U64;
  readonly kind: ReservedKind;
}

/** An IOMMU as data. */
export interface IommuDescription {
  /** Sizes of pages, one bit each. Default 4 KiB, 2 MiB and 1 GiB: 0x40201000. */
  readonly pageSizes?: U64;
  /** The highest address that it translates. Default 2^39-1: three levels of VT-d. */
  readonly lastAddress?: U64;
  /** Default: the x86 interrupt window, 0xfee00000 to 0xfeefffff, of kind `msi`. */
  readonly reserved?: readonly ReservedRegion[];
  /** It makes DMA coherent whatever a device says. Default true. */
  readonly coherent?: boolean;
  /** A device's messages reach nobody else's interrupts. Default true. */
  readonly isolatesMessages?: boolean;
  /** It keeps dirty bits itself. Default true. */
  readonly tracksDirty?: boolean;
}

/** An IOMMU as it is: every number settled. */
export interface Iommu {
  readonly pageSizes: bigint;
  readonly lastAddress: bigint;
  readonly reserved: readonly { readonly first: bigint; readonly last: bigint; readonly kind: ReservedKind }[];
  readonly coherent: boolean;
  readonly isolatesMessages: boolean;
  readonly tracksDirty: boolean;
}

/** The mailed proposal of a window for messages in the user's own addresses; behaviour text, section 2.5. */
export interface MessageWindowProposal {
  /** Bytes that the window must have at least, a power of two of at least 4096. Default 1 MiB. */
  readonly size?: U64;
  /** A power of two. Default: its size. */
  readonly alignment?: U64;
}

/** How a host is made. */
export interface VfioHostOptions {
  /** Its IOMMU: of every function that names none of its own. */
  readonly iommu?: IommuDescription;
  /** `allow_unsafe_interrupts` of vfio_iommu_type1 and of iommufd. Default false. */
  readonly allowUnsafeInterrupts?: boolean;
  /** `enable_unsafe_noiommu_mode` of vfio: functions without an IOMMU are open to who may touch raw I/O. Default false. */
  readonly unsafeNoIommu?: boolean;
  /** `dma_entry_limit` of vfio_iommu_type1: mappings of one container, 1 to 2^32-1. Default 65535. */
  readonly dmaEntryLimit?: number;
  /** Whether a device reaches BARs of another through the IOMMU, where a program has mapped them for it. Default true. */
  readonly peerToPeer?: boolean;
  /** A kernel with the proposal. Default: v6.14, which leaves reserved addresses out of IOVA_RANGE. */
  readonly messageWindow?: MessageWindowProposal;
  /** Memory as functions without an IOMMU reach it. Default: none; their DMA fails. */
  readonly memory?: Space;
  /** Is told of messages that functions send as writes, to where the IOMMU remaps interrupts or to a window for messages. */
  readonly onMessage?: (message: { readonly slot: string; readonly address: bigint; readonly data: number }) => void;
}

const DEFAULT_PAGE_SIZES = 0x4020_1000n;
const DEFAULT_LAST = 0x7f_ffff_ffffn;
const X86_MESSAGES: ReservedRegion = { first: 0xfee0_0000n, last: 0xfeef_ffffn, kind: 'msi' };
const KINDS: readonly ReservedKind[] = ['direct', 'relaxable', 'reserved', 'msi', 'software-msi'];

/** @throws RangeError, TypeError for an IOMMU that cannot be. @internal */
export function settleIommu(where: string, description: IommuDescription = {}): Iommu {
  const pageSizes = u64(`${where}: pageSizes`, description.pageSizes ?? DEFAULT_PAGE_SIZES);
  if (pageSizes === 0n) throw new RangeError(`${where}: pageSizes is 0; expected at least one size`);
  const lastAddress = u64(`${where}: lastAddress`, description.lastAddress ?? DEFAULT_LAST);
  const reserved = (description.reserved ?? [X86_MESSAGES]).map(({ first, last, kind }, i) => {
    const [from, to] = [u64(`${where}: reserved ${i}: first`, first), u64(`${where}: reserved ${i}: last`, last)];
    if (from > to) throw new RangeError(`${where}: reserved ${i}: first 0x${from.toString(16)} is above last 0x${to.toString(16)}`);
    if (!KINDS.includes(kind)) throw new TypeError(`${where}: reserved ${i}: kind is ${JSON.stringify(kind)}; expected one of ${KINDS.join(', ')}`);
    return { first: from, last: to, kind };
  });
  const { coherent = true, isolatesMessages = true, tracksDirty = true } = description;
  return { pageSizes, lastAddress, reserved: reserved.sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0)), coherent, isolatesMessages, tracksDirty };
}

/** Options with every number settled. @internal */
export interface HostSettings {
  readonly iommu: Iommu;
  readonly allowUnsafeInterrupts: boolean;
  readonly unsafeNoIommu: boolean;
  readonly dmaEntryLimit: number;
  readonly peerToPeer: boolean;
  readonly messageWindow: { readonly size: bigint; readonly alignment: bigint } | undefined;
  readonly memory: Space | undefined;
  readonly onMessage: NonNullable<VfioHostOptions['onMessage']>;
}

function powerOfTwo(what: string, value: U64, least: bigint): bigint {
  const number = u64(what, value);
  if (number < least || (number & (number - 1n)) !== 0n) throw new RangeError(`${what} is 0x${number.toString(16)}; expected a power of two of at least 0x${least.toString(16)}`);
  return number;
}

/** @throws RangeError, TypeError for options that cannot be. @internal */
export function settleHost(options: VfioHostOptions): HostSettings {
  const where = 'VfioHost';
  const { messageWindow } = options;
  const size = messageWindow && powerOfTwo(`${where}: messageWindow.size`, messageWindow.size ?? 0x10_0000, 4096n);
  return {
    iommu: settleIommu(`${where}: iommu`, options.iommu),
    allowUnsafeInterrupts: options.allowUnsafeInterrupts === true,
    unsafeNoIommu: options.unsafeNoIommu === true,
    dmaEntryLimit: integer(`${where}: dmaEntryLimit`, options.dmaEntryLimit ?? 65535, 1, 0xffff_ffff),
    peerToPeer: options.peerToPeer !== false,
    messageWindow: size === undefined ? undefined : { size, alignment: powerOfTwo(`${where}: messageWindow.alignment`, messageWindow?.alignment ?? size, 1n) },
    memory: options.memory,
    onMessage: options.onMessage ?? (() => undefined),
  };
}

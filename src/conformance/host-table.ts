// What the hosts of a table are made of, as JSON: hosts.json and starts.json. docs/conformance-hosts.md explains every key.
//
//   host --- options        its IOMMU, and how its modules were loaded
//       \--- bridges        what stands above its functions
//       \--- functions      by name: a slot, a device of devices.json or none, a driver
//       \--- processes      by name: privileges and limits

import type { Capability, HostDriver, PciBridgeDescription, ReservedKind } from '../vfio/index.ts';
import type { Size, Step } from './table.ts';

/** An IOMMU. What is left out is as IommuDescription says. */
export interface IommuData {
  readonly pageSizes?: Size;
  readonly lastAddress?: Size;
  readonly reserved?: readonly { readonly first: Size; readonly last: Size; readonly kind: ReservedKind }[];
  readonly coherent?: boolean;
  readonly isolatesMessages?: boolean;
  readonly tracksDirty?: boolean;
}

/** Options of a host that are data. What is left out is as VfioHostOptions says. */
export interface HostOptionsData {
  readonly iommu?: IommuData;
  readonly allowUnsafeInterrupts?: boolean;
  readonly unsafeNoIommu?: boolean;
  readonly dmaEntryLimit?: number;
  readonly peerToPeer?: boolean;
  readonly messageWindow?: { readonly size?: Size; readonly alignment?: Size };
}

/** One function of a host. */
export interface HostFunctionData {
  readonly slot: string;
  /** A name of devices.json. Left out: no vfio driver has it. */
  readonly device?: string;
  readonly driver?: HostDriver;
  readonly isolated?: boolean;
  readonly iommu?: IommuData | 'none';
  /** A mediated device. Its driver unpins at once what it is told goes: event `unmapped`. */
  readonly emulated?: true;
  /** Of a virtual function: the name of its physical one. */
  readonly physicalFunction?: string;
}

/** One process. */
export interface ProcessData {
  readonly capabilities?: readonly Capability[];
  readonly maxLockedBytes?: number;
  readonly maxFds?: number;
}

/** One host. */
export interface HostData {
  /** What it is for. */
  readonly about: string;
  readonly options?: HostOptionsData;
  readonly bridges?: readonly PciBridgeDescription[];
  readonly functions: Readonly<Record<string, HostFunctionData>>;
  /** Left out: `main`, with all capabilities. */
  readonly processes?: Readonly<Record<string, ProcessData>>;
}

/** A state that many rows begin with. */
export interface Start {
  readonly host: string;
  /** What it comes to. */
  readonly about: string;
  /** What brings it about: checked like the steps of a row. */
  readonly steps: readonly Step[];
}

// The face of pci/: configuration space as data, and PCI functions that behave.

export * from './address.ts';
export { DECODE_COUNT, ROM_INDEX } from './bar-registers.ts';
export type { DecodeRange, Decodes } from './bar-registers.ts';
export * from './bars.ts';
export * from './capabilities.ts';
export * from './capability-ids.ts';
export * from './capability-rules.ts';
export * from './config-ports.ts';
export * from './config-rules.ts';
export * from './config-space.ts';
export type { DecodeChange, DecodeListener } from './decode.ts';
export * from './extended-capability-rules.ts';
export { IntxLine } from './intx.ts';
export type { InterruptSink } from './intx.ts';
export * from './lspci-text.ts';
export { MsiVectors } from './msi.ts';
export * from './msix.ts';
export { MsixVectors, PCI_MSIX_ENTRY_CTRL_MASKBIT } from './msix-table.ts';
export * from './pci-function.ts';
export { SpaceDecoder } from './space-decoder.ts';
export type { BarOverlay, DecodeSpaces, SpaceDecoderOptions } from './space-decoder.ts';
export { mappableAreas } from '../vfio/index.ts';

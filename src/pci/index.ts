// The face of pci/: one PCI function's configuration space as data.

export * from './address.ts';
export * from './bars.ts';
export * from './capabilities.ts';
export * from './capability-ids.ts';
export * from './config-ports.ts';
export * from './config-space.ts';
export * from './lspci-text.ts';
export * from './msix.ts';
export * from './pci-function.ts';
export { mappableAreas } from '../vfio/index.ts';

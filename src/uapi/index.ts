// The face of this room: the VFIO ABI as data.

export * from './errno.ts';
export { array, bytes, flexible, flexibleBytes, nested, s32, s64, u16, u32, u64, u8 } from './field.ts';
export type { Codec, ElementType, FieldSpec, FlexibleSpec, Scalar } from './field.ts';
export * from './struct.ts';
export * from './pci-address.ts';
export * from './vfio-container.ts';
export * from './vfio-device.ts';
export * from './vfio-region.ts';
export * from './vfio-graphics.ts';
export * from './vfio-interrupt.ts';
export * from './vfio-pci.ts';
export * from './vfio-feature.ts';
export * from './vfio-migration.ts';
export * from './vfio-iommu.ts';
export * from './vfio-spapr.ts';
export * from './iommufd.ts';
export * from './iommufd-pagetable.ts';
export * from './iommufd-files.ts';
export * from './vfio-zdev.ts';
export * from './vfio-ccw.ts';
export * from './vfio-proposals.ts';
export * from './vfio-later.ts';
export * from './capability-chain.ts';
export * from './info-capabilities.ts';
export * from './ioctl-name.ts';
export * from './joined-bytes.ts';
export * from './tables.ts';

// The face of nvme-lite/: an NVMe controller with one namespace.

export { nvmeLite } from './nvme-lite.ts';
export type { NvmeLite } from './nvme-lite.ts';
export type { NvmeLiteOptions } from './options.ts';
export { NVME_IO_QUEUES, nvmeRegisters } from './registers.ts';
export type { BlockStore } from './store.ts';

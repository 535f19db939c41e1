// The face of devices/: reference devices, each in one file to copy from.

export { EDU_DMA_SIZE, EDU_DMA_START, edu, eduRegisters } from './edu.ts';
export type { Edu, EduOptions } from './edu.ts';
export { NVME_IO_QUEUES, nvmeLite, nvmeRegisters } from './nvme-lite/index.ts';
export type { BlockStore, NvmeLite, NvmeLiteOptions } from './nvme-lite/index.ts';

// The face of devices/: reference devices, each in one file to copy from.

export { EDU_DMA_SIZE, EDU_DMA_START, edu, eduRegisters } from './edu.ts';
export type { Edu, EduOptions } from './edu.ts';

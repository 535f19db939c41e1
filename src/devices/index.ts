// The face of devices/: reference devices, each in one file to copy from.

export * from './bochs-display/index.ts';
export { EDU_DMA_SIZE, EDU_DMA_START, edu, eduRegisters } from './edu.ts';
export type { Edu, EduOptions } from './edu.ts';
export { ENDPOINT_TEST_MAX_BYTES, crc32Le, endpointTest, endpointTestRegisters } from './endpoint-test.ts';
export type { EndpointTest, EndpointTestOptions } from './endpoint-test.ts';

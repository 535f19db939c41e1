// The face of devices/: reference devices, each in one file to copy from.

export * from './bochs-display/index.ts';
export { EDU_DMA_SIZE, EDU_DMA_START, edu, eduRegisters } from './edu.ts';
export type { Edu, EduOptions } from './edu.ts';
export { ENDPOINT_TEST_MAX_BYTES, crc32Le, endpointTest, endpointTestRegisters } from './endpoint-test.ts';
export type { EndpointTest, EndpointTestOptions } from './endpoint-test.ts';
export { IDIO16_FILTER_NS, idio16, idio16Registers } from './idio16.ts';
export type { Idio16, Idio16Connector, Idio16Options } from './idio16.ts';
export { mtty } from './mtty.ts';
export type { Mtty, MttyConnectors, MttyOptions } from './mtty.ts';
export { serial } from './serial.ts';
export type { Serial, SerialConnector, SerialOptions } from './serial.ts';
export { MTTY_MAGIC, Uart16550, uartRegisters } from './uart/index.ts';
export type { LineError, ModemInputs, ModemOutputs, UartFlow, UartOptions, UartRegisters, UartState, UartWiring } from './uart/index.ts';
export { NVME_IO_QUEUES, nvmeLite, nvmeRegisters } from './nvme-lite/index.ts';
export type { BlockStore, NvmeLite, NvmeLiteOptions } from './nvme-lite/index.ts';

// The face of the testbench: a machine without a processor, for tests of devices and for trying them.

export { ManualClock } from './clock.ts';
export { domainDma } from './domain-dma.ts';
export { spaceDma } from './space-dma.ts';
export { Testbench, createTestbench } from './testbench.ts';
export type { InterruptEvent, Pluggable, TestbenchOptions } from './testbench.ts';

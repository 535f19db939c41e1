// The face of uart/: the 16550A that serial cards are made of.

export type { LineError, ModemInputs, ModemOutputs, UartOptions, UartState, UartWiring } from './options.ts';
export { FCR_TRIGGERS, FIFO_DEPTH, uartRegisters } from './registers.ts';
export type { UartRegisters } from './registers.ts';
export { Uart16550 } from './uart-16550.ts';

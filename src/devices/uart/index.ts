// The face of uart/: the 16550A that serial cards are made of.

export type { LineError, ModemInputs, ModemOutputs, UartFlow, UartOptions, UartState, UartWiring } from './options.ts';
export { HEADER_BYTES, MTTY_MAGIC, PORT_BYTES, checkHeader, decodePorts, encodePorts, refuseIn } from './port-bytes.ts';
export { decodePortWithFlow, encodePortWithFlow } from './port-flow.ts';
export { portMigration } from './port-migration.ts';
export { uartRegisters } from './registers.ts';
export type { UartRegisters } from './registers.ts';
export { Uart16550 } from './uart-16550.ts';

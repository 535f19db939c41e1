// The face of this room: tables of calls with expected bytes, and what runs them.

export type { MakeProcess } from './bench.ts';
export { checkTable } from './check-table.ts';
export type { Difference } from './difference.ts';
export { differenceText } from './difference.ts';
export type { HostData, HostFunctionData, HostOptionsData, IommuData, ProcessData, Start } from './host-table.ts';
export { ConformanceRunner, failureText, stepsOf } from './runner.ts';
export type { RowResult } from './runner.ts';
export type { DeviceData, DisplayData, FdName, Hex, MigrationData, OpenStep, RegionData, Returns, Row, Section, Size, Step, Table } from './table.ts';

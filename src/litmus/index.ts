// The face of the litmus runner: which orders of stores, drains and fences can a device see? Needs nothing but JavaScript.

export { litmus, litmusOrders } from './litmus.ts';
export type { Device, LitmusReport, LitmusTest, Verdict } from './litmus.ts';
export type { CombiningMapping, UncachedMapping, Writer } from './program.ts';

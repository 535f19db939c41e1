// The face of rp2040js/: register maps and regions as peripherals of an emulated RP2040.

export { attachRp2040 } from './attach.ts';
export type { AttachableBank, Rp2040Attachment, Rp2040Options } from './attach.ts';
export type { Rp2040, Rp2040Peripheral } from './chip.ts';

// The face of bochs-display/: the display, and what its monitor says of itself.

export { bochsDisplay } from './bochs-display.ts';
export type { BochsDisplay, BochsDisplayOptions, Damage, DisplayMode, PixelFormat, Scanout } from './bochs-display.ts';
export { EDID_BYTES, edid } from './edid.ts';
export type { EdidOptions } from './edid.ts';
export { bochsDisplayRegisters } from './registers.ts';

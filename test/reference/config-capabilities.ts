// What a guest may change in the capabilities of the first 256 bytes, read from what each says of itself.
//
//   PM 01       +0 id  +2 PMC           +4 PMCSR
//   MSI 05      +0 id  +2 control       +4 address   [+8 upper half]   data, 2 bytes   [mask, pending: 4 bytes each, 8 behind the address' end]
//   Express 10  +0 id  +2 capabilities  +4 DEVCAP    +8 DEVCTL  +a DEVSTA   +c LNKCAP  +10 LNKCTL   ...   +24 DEVCAP2  +28 DEVCTL2  +2c LNKCAP2  +30 LNKCTL2
//   MSI-X 11    +0 id  +2 control       +4 table     +8 pending bits
//   AF 13       +0 id  +3 capabilities  +4 control   +5 status
//
// Source: PCI Power Management 1.2, 3.2.4; PCI Local Bus 3.0, 6.8; PCI Express 5.0, 7.5.2, 7.5.3 and 7.7; Advanced Capabilities ECN for conventional PCI

import type { ReferenceConfigBits } from './config-bits.ts';

/** What of configuration space does more than hold bits. */
export interface ActiveRegisters {
  /** Offset of PMCSR. */
  pmcsr?: number;
  /** The states that there are: D0 and D3hot, and those that PMC names. */
  states: ReadonlySet<number>;
  /** Where a one starts a reset, and reads back as zero. */
  resetBits: { readonly offset: number; readonly bit: number }[];
}

const bit = (value: number, n: number): boolean => ((value >>> n) & 1) === 1;

/** The standard list's entries, as they come. */
export function capabilityList(bytes: Uint8Array): { readonly id: number; readonly at: number }[] {
  const found: { id: number; at: number }[] = [];
  if (!bit(bytes[0x06]!, 4)) return found;
  for (let at = bytes[0x34]! & 0xfc; at >= 0x40 && !found.some((one) => one.at === at); at = bytes[at + 1]! & 0xfc) found.push({ id: bytes[at]!, at });
  return found;
}

function powerManagement(bits: ReferenceConfigBits, at: number, active: ActiveRegisters): void {
  const pmc = bits.value(at + 2, 2);
  active.pmcsr = at + 4;
  active.states = new Set([0, ...(bit(pmc, 9) ? [1] : []), ...(bit(pmc, 10) ? [2] : []), 3]);
  // PME_En (8) and PME_Status (15) are there when some state can signal it, and are its context, which resets leave.
  const signals = pmc >>> 11 !== 0;
  bits.register(at + 4, 2, { writable: 0x0003 | (signals ? 0x0100 : 0), clearedByOne: signals ? 0x8000 : 0, sticky: 0x8100 });
}

function msi(bits: ReferenceConfigBits, at: number): void {
  const control = bits.value(at + 2, 2);
  // Enable, and how many vectors.
  bits.register(at + 2, 2, { writable: 0x0071 });
  bits.register(at + 4, 4, { writable: 0xffff_fffc });
  const data = bit(control, 7) ? at + 12 : at + 8;
  if (bit(control, 7)) bits.register(at + 8, 4, { writable: 0xffff_ffff });
  bits.register(data, 2, { writable: 0xffff });
  const vectors = 2 ** ((control >>> 1) & 7);
  // Vectors that are not there have no mask.
  if (bit(control, 8)) bits.register(data + 4, 4, { writable: 2 ** Math.min(vectors, 32) - 1 });
}

function express(bits: ReferenceConfigBits, at: number, active: ActiveRegisters): void {
  const flags = bits.value(at + 2, 2);
  const [version, type] = [flags & 0xf, (flags >>> 4) & 0xf];
  const hasLink = type === 0 || type === 1;
  const devcap = bits.value(at + 4, 4);
  if (hasLink) {
    // Error reporting (3..0), relaxed ordering (4), payload (7..5), tags (8), phantom functions (9), auxiliary power (10), no snoop (11), read request (14..12).
    // No capability says whether auxiliary power can be asked for: it is taken as the table has it.
    const writable = 0x7cff | (bit(devcap, 5) ? 0x0100 : 0) | (((devcap >>> 3) & 3) !== 0 ? 0x0200 : 0);
    bits.register(at + 8, 2, { writable, start: 0x2810, sticky: 0x04e0 });
  }
  if (bit(devcap, 28)) active.resetBits.push({ offset: at + 9, bit: 7 });
  bits.register(at + 10, 2, { clearedByOne: 0x000f });
  if (hasLink) {
    const clockPower = bit(bits.value(at + 12, 4), 18) ? 0x0100 : 0;
    // ASPM (1..0), RCB (3), common clock (6), extended synch (7), clock power (8): FLR leaves all of these. Autonomous width (9) may be hardwired, and is.
    bits.register(at + 16, 2, { writable: 0x00cb | clockPower, sticky: 0xffff });
  }
  if (version < 2) return;
  const devcap2 = bits.value(at + 0x24, 4);
  let writable = 0;
  if ((devcap2 & 0xf) !== 0) writable |= 0x000f; // completion timeout ranges
  if (bit(devcap2, 4)) writable |= 0x0010; // completion timeout disable
  // Who completes AtomicOps is taken for one who asks for them: that has no bit of its own.
  if (((devcap2 >>> 7) & 7) !== 0) writable |= 0x0040;
  if (bit(devcap2, 11)) writable |= 0x0400; // LTR
  if (bit(devcap2, 17)) writable |= 0x1000; // 10-bit tags
  if (((devcap2 >>> 18) & 3) !== 0) writable |= 0x6000; // OBFF
  bits.register(at + 0x28, 2, { writable });
  const speed = bits.value(at + 12, 1) & 0xf;
  // Target speed (3..0), which starts as the highest; compliance, autonomous speed, margin; not de-emphasis (6), the other end's. With one speed all may be hardwired.
  if (hasLink && speed > 1) bits.register(at + 0x30, 2, { writable: 0xffbf, start: speed, sticky: 0xffff });
}

/** Names the rules of every capability of the standard list. */
export function standardCapabilities(bits: ReferenceConfigBits, active: ActiveRegisters): void {
  for (const { id, at } of capabilityList(bits.bytes)) {
    if (id === 0x01) powerManagement(bits, at, active);
    if (id === 0x05) msi(bits, at);
    if (id === 0x10) express(bits, at, active);
    if (id === 0x11) bits.register(at + 2, 2, { writable: 0xc000 });
    // FLR is there with the bit that says that transactions are pending, or not at all.
    if (id === 0x13 && (bits.value(at + 3, 1) & 3) === 3) active.resetBits.push({ offset: at + 4, bit: 0 });
  }
}

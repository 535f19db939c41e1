// What a guest may change in the extended capabilities, from byte 256 on.
//
//   AER 0001  +4 uncorrectable status  +8 mask  +c severity  +10 correctable status  +14 mask  +18 capabilities and control  +1c header log
//   ACS 000d  +4 capabilities (2 bytes)  +6 control (2 bytes)
//   ATS 000f  +4 capabilities (2 bytes)  +6 control (2 bytes)
//   LTR 0018  +4 maximum snoop latency (2 bytes)  +6 maximum no-snoop latency (2 bytes)
//
// Source: PCI Express 5.0, 7.8.4, 7.7.8, 10.5.1 and 7.8.2

import type { ReferenceConfigBits } from './config-bits.ts';

function errors(bits: ReferenceConfigBits, at: number, version: number): void {
  // The first version ends with unsupported requests (20): access control (21) is optional, internal errors (22) and what follows came with the second.
  const uncorrectable = version < 2 ? 0x001f_f030 : 0x07ff_f030;
  const correctable = version < 2 ? 0x31c1 : 0xf1c1;
  bits.register(at + 0x04, 4, { clearedByOne: uncorrectable, sticky: uncorrectable });
  // Prefix (25) and egress (26) blocking start as the device has them.
  const start = version < 2 ? 0 : 0x0040_0000 | (bits.value(at + 8, 4) & 0x0600_0000);
  bits.register(at + 0x08, 4, { writable: uncorrectable, start, sticky: uncorrectable });
  // Fatal: data link protocol, surprise down, flow control, overflow, malformed; internal errors.
  bits.register(at + 0x0c, 4, { writable: uncorrectable, start: version < 2 ? 0x0006_2030 : 0x0046_2030, sticky: uncorrectable });
  bits.register(at + 0x10, 4, { clearedByOne: correctable, sticky: correctable });
  // Masked at first: advisory non-fatal, internal, header log overflow.
  bits.register(at + 0x14, 4, { writable: correctable, start: 0xe000 & correctable, sticky: correctable });
  const control = bits.value(at + 0x18, 4);
  // Each enable is one above its capability: ECRC generation, ECRC check, multiple headers.
  const enables = (control & 0x02a0) << 1;
  bits.register(at + 0x18, 4, { writable: enables, sticky: enables });
}

/** The extended list's entries, as they come. */
export function extendedCapabilityList(bytes: Uint8Array): { readonly id: number; readonly version: number; readonly at: number }[] {
  const found: { id: number; version: number; at: number }[] = [];
  const next = (at: number): number => (bytes[at + 2]! >> 4) | ((bytes[at + 3]! & 0xff) << 4);
  for (let at = 0x100; at >= 0x100 && at < bytes.length && !found.some((one) => one.at === at); at = next(at) & 0xffc) {
    found.push({ id: bytes[at]! | (bytes[at + 1]! << 8), version: bytes[at + 2]! & 0xf, at });
  }
  return found;
}

/** Names the rules of every capability of the extended list. */
export function extendedCapabilities(bits: ReferenceConfigBits): void {
  for (const { id, version, at } of extendedCapabilityList(bits.bytes)) {
    if (id === 0x0001) errors(bits, at, version);
    // A service that is not there has no enable.
    if (id === 0x000d) bits.register(at + 6, 2, { writable: bits.value(at + 4, 2) & 0x7f });
    if (id === 0x000f) bits.register(at + 6, 2, { writable: 0x801f });
    for (const latency of id === 0x0018 ? [at + 4, at + 6] : []) bits.register(latency, 2, { writable: 0x1fff });
  }
}

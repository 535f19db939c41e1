// Ports of the PC's ACPI hot-plug controller, which v86 does not have: they float, and read all ones.
//
//   ae00 up   ae04 down   ae08 eject   ae0c removable   ... ae1f
//
// With `acpi: true` and a BIOS that describes the controller, a kernel takes all ones as "every slot is to be ejected", and does it. So they read 0 while cards are there.

import type { V86Internals, V86Port } from './internals.ts';
import type { Overrides } from './override.ts';

const FIRST = 0xae00;
const LAST = 0xae1f;

/** Has the controller's ports read 0, unless they are somebody's, or there is no ACPI. */
export function overrideAcpiHotplug({ cpu, io }: V86Internals, overrides: Overrides): void {
  if (cpu.acpi_enabled[0] === 0) return;
  for (let port = FIRST; port <= LAST; port++) {
    const before = io.ports[port]!;
    // v86's entry of a port that is nobody's has no device.
    if (before.device !== undefined) continue;
    const ours: V86Port = { ...before, read8: () => 0, read16: () => 0, read32: () => 0 };
    io.ports[port] = ours;
    overrides.add(() => {
      if (io.ports[port] === ours) io.ports[port] = before;
    });
  }
}

// Interrupt lines that pins share. v86 sets and clears a line and forgets who did; its controllers forget the request of a line that falls. So a line falls when no card
// holds it any more, and not before.
//
//   00:05.0 pin A --+
//   00:09.0 pin A --+-- PIRQ A --+-- line 11        05 falls, 09 is up: the line stays up
//   00:06.0 pin A ------ PIRQ B -+                  two PIRQs may be led to one line
//
//   register of the PIRQ, in the PCI-to-ISA bridge: 0x60 + ((pin - 1 + device - 1) & 3), pin 1 for A
//
// A function of v86's own on the line cannot be asked whether it holds it: it takes no interrupt of a card, but a card that falls last takes its. Source: 82371SB PIIX3, 4.1.

import type { V86Internals, V86Pci } from './internals.ts';
import type { Overrides } from './override.ts';
import { lowerPin, raisePin } from './processor-interrupts.ts';

const ISA_BRIDGE = 0x08;
const ROUTES = 0x60 >> 2;
const PIN = 0x3c >> 2;

/** The interrupt line that the pin of a function leads to; undefined for a function that is not there. */
function lineOf({ device_spaces: spaces }: V86Pci, devfn: number): number | undefined {
  const space = spaces[devfn];
  const routes = spaces[ISA_BRIDGE];
  if (space === undefined || routes === undefined) return undefined;
  const pin = (space[PIN]! >> 8) & 0xff;
  return (routes[ROUTES]! >>> (8 * ((pin + (devfn >> 3) - 2) & 3))) & 0xff;
}

/** The lines of one emulator, as far as its cards' pins lead to them. */
export class PinLines {
  private readonly internals: V86Internals;
  private readonly up: () => readonly number[];
  private isRerouting = false;

  /** @param up the functions whose pins are up now. */
  constructor(internals: V86Internals, up: () => readonly number[]) {
    this.internals = internals;
    this.up = up;
  }

  /** Has lines that a card holds stay up, whoever lowers his pin, until `overrides` are restored. */
  override(overrides: Overrides): void {
    overrides.replace(this.internals.pci, 'lower_irq', (original) => (devfn) => {
      if (this.isRerouting || !this.isHeld(devfn)) original(devfn);
    });
  }

  private isHeld(devfn: number): boolean {
    const { pci } = this.internals;
    const line = lineOf(pci, devfn);
    return line !== undefined && this.up().some((other) => other !== devfn && lineOf(pci, other) === line);
  }

  /** Runs `write`, which may lead pins elsewhere: old lines fall, and the new ones are what the pins are. */
  reroute(write: () => void): void {
    const up = this.up();
    this.isRerouting = true;
    for (const devfn of up) lowerPin(this.internals, devfn);
    this.isRerouting = false;
    try {
      write();
    } finally {
      for (const devfn of up) raisePin(this.internals, devfn);
    }
  }
}

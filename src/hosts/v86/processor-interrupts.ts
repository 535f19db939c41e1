// Raising interrupts at v86's processor so that no guest comes to harm.
//
// Inside an access of the guest, v86 would deliver at once, in the middle of the instruction, and code that was compiled does not survive that. So the interrupt flag is
// off while an interrupt is raised there: the controllers remember it, and the processor looks at them again before it goes on to the next run of instructions.
// Outside, the processor sleeps or waits its turn, and delivering at once is what wakes it.
//
// The second trap is v86's interrupt controller: a level at its second half that falls before it was acknowledged leaves the request of the cascade in the first half set. Acknowledged
// later, it is in service for nobody, nobody ends it, and half of all interrupts are dead. So the request is taken back when nothing stands behind it.
//
//   state of a controller, in bytes   00 enabled   01 base   02 in service   03 requested
//   local APIC, from 0x40 on          requested, one bit per vector, 256

import type { V86Internals } from './internals.ts';

const FLAG_INTERRUPT = 0x200;
const ENABLED = 0;
const REQUESTED = 3;
const CASCADE = 1 << 2;
const APIC_REQUESTED = 0x40;
const FIRST_VECTOR = 16;
const LOWEST_PRIORITY = 1;

/** Runs `raise` so that nothing is delivered inside an instruction of the guest. */
function betweenInstructions({ machine, cpu }: V86Internals, raise: () => void): void {
  const enabled = cpu.flags[0]! & FLAG_INTERRUPT;
  if (machine.idle || enabled === 0) {
    raise();
    return;
  }
  cpu.flags[0] = cpu.flags[0]! & ~FLAG_INTERRUPT;
  try {
    raise();
  } finally {
    cpu.flags[0] = cpu.flags[0] | enabled;
  }
}

/** Raises the pin of a function. */
export function raisePin(internals: V86Internals, devfn: number): void {
  betweenInstructions(internals, () => internals.pci.raise_irq(devfn));
}

/** Lowers the pin of a function. */
export function lowerPin(internals: V86Internals, devfn: number): void {
  const { cpu, pci } = internals;
  betweenInstructions(internals, () => pci.lower_irq(devfn));
  const bytes = new Uint8Array(cpu.wasm_memory.buffer);
  const slave = cpu.get_pic_addr_slave() >>> 0;
  const master = cpu.get_pic_addr_master() >>> 0;
  if ((bytes[slave + REQUESTED]! & bytes[slave + ENABLED]!) === 0) bytes[master + REQUESTED] = bytes[master + REQUESTED]! & ~CASCADE;
}

/** What became of a message. */
export type MessageEnd = 'sent' | 'lost' | 'not-interrupt';

/** Whether an address is one of those at which the local APIC takes messages: 0xfeexxxxx. */
function isApic(address: bigint): boolean {
  return address >> 20n === 0xfeen;
}

/** The vector that a message asks for; undefined for what is no interrupt of a vector: 0 to 15 are exceptions, and an APIC takes none of them. */
function vectorOf(data: number): number | undefined {
  const vector = data & 0xff;
  return ((data >> 8) & 7) <= LOWEST_PRIORITY && vector >= FIRST_VECTOR ? vector : undefined;
}

/**
 * Delivers a message: a write of `data` to `address`. There is one processor, and it takes them all.
 *
 *   data   15 trigger | 14 level | 10..8 delivery: 0 fixed, 1 lowest priority; others are no vector's | 7..0 vector, 16 to 255
 *
 * @returns `lost` without `acpi: true`, or for what is no interrupt of a vector; `not-interrupt` for an address of memory. Source: Intel SDM 3A, 10.5.2 and 10.11.2.
 */
export function sendMessage(internals: V86Internals, address: bigint, data: number): MessageEnd {
  const { cpu, machine } = internals;
  if (!isApic(address)) return 'not-interrupt';
  const vector = vectorOf(data);
  if (vector === undefined || cpu.acpi_enabled[0] === 0) return 'lost';
  const requested = new Uint32Array(cpu.wasm_memory.buffer, (cpu.get_apic_addr() >>> 0) + APIC_REQUESTED, 8);
  requested[vector >> 5] = (requested[vector >> 5]! | (1 << (vector & 31))) >>> 0;
  // In the middle of a run of instructions the processor looks by itself.
  if (machine.idle) cpu.handle_irqs();
  return 'sent';
}

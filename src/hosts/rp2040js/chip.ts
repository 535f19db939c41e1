// What is used of rp2040js, and whether the chip that was given is one that has it.

import { hex, integer, shown } from '../../core/index.ts';

/** A peripheral as rp2040js knows it. Offsets are bytes from the first of its 16384 addresses on; values may come as signed numbers. */
export interface Rp2040Peripheral {
  /** A read of any width, anywhere in the 16384 bytes. */
  readUint32(offset: number): number;
  /** A plain write; this version of rp2040js makes none. */
  writeUint32(offset: number, value: number): void;
  /** A write of any width, its bytes repeated to 32 bits: plain (0), xor (1), set (2) or clear (3). The offset lies in 0..4095. */
  writeUint32Atomic(offset: number, value: number, atomicType: number): void;
}

/** What an `RP2040` of rp2040js has that is used here. */
export interface Rp2040 {
  /** By `(address >>> 14) << 2`. */
  readonly peripherals: Record<number, Rp2040Peripheral>;
  setInterrupt(irq: number, value: boolean): void;
  readUint32(address: number): number;
  writeUint32(address: number, value: number): void;
  writeUint8(address: number, value: number): void;
}

/** Bytes of addresses that one peripheral has: its registers four times over. @internal */
export const SLOT_BYTES = 0x4000;
const LAST_SLOT = 0xffff_c000;

// Asked for before peripherals are: by reads in any case.
const OWN = [
  ['the boot ROM', 0x0000_0000, 0x0000_3fff],
  ['flash', 0x1000_0000, 0x13ff_ffff],
  ['SRAM', 0x2000_0000, 0x2004_1fff],
  ['the memory of the USB controller', 0x5010_0000, 0x5010_0fff],
  ['SIO', 0xd000_0000, 0xdfff_ffff],
  ['the processor itself', 0xe000_e000, 0xe000_efff],
] as const;

/** The chip, if it has everything. TypeError that names what is missing. @internal */
export function checkChip(value: unknown): Rp2040 {
  if (typeof value !== 'object' || value === null) throw new TypeError(`attachRp2040: mcu is ${shown(value)}; expected an RP2040 of rp2040js`);
  const chip = value as Partial<Record<keyof Rp2040, unknown>>;
  const missing = (['setInterrupt', 'readUint32', 'writeUint32', 'writeUint8'] as const).filter((name) => typeof chip[name] !== 'function').map((name) => `${name}()`);
  if (typeof chip.peripherals !== 'object' || chip.peripherals === null) missing.unshift('peripherals');
  if (missing.length > 0) throw new TypeError(`attachRp2040: mcu has no ${missing.join(', no ')}; expected an RP2040 of rp2040js 1.4, which of a Simulator is its rp2040`);
  return value as Rp2040;
}

/** The address, if a peripheral can be there. RangeError that says what else is. @internal */
export function checkAddress(value: unknown): number {
  const address = integer('attachRp2040: address', value, 0, LAST_SLOT);
  if (address % SLOT_BYTES !== 0) throw new RangeError(`attachRp2040: address is ${hex(address)}; expected a multiple of ${hex(SLOT_BYTES)}`);
  const own = OWN.find(([, first, last]) => address <= last && first < address + SLOT_BYTES);
  if (own !== undefined) throw new RangeError(`attachRp2040: address is ${hex(address)}, where ${own[0]} is: ${hex(own[1])} to ${hex(own[2])}`);
  return address;
}

/** Where rp2040js looks for the peripheral of an address. @internal */
export function slotOf(address: number): number {
  return (address >>> 14) << 2;
}

/**
 * Reads and writes a peripheral that only listens, through the chip: a version that numbers, aliases or repeats otherwise is refused before it does harm. What was
 * in the slot is there again afterwards.
 *
 * @throws TypeError with what arrived instead.
 * @internal
 */
export function checkBus(chip: Rp2040, address: number): void {
  const heard: string[] = [];
  const listener: Rp2040Peripheral = {
    readUint32: (offset) => heard.push(`read ${hex(offset & 0xfff)}`),
    writeUint32: (offset) => heard.push(`plain write ${hex(offset)}`),
    writeUint32Atomic: (offset, value, type) => heard.push(`write ${hex(offset)} = ${hex(value >>> 0)} type ${type}`),
  };
  const restore = place(chip, address, listener);
  try {
    chip.readUint32(address + 0x2008);
    for (const type of [0, 1, 2, 3]) chip.writeUint32(address + 0x1000 * type + 4, 0x8000_0001);
    chip.writeUint8(address + 0x3005, 0xa5);
  } finally {
    restore();
  }
  const wanted = ['read 0x8', ...[0, 1, 2, 3].map((type) => `write 0x4 = 0x80000001 type ${type}`), 'write 0x4 = 0xa5a5a5a5 type 3'];
  const wrong = wanted.findIndex((one, i) => heard[i] !== one);
  if (wrong >= 0 || heard.length !== wanted.length) {
    throw new TypeError(`attachRp2040: peripherals[${hex(slotOf(address))}] of this mcu heard "${heard[Math.max(wrong, 0)] ?? 'nothing'}"; expected "${wanted[Math.max(wrong, 0)]!}", as with rp2040js 1.4`);
  }
}

/** Puts a peripheral in the slot of an address; answers what puts back what was there, unless somebody else is there by then. @internal */
export function place(chip: Rp2040, address: number, peripheral: Rp2040Peripheral): () => void {
  const slot = slotOf(address);
  const { peripherals } = chip;
  const before = Object.getOwnPropertyDescriptor(peripherals, slot);
  peripherals[slot] = peripheral;
  return () => {
    if (peripherals[slot] !== peripheral) return;
    if (before === undefined) Reflect.deleteProperty(peripherals, slot);
    else Object.defineProperty(peripherals, slot, before);
  };
}

// A register map, or any region, as a peripheral of rp2040js.
//
//   address + 0000  | plain |   each alias: the first 4096 bytes of the region, from `position` on
//           + 1000  | xor   |   what is beyond the region's end reads all ones and drops writes
//           + 2000  | set   |   bits 1..0 of an offset are dropped: a peripheral's registers are words
//           + 3000  | clear |   reads of the aliases are reads of the register

import { Region, Space, hex, shown, u64 } from '../../core/index.ts';
import type { BankRegion, U64 } from '../../core/index.ts';
import type { BankModel, InterruptListener } from '../../registers/index.ts';
import { checkAddress, checkBus, checkChip, place, slotOf } from './chip.ts';
import type { Rp2040, Rp2040Peripheral } from './chip.ts';
import { checkWires, drive } from './interrupts.ts';

const ALIAS_BYTES = 0x1000;
const WORD = 0xffc;
const ALL_ONES = 0xffff_ffff;
const XOR = 1;
const SET = 2;
const CLEAR = 3;

/** What is used of a `RegisterBank`, whatever its map. */
export interface AttachableBank {
  /** What the registers are. */
  readonly map: BankModel;
  /** Where they are. */
  readonly region: BankRegion;
  /** Hears of interrupts; answers what ends that. */
  listen(listener: InterruptListener): () => void;
}

/** What is attached, and where. Either `bank` or `region`. */
export interface Rp2040Options {
  /** First address: a multiple of 0x4000 where rp2040js has no memory of its own. What is there steps aside until `detach`. */
  readonly address: number;
  /** What `registerBank` answered. */
  readonly bank?: AttachableBank;
  /** Any region of an engine. It has no interrupts. */
  readonly region?: Region;
  /** Where in the region the peripheral begins, in bytes. Default 0. */
  readonly position?: U64;
  /** For lines of the bank, which interrupt of the processor they are: 0..25 for levels, 26..31 for edges. Lines left out go nowhere. */
  readonly interrupts?: Readonly<Record<number, number>>;
}

/** A peripheral while it is attached. */
export interface Rp2040Attachment {
  /** The addresses that the processor reaches it through, for counters and traces. Aliases have none of their own. */
  readonly space: Space;
  /** Puts back what was at the address and lets go of the interrupts. A second call does nothing. The bank or region stays as it is. */
  detach(): void;
}

/** Peripherals made here: one does not cover another, or they would have to go in order. */
const attached = new WeakSet<Rp2040Peripheral>();

function checkSource({ bank, region }: Rp2040Options): Region {
  if ((bank === undefined) === (region === undefined)) throw new TypeError(`attachRp2040: ${bank === undefined ? 'neither bank nor region' : 'both bank and region'} given; expected one of them`);
  const source: unknown = bank === undefined ? region : (bank as Partial<AttachableBank> | null)?.region;
  if (!(source instanceof Region)) throw new TypeError(bank === undefined ? `attachRp2040: region is ${shown(region)}; expected a region of an engine` : `attachRp2040: bank is ${shown(bank)}; expected what registerBank() answers`);
  return source;
}

/** The window of a peripheral in a space of its own, at its own address: so that traces show what the program says. */
function windowFor(address: number, region: Region, position: bigint): Space {
  if (position >= region.size) throw new RangeError(`attachRp2040: position is ${hex(position)}; ${region.name} has ${hex(region.size)} bytes`);
  const space = new Space(region.core, `rp2040 ${hex(address)}`);
  const left = region.size - position;
  try {
    space.map(address, region, { position, size: left < ALIAS_BYTES ? left : ALIAS_BYTES });
  } catch (error) {
    space.destroy();
    throw error;
  }
  return space;
}

function peripheralOf(space: Space, address: number): Rp2040Peripheral {
  // Whoever kept the peripheral, and an access whose hook detached it, still get answers.
  const read = (at: number): number => (space.gone ? ALL_ONES : space.read32(at));
  const write = (at: number, value: number): void => {
    if (!space.gone) space.write32(at, value >>> 0);
  };
  return {
    readUint32: (offset) => read(address + (offset & WORD)),
    writeUint32: (offset, value) => write(address + (offset & WORD), value),
    writeUint32Atomic(offset, value, atomicType) {
      const at = address + (offset & WORD);
      if (atomicType === XOR) write(at, read(at) ^ value);
      else if (atomicType === SET) write(at, read(at) | value);
      else if (atomicType === CLEAR) write(at, read(at) & ~value);
      else write(at, value);
    },
  };
}

/**
 * Attaches a bank, or any region, to an RP2040 of rp2040js as a peripheral.
 *
 * Every access is one of 32 bits, as on the chip: narrow writes arrive repeated, narrow reads read the register. A write through an alias is one read and then one write of the
 * register, with all that they do to it; see docs/rp2040js.md. What a hook throws leaves through whoever runs the processor.
 *
 * @param mcu - An `RP2040` of rp2040js 1.4.
 * @param options - What, where, and its interrupts. Lines that are high already are raised at once.
 * @throws TypeError for what is no chip, names what it lacks, and for what is no bank or region; RangeError for an address, a position or an interrupt that cannot be;
 *   VfioError EBADF for a region that is destroyed, ENOMEM when the core is full. Nothing is attached then.
 * @example
 * ```ts
 * import { RP2040 } from 'rp2040js';
 * import { createEngine } from 'maplebar';
 * import { registerBank, registerMap, rw } from 'maplebar/registers';
 * import { attachRp2040 } from 'maplebar/rp2040js';
 *
 * const map = registerMap('scratch', { bytes: 4 }, { WORD: { at: 0, fields: { value: rw(31, 0) } } });
 * const mcu = new RP2040();
 * const { detach } = attachRp2040(mcu, { address: 0x5040_0000, bank: registerBank(createEngine(), map) });
 * mcu.writeUint32(0x5040_2000, 0x30);
 * mcu.writeUint32(0x5040_3000, 0x10);
 * mcu.readUint32(0x5040_0000); // 0x20
 * detach();
 * ```
 * Source of the aliases and of narrow accesses: RP2040 datasheet, 2.1.2 and 2.1.4.
 */
export function attachRp2040(mcu: Rp2040, options: Rp2040Options): Rp2040Attachment {
  const chip = checkChip(mcu);
  if (typeof options !== 'object' || (options as unknown) === null) throw new TypeError(`attachRp2040: options is ${shown(options)}; expected { address, bank }`);
  const address = checkAddress(options.address);
  const region = checkSource(options);
  const { bank, interrupts } = options;
  if (bank === undefined && interrupts !== undefined) throw new TypeError('attachRp2040: interrupts given for a region; expected a bank, which has lines');
  const wires = bank === undefined ? new Map<number, number>() : checkWires(bank.map, interrupts ?? {});
  const position = u64('attachRp2040: position', options.position ?? 0);
  if (attached.has(chip.peripherals[slotOf(address)]!)) throw new RangeError(`attachRp2040: address is ${hex(address)}, where something is attached; detach it first`);
  checkBus(chip, address);

  const space = windowFor(address, region, position);
  const peripheral = peripheralOf(space, address);
  attached.add(peripheral);
  const restore = place(chip, address, peripheral);
  const whos = new Map([...wires].map(([line, irq]) => [line, { irq }]));
  const level = (line: number, high: boolean): void => {
    const who = whos.get(line);
    if (who !== undefined) drive(chip, who.irq, who, high);
  };
  const silence = bank?.listen({ level, edge: (line) => whos.has(line) && chip.setInterrupt(whos.get(line)!.irq, true) });
  for (const line of whos.keys()) level(line, ((bank!.region.levels >> BigInt(line)) & 1n) === 1n);
  let done = false;
  return {
    space,
    detach: () => {
      if (done) return;
      done = true;
      restore();
      silence?.();
      for (const line of whos.keys()) level(line, false);
      space.destroy();
    },
  };
}

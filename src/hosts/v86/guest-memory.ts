// DMA of cards into the guest's RAM, a turn later and never inside an access. What is no RAM is a fault, told to the device.
//
//   0          a0000    c0000                memory_size       4 GiB
//   |   RAM    |  VGA   |        RAM         |   nothing that a card reaches
//
// v86 is told of writes, so that code which was compiled from those bytes is forgotten.

import { hex } from '../../core/index.ts';
import type { DmaTarget } from '../../pci/index.ts';
import { VfioError } from '../../uapi/index.ts';
import type { V86Internals } from './internals.ts';

const VGA = { first: 0xa_0000n, end: 0xc_0000n } as const;

/** Whether all of a range is RAM of the guest. */
export function isGuestRam({ cpu }: V86Internals, address: bigint, bytes: number): boolean {
  const end = address + BigInt(bytes);
  return end <= BigInt(cpu.memory_size[0]!) && !(address < VGA.end && end > VGA.first);
}

function check(internals: V86Internals, call: string, address: bigint, bytes: number): void {
  if (isGuestRam(internals, address, bytes)) return;
  throw new VfioError('EFAULT', `DMA ${call}`, `${bytes} bytes at ${hex(address)} are not all RAM of the guest, which has ${hex(internals.cpu.memory_size[0]!)} bytes with VGA's memory at ${hex(VGA.first)}`);
}

/** Transfers of one card that are under way. */
export class Transfers {
  private epoch = 0;

  /** None of those that were begun reaches memory any more: the card was reset, or pulled. */
  cancel(): void {
    this.epoch++;
  }

  /** Waits a turn. VfioError ECANCELED when the transfers were cancelled meanwhile. */
  async turn(call: string, address: bigint, bytes: number): Promise<void> {
    const { epoch } = this;
    await Promise.resolve();
    if (epoch !== this.epoch) throw new VfioError('ECANCELED', `DMA ${call}`, `${bytes} bytes at ${hex(address)}: the card was reset or pulled before they arrived`);
  }
}

/** The guest's RAM as a card's DMA finds it. `told` hears of each transfer that is not all RAM, and throws nothing. */
export function guestDma(internals: V86Internals, transfers: Transfers, told: ((fault: VfioError) => void) | undefined): DmaTarget {
  const { emulator } = internals;
  const land = async (call: string, address: bigint, bytes: number, move: () => void): Promise<void> => {
    await transfers.turn(call, address, bytes);
    try {
      check(internals, call, address, bytes);
    } catch (error) {
      told?.(error as VfioError);
      throw error;
    }
    move();
  };
  return {
    tellsLanding: true,
    // The view is of memory that may grow: copied at once.
    read: (address, target) => land('read', address, target.length, () => target.set(emulator.read_memory(Number(address), target.length))),
    write: (address, source, landed) =>
      land('write', address, source.length, () => {
        emulator.write_memory(source, Number(address));
        landed?.();
      }),
  };
}

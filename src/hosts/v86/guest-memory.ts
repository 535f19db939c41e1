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

/** The guest's RAM as a card's DMA finds it. `told` hears of each transfer that is not all RAM. */
export function guestDma(internals: V86Internals, told: (fault: VfioError) => void): DmaTarget {
  const { emulator } = internals;
  const land = (call: string, address: bigint, bytes: number, move: () => void): void => {
    try {
      check(internals, call, address, bytes);
    } catch (error) {
      told(error as VfioError);
      throw error;
    }
    move();
  };
  return {
    tellsLanding: true,
    async read(address, target) {
      await Promise.resolve();
      // The view is of memory that may grow: copied at once.
      land('read', address, target.length, () => target.set(emulator.read_memory(Number(address), target.length)));
    },
    async write(address, source, landed) {
      await Promise.resolve();
      land('write', address, source.length, () => emulator.write_memory(source, Number(address)));
      landed?.();
    },
  };
}

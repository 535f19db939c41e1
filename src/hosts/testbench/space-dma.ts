// DMA into an address space: guest memory that a device reaches a turn later, never inside an access.

import { hex } from '../../core/index.ts';
import type { Space } from '../../core/index.ts';
import type { DmaTarget } from '../../pci/index.ts';
import { VfioError } from '../../uapi/index.ts';

/**
 * Guest memory behind `space`. A transfer touches all of its bytes or none: addresses that nothing claims are EFAULT.
 *
 * @example
 * ```ts
 * const card = pciDevice(engine, description, { dma: spaceDma(memory) });
 * ```
 */
export function spaceDma(space: Space): DmaTarget {
  const claimed = (call: string, address: bigint, bytes: number): void => {
    if (!space.isClaimed(address, bytes)) throw new VfioError('EFAULT', `DMA ${call}`, `${bytes} bytes at ${hex(address)}: ${space.name} has nothing there, or not all of it`);
  };
  return {
    async read(address, target) {
      await Promise.resolve();
      claimed('read', address, target.length);
      space.readBytes(address, target);
    },
    tellsLanding: true,
    async write(address, source, landed) {
      await Promise.resolve();
      claimed('write', address, source.length);
      space.writeBytes(address, source);
      landed?.();
    },
  };
}

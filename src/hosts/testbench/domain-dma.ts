// DMA through a domain of an IOMMU: what is mapped there is all that a device reaches, a turn later and never inside an access.

import { IommuFault } from '../../core/index.ts';
import type { IommuDomain } from '../../core/index.ts';
import type { DmaTarget } from '../../pci/index.ts';
import { VfioError } from '../../uapi/index.ts';

/**
 * Memory as `domain` shows it. A transfer lands on what is mapped when it lands, all of it or nothing: what is unmapped by then is EFAULT, and stays as it is.
 *
 * @param told hears of each transfer that the domain does not let through.
 * @example
 * ```ts
 * const domain = engine.iommuDomain();
 * domain.map(0x1000, 0x1000, { region: memory, position: 0, readable: true, writable: true });
 * const card = pciDevice(engine, description, { dma: domainDma(domain) });
 * ```
 */
export function domainDma(domain: IommuDomain, told: (fault: IommuFault) => void = () => undefined): DmaTarget {
  const land = (call: string, address: bigint, move: () => void): void => {
    try {
      move();
    } catch (error) {
      if (!(error instanceof IommuFault)) throw error;
      told(error);
      throw new VfioError('EFAULT', `DMA ${call}`, `at 0x${address.toString(16)}: ${error.message}`);
    }
  };
  return {
    async read(address, target) {
      await Promise.resolve();
      land('read', address, () => domain.read(address, target));
    },
    tellsLanding: true,
    async write(address, source, landed) {
      await Promise.resolve();
      land('write', address, () => domain.write(address, source));
      landed?.();
    },
  };
}

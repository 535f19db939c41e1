// Feature DMA_BUF of Linux 7.2: whole pages of a BAR as a dma-buf, whose fd other drivers import. Behaviour text, section 9, DMA_BUF.
//
//   region_index open_flags flags nr_ranges | { offset, length } * nr_ranges  -->  the result: a new fd, and nothing is written
//   0            4          8     12          16   0       8

import { VFIO_DEVICE_FEATURE_DMA_BUF, VFIO_DEVICE_FEATURE_GET, vfio_device_feature_dma_buf } from '../uapi/index.ts';
import { newFd } from './calls.ts';
import type { VfioCalls } from './calls.ts';
import { FeatureClient } from './feature.ts';
import type { RegionArea } from './region.ts';

// asm-generic/fcntl.h
const O_RDWR = 0x2;
const O_CLOEXEC = 0x8_0000;

/**
 * Feature 11 of Linux 7.2. ENOTTY in v6.14, where a proposal may have its number: {@link AliasRegionFeature}.
 *
 * A probe of a device whose BARs other devices cannot reach fails: VfioError EOPNOTSUPP.
 *
 * @example
 * ```ts
 * client.feature.dmaBuf.probe(); // { get: true, set: false }
 * ```
 */
export class DmaBufFeature extends FeatureClient {
  /** @internal */
  constructor(calls: VfioCalls, fd: number) {
    super(calls, fd, VFIO_DEVICE_FEATURE_DMA_BUF, 'DMA_BUF');
  }

  /**
   * Makes a dma-buf of parts of a BAR, in their order. It is revoked while the device does not answer memory accesses, and for good at the device's last close.
   *
   * @param region - Index of the BAR, 0 to 5.
   * @param ranges - At least one; offsets from the start of the BAR and sizes in bytes, each a multiple of 4096.
   * @param openFlags - Of the new file, as for open(2): O_RDONLY 0, O_WRONLY 1, O_RDWR 2, O_CLOEXEC 0x80000. Default O_RDWR | O_CLOEXEC.
   * @returns A new fd, which its user closes. It can be imported, and neither read, written nor mapped.
   * @throws VfioError ENOTTY before Linux 6.19; EOPNOTSUPP when other devices cannot reach the BARs; EINVAL for no ranges, a range that is no whole pages, or one that passes the
   *   end of the BAR; ENODEV for a region that is no BAR, or a BAR of ports; ENOMEM for more than 4 MiB of ranges; EMFILE; EBADF.
   * @throws RangeError, TypeError for what a 32-bit index or 64-bit offset cannot be. VfioAnswerError for a result that is no new fd.
   * @example
   * ```ts
   * const fd = client.feature.dmaBuf.get(0, [{ offset: 0x1000n, size: 0x1000n }, { offset: 0n, size: 0x1000n }]);
   * process.dmaBuf(fd).size; // 8192n
   * process.close(fd);
   * ```
   */
  get(region: number, ranges: readonly RegionArea[], openFlags: number = O_RDWR | O_CLOEXEC): number {
    const payload = vfio_device_feature_dma_buf.encode({
      region_index: region,
      open_flags: openFlags,
      nr_ranges: ranges.length,
      dma_ranges: ranges.map(({ offset, size }) => ({ offset, length: size })),
    });
    return newFd(`VFIO_DEVICE_FEATURE ${this.name}`, this.fd, () => this.request(VFIO_DEVICE_FEATURE_GET, payload));
  }
}

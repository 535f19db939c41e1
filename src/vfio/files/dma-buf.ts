// A dma-buf: a part of a device's memory as a file of its own, which outlives the files of the device.
//
// Source: drivers/dma-buf/dma-buf.c dma_buf_mmap_internal, dma_buf_llseek; samples/vfio-mdev/mbochs.c mbochs_mmap_dmabuf

import type { Region } from '../../core/index.ts';
import { VfioError } from '../../uapi/index.ts';
import type { MappedRange } from './mapped-range.ts';
import { OpenFile } from './open-file.ts';

const PAGE_BITS = 12n;
const PAGE = 1n << PAGE_BITS;

/** What it shows. @internal */
export interface BufferBytes {
  readonly region: Region;
  readonly position: bigint;
  readonly size: bigint;
}

/** The file behind a dma-buf's fd. @internal */
export class DmaBufFile extends OpenFile {
  readonly kind = 'dma-buf';
  private readonly bytes: BufferBytes;
  private readonly onClose: () => void;

  constructor(bytes: BufferBytes, onClose: () => void) {
    super();
    this.bytes = bytes;
    this.onClose = onClose;
  }

  protected override closed(): void {
    this.onClose();
  }

  access(call: string): number {
    throw new VfioError('EINVAL', call, 'a dma-buf is mapped, neither read nor written');
  }

  /** Whole pages of it: what is left of a last one cannot be mapped. */
  override map(offset: bigint, length: bigint, isShared: boolean): MappedRange {
    const { region, position, size } = this.bytes;
    const pages = (length + PAGE - 1n) >> PAGE_BITS;
    if ((offset >> PAGE_BITS) + pages > size >> PAGE_BITS) {
      throw new VfioError('EINVAL', 'mmap', `0x${length.toString(16)} bytes at 0x${offset.toString(16)} pass the last whole page of 0x${size.toString(16)} bytes`);
    }
    if (!isShared) throw new VfioError('EINVAL', 'mmap', 'a buffer of a device is mapped MAP_SHARED');
    return { bytes: region, region: undefined, position: position + offset, memoryType: 'uncached' };
  }

  /** Its size, as lseek(fd, 0, SEEK_END). */
  override seek(): number {
    return Number(this.bytes.size);
  }
}

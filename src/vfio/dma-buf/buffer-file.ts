// A dma-buf that is a part of a device's memory, to be mapped: a file of its own, which outlives the files of the device.
//
// Source: drivers/dma-buf/dma-buf.c dma_buf_mmap_internal; samples/vfio-mdev/mbochs.c mbochs_mmap_dmabuf

import type { Region } from '../../core/index.ts';
import { VfioError } from '../../uapi/index.ts';
import type { MappedRange } from '../files/mapped-range.ts';
import { DmaBufFile } from './dma-buf-file.ts';

const PAGE_BITS = 12n;
const PAGE = 1n << PAGE_BITS;

/** What it shows. @internal */
export interface BufferBytes {
  readonly region: Region;
  readonly position: bigint;
  readonly size: bigint;
}

/** The file behind the fd. @internal */
export class BufferFile extends DmaBufFile {
  private readonly bytes: BufferBytes;

  constructor(bytes: BufferBytes, onClose: () => void) {
    super(bytes.size, onClose);
    this.bytes = bytes;
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
}

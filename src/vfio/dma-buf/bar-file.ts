// The file of a dma-buf that is made of parts of a BAR: it is handed to drivers that import it, and neither mapped, read nor written. Behaviour text, section 9, DMA_BUF.
//
// Source: drivers/dma-buf/dma-buf.c dma_buf_mmap_internal, dma_buf_llseek; drivers/vfio/pci/vfio_pci_dmabuf.c of 7.2

import { VfioError } from '../../uapi/index.ts';
import type { MappedRange } from '../files/mapped-range.ts';
import { OpenFile } from '../files/open-file.ts';
import type { VfioDmaBuf } from './bar-buffer.ts';

/** The file behind the fd. @internal */
export class BarDmaBufFile extends OpenFile {
  readonly kind = 'dma-buf';
  readonly buffer: VfioDmaBuf;
  private readonly onClose: () => void;

  constructor(buffer: VfioDmaBuf, onClose: () => void) {
    super();
    this.buffer = buffer;
    this.onClose = onClose;
  }

  protected override closed(): void {
    this.onClose();
    this.buffer.end();
  }

  access(call: string): number {
    throw new VfioError('EINVAL', call, 'a dma-buf is neither read nor written');
  }

  override map(): MappedRange {
    throw new VfioError('EINVAL', 'mmap', 'a dma-buf of a BAR is imported by drivers, and not mapped');
  }

  /** Its size, as lseek(fd, 0, SEEK_END). */
  override seek(): number {
    return Number(this.buffer.size);
  }
}

// The file of a dma-buf that is made of parts of a BAR: it is handed to drivers that import it, and cannot be mapped. Behaviour text, section 9, DMA_BUF.
//
// Source: drivers/vfio/pci/vfio_pci_dmabuf.c of 7.2; linux/fs.h OPEN_FMODE

import { VfioError } from '../../uapi/index.ts';
import type { MappedRange } from '../files/mapped-range.ts';
import { atEnd } from '../model-error.ts';
import type { VfioDmaBuf } from './bar-buffer.ts';
import { DmaBufFile } from './dma-buf-file.ts';

const O_WRONLY = 1;
const O_ACCMODE = 3;

/** The file behind the fd. @internal */
export class BarDmaBufFile extends DmaBufFile {
  readonly buffer: VfioDmaBuf;
  override readonly readOnly: boolean;
  override readonly writeOnly: boolean;

  /** @param openFlags - O_RDONLY, O_WRONLY or O_RDWR, and others; with both of the lower bits it is open for neither. */
  constructor(buffer: VfioDmaBuf, openFlags: number, onClose: () => void) {
    super(buffer.size, () => atEnd([onClose, () => buffer.end()]));
    this.buffer = buffer;
    const mode = openFlags & O_ACCMODE;
    this.readOnly = mode === 0 || mode === O_ACCMODE;
    this.writeOnly = mode === O_WRONLY || mode === O_ACCMODE;
  }

  override map(): MappedRange {
    throw new VfioError('EINVAL', 'mmap', 'a dma-buf of a BAR is imported by drivers, and not mapped');
  }
}

// The file of a dma-buf, whatever is in it: it has a size, and is neither read nor written.
//
// Source: drivers/dma-buf/dma-buf.c dma_buf_fops, dma_buf_llseek

import { VfioError } from '../../uapi/index.ts';
import { OpenFile } from '../files/open-file.ts';

/** @internal */
export abstract class DmaBufFile extends OpenFile {
  readonly kind = 'dma-buf';
  private readonly size: bigint;
  private readonly onClose: () => void;

  /** @param size - Bytes. */
  constructor(size: bigint, onClose: () => void) {
    super();
    this.size = size;
    this.onClose = onClose;
  }

  protected override closed(): void {
    this.onClose();
  }

  access(call: string): number {
    throw new VfioError('EINVAL', call, 'a dma-buf is neither read nor written');
  }

  /** Its size, as lseek(fd, 0, SEEK_END). */
  override seek(): number {
    return Number(this.size);
  }
}

// The fd table of a process: which number stands for which open file. Behaviour text, section 4.1.

import { VfioError } from '../../uapi/index.ts';
import type { VfioDmaBuf } from '../dma-buf/bar-buffer.ts';
import { BarDmaBufFile } from '../dma-buf/bar-file.ts';
import { atEnd } from '../model-error.ts';
import { EventFd } from './eventfd.ts';
import { GroupFile } from './group.ts';
import type { OpenFile } from './open-file.ts';

// 0 to 2 are the standard streams.
const FIRST = 3;

/** Fds from 3 to `limit` - 1. Each holds a reference to its file. @internal */
export class FdTable {
  private readonly owner: string;
  private readonly limit: number;
  private readonly files: (OpenFile | undefined)[] = [];

  constructor(owner: string, limit: number) {
    this.owner = owner;
    this.limit = limit;
  }

  find(fd: number): OpenFile | undefined {
    return typeof fd === 'number' ? this.files[fd] : undefined;
  }

  /** VfioError EBADF. */
  file(call: string, fd: number): OpenFile {
    if (typeof fd !== 'number') throw new TypeError(`${call}: fd is ${String(fd)}; expected a number`);
    const file = this.files[fd];
    if (file === undefined) throw new VfioError('EBADF', call, `fd ${fd} is not open`);
    return file;
  }

  /** VfioError EBADF, EINVAL. */
  eventfd(call: string, fd: number): EventFd {
    const file = this.file(call, fd);
    if (!(file instanceof EventFd)) throw new VfioError('EINVAL', call, `fd ${fd} is of a ${file.kind} file; expected an eventfd`);
    return file;
  }

  /** The IOMMU group behind an fd. VfioError EBADF, EINVAL. */
  group(call: string, fd: number): number {
    const file = this.file(call, fd);
    if (!(file instanceof GroupFile)) throw new VfioError('EINVAL', call, `fd ${fd} is of a ${file.kind} file; expected a group`);
    return file.id;
  }

  /** The buffer behind an fd. VfioError EBADF, EINVAL. */
  dmaBuf(call: string, fd: number): VfioDmaBuf {
    const file = this.file(call, fd);
    if (!(file instanceof BarDmaBufFile)) throw new VfioError('EINVAL', call, `fd ${fd} is of a ${file.kind} file; expected a dma-buf of a BAR`);
    return file.buffer;
  }

  /** VfioError EMFILE. */
  lowestFree(call: string): number {
    let fd = FIRST;
    while (this.files[fd] !== undefined) fd++;
    if (fd >= this.limit) throw new VfioError('EMFILE', call, `${this.owner} has ${this.limit} fds open`);
    return fd;
  }

  /** Gives a file the lowest free fd. VfioError EMFILE. */
  install(call: string, file: OpenFile): number {
    const fd = this.lowestFree(call);
    this.files[fd] = file.hold();
    return fd;
  }

  /** The same for a file that nobody else holds: without an fd it is closed. */
  installOrClose(call: string, file: OpenFile): number {
    try {
      return this.install(call, file);
    } catch (error) {
      file.hold().release();
      throw error;
    }
  }

  /** VfioError EBADF. */
  remove(call: string, fd: number): void {
    const file = this.file(call, fd);
    this.files[fd] = undefined;
    file.release();
  }

  closeAll(): void {
    atEnd(this.files.splice(0).flatMap((file) => (file === undefined ? [] : () => file.release())));
  }

  /** Ascending. */
  get fds(): number[] {
    return this.files.flatMap((file, fd) => (file === undefined ? [] : fd));
  }
}

// A process: an fd table and a memory, and the system calls that a VFIO program makes. Behaviour text, sections 1.0, 4.1 and 4.7.

import { integer } from '../core/index.ts';
import type { Engine, Space, U64 } from '../core/index.ts';
import { VfioError } from '../uapi/index.ts';
import { DeviceFile } from './device-file.ts';
import type { OpenOptions } from './device-file.ts';
import { VfioDevice } from './device.ts';
import type { VfioDmaBuf } from './dma-buf/bar-buffer.ts';
import { EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE, EventFd } from './files/eventfd.ts';
import { FdTable } from './files/fd-table.ts';
import { GroupFile } from './files/group.ts';
import type { Capability, CallingProcess, OpenFile } from './files/open-file.ts';
import type { VfioHost } from './host/host.ts';
import { LockedMemory } from './locked-memory.ts';
import { POLLERR, POLLHUP, POLLNVAL } from './files/poll.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from './mman.ts';
import { mapPages, unmapPages } from './mmap.ts';
import { atEnd } from './model-error.ts';
import { pinnedPages } from './pinned-pages.ts';
import type { ProcessOptions } from './process-options.ts';
import { openOptions } from './proposals/options.ts';
import type { DeviceFileOptions } from './proposals/options.ts';
import { ProcessMemory } from './process-memory.ts';
import type { Mapping } from './process-memory.ts';
import { rawCalls } from './raw-calls.ts';
import type { RawCalls } from './raw-calls.ts';
import { fileOffset, readAt, seekable, writeAt } from './transfers.ts';
import { userMemory } from './user-memory.ts';
import type { UserBuffer, UserPointer } from './user-memory.ts';

const ALL_CAPABILITIES: readonly Capability[] = ['CAP_IPC_LOCK', 'CAP_SYS_RAWIO', 'CAP_SYS_RESOURCE'];

/**
 * A simulated process. Its calls throw {@link VfioError} with the errno that Linux gives, and TypeError or RangeError for arguments that no C program could pass;
 * {@link Process.raw} has the same calls with results as in C: a number, negative errno, never an exception.
 *
 * @example
 * ```ts
 * const process = new Process(engine);
 * const fd = process.open(device);
 * const info = new Uint8Array(32);
 * vfio_region_info.encode({ argsz: 32, index: 0 }, info);
 * process.ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, info);
 * const { offset } = vfio_region_info.decode(info);
 * process.pread(fd, new Uint8Array(4), offset); // 4
 * ```
 */
export class Process {
  readonly name: string;
  /** The same calls with C's results. */
  readonly raw: RawCalls;
  private readonly engine: Engine;
  private readonly files: FdTable;
  private readonly opens: DeviceFileOptions;
  private readonly mappings: ProcessMemory;
  private readonly forFiles: CallingProcess;
  private readonly host: VfioHost | undefined;
  private ended = false;

  constructor(engine: Engine, options: ProcessOptions = {}) {
    this.engine = engine;
    this.name = options.name ?? 'process';
    this.files = new FdTable(this.name, integer('Process: maxFds', options.maxFds ?? 1024, 4, 2 ** 20));
    this.opens = options.opens ?? {};
    this.host = options.host;
    const capabilities = new Set(options.capabilities ?? ALL_CAPABILITIES);
    this.mappings = new ProcessMemory(engine, this.name);
    this.raw = rawCalls(this);
    this.forFiles = {
      name: this.name,
      identity: this,
      locked: new LockedMemory(integer('Process: maxLockedBytes', options.maxLockedBytes ?? 2 ** 23, 0, Number.MAX_SAFE_INTEGER), () => capabilities.has('CAP_IPC_LOCK')),
      opens: this.opens,
      hasCapability: (capability) => capabilities.has(capability),
      lowestFreeFd: (call) => this.files.lowestFree(call),
      file: (call, fd) => this.files.file(call, fd),
      pin: (call, address, bytes, how) => this.mappings.pin(call, address, bytes, how),
      eventfd: (call, fd) => this.files.eventfd(call, fd),
      group: (call, fd) => this.files.group(call, fd),
      install: (call, file) => this.files.installOrClose(call, file),
      uninstall: (fd) => this.files.remove('ioctl', fd),
      memoryAt: (address) => userMemory('ioctl', this.memory, address),
      pages: pinnedPages(this.memory, (address) => this.mappings.mayPin(address)),
    };
  }

  /** The process's address space: what is mapped can be read and written here. */
  get memory(): Space {
    return this.mappings.space;
  }

  private alive(call: string): void {
    if (this.ended) throw new VfioError('EBADF', call, `${this.name} has ended`);
  }

  private file(call: string, fd: number): OpenFile {
    this.alive(call);
    return this.files.file(call, fd);
  }

  /** The file behind an fd, for who watches the calls. @internal */
  fileOf(fd: number): OpenFile | undefined {
    return this.files.find(fd);
  }

  /** Memory as it stands, without an access to it: see ProcessMemory.peek. @internal */
  peek(address: U64, length: number): Uint8Array {
    return this.ended ? new Uint8Array(0) : this.mappings.peek(BigInt(address), length);
  }

  /**
   * Opens a device, as VFIO_GROUP_GET_DEVICE_FD does: a new file with offsets and a position of its own; or a device node of the process's host by its path. The lowest
   * free fd.
   *
   * @throws VfioError ENOENT for a path that is none, and what its node answers: ENODEV, EPERM, EBUSY; EMFILE; EINVAL when a region is too large for the offsets asked for; EAGAIN when the first open cannot reset the device now, or what enabling it answers.
   */
  open(device: VfioDevice | string, options: OpenOptions = {}): number {
    this.alive('open');
    if (typeof device === 'string') return this.openPath(device);
    if (!((device as unknown) instanceof VfioDevice)) throw new TypeError(`open: device is of type ${typeof device}; expected a VfioDevice or a path`);
    // Nothing happens to the device for an fd that there is not.
    this.files.lowestFree('open');
    return this.files.installOrClose('open', new DeviceFile(this.engine, device, openOptions(this.opens, options)));
  }

  private openPath(path: string): number {
    if (this.host === undefined) throw new VfioError('ENOENT', 'open', `${this.name} runs on no host: there is no ${path}`);
    this.files.lowestFree('open');
    return this.files.installOrClose('open', this.host.open(path, this.forFiles));
  }

  /**
   * Opens an IOMMU group, as far as VFIO_DEVICE_PCI_HOT_RESET asks for it: its fd says that the group's devices are the caller's.
   *
   * @param id - 0 to 2^31-1; the `group` of a HotResetFunction.
   * @throws VfioError EMFILE.
   */
  openGroup(id: number): number {
    this.alive('openGroup');
    return this.files.installOrClose('openGroup', new GroupFile(integer('openGroup: id', id, 0, 0x7fff_ffff)));
  }

  /** A second fd for the same open file. VfioError EBADF, EMFILE. */
  dup(fd: number): number {
    return this.files.install('dup', this.file('dup', fd));
  }

  /**
   * A second fd for the same open file, in another process: what SCM_RIGHTS and fork do.
   *
   * @returns the lowest free fd of `receiver`.
   * @throws VfioError EBADF; EMFILE of the receiver.
   * @example
   * ```ts
   * const container = main.open('/dev/vfio/vfio');
   * const same = main.sendFd(container, helper);
   * ```
   */
  sendFd(fd: number, receiver: Process): number {
    receiver.alive('sendFd');
    return receiver.files.install('sendFd', this.file('sendFd', fd));
  }

  /** Closes an fd; mappings of it stay. VfioError EBADF. */
  close(fd: number): void {
    this.alive('close');
    this.files.remove('close', fd);
  }

  /**
   * An ioctl of a device file.
   *
   * @param request - 0x3b64 and up; see the VFIO_ constants.
   * @param argument - The bytes of the argument, changed in place as the kernel changes them, or their address in the process's memory.
   * @returns The ioctl's result: 0, or a positive number where the call has one.
   * @throws VfioError with the errno that Linux gives; ENOTTY for a request that the file does not know.
   */
  ioctl(fd: number, request: number, argument?: UserPointer): number {
    const file = this.file('ioctl', fd);
    integer('ioctl: request', request, 0, 0xffff_ffff);
    if (file.ioctl === undefined) throw new VfioError('ENOTTY', `ioctl 0x${request.toString(16)}`, `no request of this ${file.kind} file`);
    return file.ioctl(request, userMemory('ioctl', this.memory, argument), this.forFiles);
  }

  /** Reads from `offset` on: how many bytes, fewer than asked at the end of a region. VfioError as section 4 of the behaviour text says. */
  pread(fd: number, buffer: UserBuffer, offset: U64): number {
    const moved = this.accessQuick('pread', fd, buffer, offset);
    if (moved !== 0) return moved;
    const at = fileOffset('pread', offset);
    return readAt('pread', seekable('pread', this.file('pread', fd)), this.memory, buffer, at);
  }

  /** Writes at `offset`: how many bytes. VfioError EBADF on a file opened for reading only. */
  pwrite(fd: number, buffer: UserBuffer, offset: U64): number {
    const moved = this.accessQuick('pwrite', fd, buffer, offset);
    if (moved !== 0) return moved;
    const at = fileOffset('pwrite', offset);
    return writeAt('pwrite', seekable('pwrite', this.file('pwrite', fd)), this.memory, buffer, at);
  }

  private accessQuick(call: 'pread' | 'pwrite', fd: number, buffer: UserBuffer, offset: U64): number {
    const at = typeof offset === 'bigint' ? Number(offset) : offset;
    if (!(buffer instanceof Uint8Array) || !Number.isSafeInteger(at) || at < 0) return 0;
    return this.files.find(fd)?.quick?.move(call, at, buffer, call === 'pwrite') ?? 0;
  }

  /** Reads at the file's position and moves it. */
  read(fd: number, buffer: UserBuffer): number {
    const file = this.file('read', fd);
    const count = readAt('read', file, this.memory, buffer, file.position);
    file.position += BigInt(count);
    return count;
  }

  /** Writes at the file's position and moves it. */
  write(fd: number, buffer: UserBuffer): number {
    const file = this.file('write', fd);
    const count = writeAt('write', file, this.memory, buffer, file.position);
    file.position += BigInt(count);
    return count;
  }

  /**
   * What poll(2) of this one fd answers at once. What a device's model throws while it makes the next bytes of its migration comes out here, and ends that session.
   *
   * @param events - POLLIN, POLLOUT, ...: what is asked for.
   * @returns Those of them that hold; POLLERR, POLLHUP and, for an fd that is not open, POLLNVAL come unasked.
   * @example
   * ```ts
   * if (process.poll(dataFd, POLLIN) !== 0) process.read(dataFd, buffer);
   * ```
   */
  poll(fd: number, events: number): number {
    this.alive('poll');
    integer('poll: events', events, 0, 0xffff);
    // A negative fd is left out, as poll(2) says.
    if (fd < 0) return 0;
    const file = this.files.find(fd);
    return file === undefined ? POLLNVAL : file.poll() & (events | POLLERR | POLLHUP);
  }

  /** Device files do not seek: VfioError ESPIPE. An eventfd stays where it is: 0. */
  lseek(fd: number): number {
    return this.file('lseek', fd).seek();
  }

  /**
   * A new eventfd, the lowest free fd.
   *
   * @param initial - What its counter starts with, 0 to 2^32-1.
   * @param flags - EFD_SEMAPHORE, EFD_NONBLOCK, EFD_CLOEXEC. Nothing here blocks: where a real read would wait, this is EAGAIN.
   * @throws VfioError EINVAL for other flags, EMFILE.
   * @example
   * ```ts
   * const fd = process.eventfd();
   * process.onEvent(fd, () => console.log('interrupt'));
   * ```
   */
  eventfd(initial = 0, flags = 0): number {
    this.alive('eventfd');
    integer('eventfd: initial', initial, 0, 0xffff_ffff);
    if ((integer('eventfd: flags', flags, 0, 0xffff_ffff) & ~(EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC)) !== 0) {
      throw new VfioError('EINVAL', 'eventfd', `flags 0x${flags.toString(16)} has bits beyond EFD_SEMAPHORE, EFD_NONBLOCK and EFD_CLOEXEC`);
    }
    return this.files.install('eventfd', new EventFd(BigInt(initial), (flags & EFD_SEMAPHORE) !== 0));
  }

  /** Calls `listener` after each signal of an eventfd, while it is open. Returns what ends that. VfioError EBADF, EINVAL. */
  onEvent(fd: number, listener: () => void): () => void {
    this.alive('onEvent');
    return this.files.eventfd('onEvent', fd).onSignal(listener);
  }

  /**
   * The dma-buf of a BAR behind an fd, as a driver that imports it finds it.
   *
   * @throws VfioError EBADF; EINVAL for another kind of file.
   * @example
   * ```ts
   * const detach = process.dmaBuf(fd).attach({ peerToPeer: true, onMove: (isRevoked) => console.log(isRevoked) });
   * detach();
   * ```
   */
  dmaBuf(fd: number): VfioDmaBuf {
    this.alive('dmaBuf');
    return this.files.dmaBuf('dmaBuf', fd);
  }

  /**
   * Maps a part of a device file, or anonymous memory (flags with MAP_ANONYMOUS, fd -1). The kernel chooses the address.
   *
   * @param length - Bytes; rounded up to whole pages of 4096.
   * @param protection - PROT_READ | PROT_WRITE.
   * @param flags - MAP_SHARED for devices.
   * @param offset - Offset in the file, a multiple of 4096.
   * @returns The address in the process's memory.
   * @throws VfioError EINVAL, EBADF, ENOMEM, EOVERFLOW, EOPNOTSUPP, EACCES, ENODEV as section 4.7 of the behaviour text says.
   */
  mmap(length: U64, protection: number, flags: number, fd = -1, offset: U64 = 0): number {
    this.alive('mmap');
    return mapPages(this.engine, this.mappings, { length, protection, flags, offset, file: () => this.file('mmap', fd) });
  }

  /** Zeroed memory of the process for `length` bytes: an anonymous mapping. The address. */
  allocate(length: U64): number {
    return this.mmap(length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  }

  /** Unmaps every page of a range; a mapping that reaches beyond it is cut. VfioError EINVAL when the address is not a page's or the length is 0. */
  munmap(address: U64, length: U64): void {
    this.alive('munmap');
    unmapPages(this.mappings, address, length);
  }

  /** What is mapped, by ascending address. */
  maps(): Mapping[] {
    this.alive('maps');
    return this.mappings.list();
  }

  /** Ends the process: unmaps everything and closes all fds. A second call does nothing. */
  exit(): void {
    if (this.ended) return;
    // Ahead of the last closes: what a device does about them may lead back here.
    this.ended = true;
    atEnd([() => this.mappings.destroy(), () => this.files.closeAll()]);
  }

  /** The open fds, ascending. */
  get fds(): number[] {
    return this.files.fds;
  }
}

// The system calls that Node does not make, by way of koffi: sockets whose messages carry fds, and fds that are memory or events.
//
//   TypeScript --> call(numbers, addresses) --> libc --> -1: errno --> VfioError
//
// Linux only, 64 bits. Arguments are numbers: an address of user space is below 2^53.

import { VfioError } from '../../../uapi/index.ts';

export const AF_UNIX = 1;
export const SOCK_STREAM = 1;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
/** Received fds are closed in programs that this one starts. */
export const MSG_CMSG_CLOEXEC = 0x40000000;
/** Fds came for which this program has no room. */
export const MSG_CTRUNC = 0x8;
export const SOL_SOCKET = 1;
export const SO_RCVTIMEO = 20;
export const MFD_CLOEXEC = 1;
export const MFD_ALLOW_SEALING = 2;
export const EFD_CLOEXEC = 0o2000000;
export const EFD_NONBLOCK = 0o4000;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const F_DUPFD_CLOEXEC = 1030;
export const F_ADD_SEALS = 1033;
export const F_GET_SEALS = 1034;
export const F_SEAL_SEAL = 1;
export const F_SEAL_SHRINK = 2;
export const F_SEAL_GROW = 4;
export const O_ACCMODE = 3;
export const O_NONBLOCK = 0o4000;
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 1;
export const POLLIN = 1;
export const POLLOUT = 4;

const EINTR = 4;
const ENOSYS = 38;
const EOPNOTSUPP = 95;
const RWF_NOWAIT = 8;

interface Events {
  readonly readable: boolean;
  readonly writable: boolean;
}
type Ready = (status: number, events: Events) => void;

/** libuv's wait for one fd. @internal */
export interface PollHandle {
  start(what: Events, ready: Ready): void;
  stop(): void;
  close(): void;
}

/** What is used of koffi. */
interface Koffi {
  load(path: null): { func(definition: string): (...args: unknown[]) => number };
  address(bytes: Uint8Array): bigint;
  errno(): number;
  view(address: number | bigint, bytes: number): ArrayBuffer;
  readonly node: { poll(fd: number, what: Events, ready: Ready): PollHandle };
}

/** Native calls. Those that can fail throw a VfioError; the three of the hot path answer -errno. @internal */
export interface SystemCalls {
  /** Address of a buffer's first byte, for as long as the buffer lives. Its ArrayBuffer was made as one. */
  addressOf(buffer: ArrayBuffer): number;
  /** Memory at an address as a buffer. It must not be touched once the memory is unmapped. */
  view(address: number, bytes: number): ArrayBuffer;
  /** Tells of an fd in the event loop until it is closed. Close the watch before the fd. */
  watch(fd: number, what: Events, ready: Ready): PollHandle;
  /** Bytes, or -errno. */
  recvmsg(fd: number, header: number, flags: number): number;
  /** Bytes, or -errno. */
  sendmsg(fd: number, header: number, flags: number): number;
  /** Fds that are ready, or -errno. `list`: pollfd structs; `timeout`: a timespec. */
  ppoll(list: number, count: number, timeout: number): number;
  socket(path: string): number;
  bind(fd: number, path: string): void;
  listen(fd: number, backlog: number, path: string): void;
  /** A client; undefined while none waits. */
  accept(fd: number): number | undefined;
  connect(fd: number, path: string): void;
  /** From now on a receive without MSG_DONTWAIT waits for so many microseconds. */
  receiveWaits(fd: number, microseconds: number): void;
  socketpair(): [number, number];
  memfd(name: string, bytes: number): number;
  eventfd(): number;
  fcntl(fd: number, command: number, argument?: number): number;
  /** Bytes that a read which never waits has put at an address, or -errno; undefined where the system has no such read. */
  readNow(fd: number, address: number, bytes: number): number | undefined;
  /** Maps memory of an fd; its address. */
  mmap(bytes: number, protection: number, fd: number, offset: number): number;
  munmap(address: number, bytes: number): void;
  /** Closes an fd that these calls have made. Node's own would warn in a Worker, which counts those that it has opened. */
  close(fd: number): void;
}

/** Bytes of a socket's path that there is room for, without the NUL. */
const MAX_PATH = 107;

// sockaddr_un:   0 family   2 path ... NUL
function socketAddress(call: string, path: string): Uint8Array {
  const name = new TextEncoder().encode(path);
  if (name.length > MAX_PATH) throw new VfioError('ENAMETOOLONG', call, `${path}: ${name.length} bytes; expected at most ${MAX_PATH}`);
  if (name.length === 0 || name.includes(0)) throw new VfioError('EINVAL', call, `${JSON.stringify(path)} is no path`);
  const bytes = new Uint8Array(2 + MAX_PATH + 1);
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, true);
  bytes.set(name, 2);
  return bytes;
}

function bindCalls(koffi: Koffi): SystemCalls {
  const library = koffi.load(null);
  const native = {
    recvmsg: library.func('intptr_t recvmsg(int, uintptr_t, int)'),
    sendmsg: library.func('intptr_t sendmsg(int, uintptr_t, int)'),
    ppoll: library.func('int ppoll(uintptr_t, unsigned long, uintptr_t, uintptr_t)'),
    socket: library.func('int socket(int, int, int)'),
    bind: library.func('int bind(int, const void *, uint32_t)'),
    listen: library.func('int listen(int, int)'),
    accept4: library.func('int accept4(int, uintptr_t, uintptr_t, int)'),
    connect: library.func('int connect(int, const void *, uint32_t)'),
    setsockopt: library.func('int setsockopt(int, int, int, const void *, uint32_t)'),
    socketpair: library.func('int socketpair(int, int, int, _Out_ int *)'),
    memfd_create: library.func('int memfd_create(const char *, unsigned int)'),
    ftruncate: library.func('int ftruncate(int, int64_t)'),
    eventfd: library.func('int eventfd(unsigned int, int)'),
    fcntl: library.func('int fcntl(int, int, ...)'),
    mmap: library.func('intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)'),
    munmap: library.func('int munmap(uintptr_t, size_t)'),
    close: library.func('int close(int)'),
  };
  const checked = (call: string, detail: string, result: number): number => {
    if (result === -1) throw new VfioError(koffi.errno(), call, detail);
    return result;
  };
  return {
    addressOf: (buffer) => Number(koffi.address(new Uint8Array(buffer))),
    view: (address, bytes) => koffi.view(BigInt(address), bytes),
    watch: (fd, what, ready) => koffi.node.poll(fd, what, ready),
    // A signal that Node handles ends a call that waits; nothing has been moved. Twice the same, so that each always calls the same.
    recvmsg(fd, header, flags) {
      for (;;) {
        const result = native.recvmsg(fd, header, flags);
        if (result !== -1) return result;
        const errno = koffi.errno();
        if (errno !== EINTR) return -errno;
      }
    },
    sendmsg(fd, header, flags) {
      for (;;) {
        const result = native.sendmsg(fd, header, flags);
        if (result !== -1) return result;
        const errno = koffi.errno();
        if (errno !== EINTR) return -errno;
      }
    },
    ppoll(list, count, timeout) {
      const result = native.ppoll(list, count, timeout, 0);
      return result === -1 ? -koffi.errno() : result;
    },
    socket: (path) => checked('socket', path, native.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
    bind(fd, path) {
      const address = socketAddress('bind', path);
      checked('bind', path, native.bind(fd, address, address.length));
    },
    listen: (fd, backlog, path) => void checked('listen', path, native.listen(fd, backlog)),
    accept(fd) {
      const result = native.accept4(fd, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (result !== -1) return result;
      const error = new VfioError(koffi.errno(), 'accept4', `fd ${fd}`);
      if (['EAGAIN', 'EINTR', 'ECONNABORTED'].includes(error.code)) return undefined;
      throw error;
    },
    connect(fd, path) {
      const address = socketAddress('connect', path);
      checked('connect', path, native.connect(fd, address, address.length));
    },
    receiveWaits(fd, microseconds) {
      // timeval:   0 seconds   8 microseconds
      const timeout = new BigInt64Array([BigInt(Math.floor(microseconds / 1e6)), BigInt(microseconds % 1e6)]);
      checked('setsockopt', `fd ${fd}, SO_RCVTIMEO`, native.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.byteLength));
      const flags = checked('fcntl', `fd ${fd}, F_GETFL`, native.fcntl(fd, F_GETFL, 'int', 0));
      checked('fcntl', `fd ${fd}, F_SETFL`, native.fcntl(fd, F_SETFL, 'int', flags & ~O_NONBLOCK));
    },
    socketpair() {
      const pair: [number, number] = [-1, -1];
      checked('socketpair', 'AF_UNIX', native.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
      return pair;
    },
    memfd(name, bytes) {
      const fd = checked('memfd_create', name, native.memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
      const result = native.ftruncate(fd, bytes);
      if (result === -1) {
        const error = new VfioError(koffi.errno(), 'ftruncate', `${name}: ${bytes} bytes`);
        native.close(fd);
        throw error;
      }
      return fd;
    },
    eventfd: () => checked('eventfd', '', native.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
    fcntl: (fd, command, argument = 0) => checked('fcntl', `fd ${fd}, command ${command}`, native.fcntl(fd, command, 'int', argument)),
    mmap: (bytes, protection, fd, offset) => checked('mmap', `${bytes} bytes of fd ${fd} at ${offset}`, native.mmap(0, bytes, protection, MAP_SHARED, fd, offset)),
    readNow: readerThatNeverWaits(koffi),
    close: (fd) => void native.close(fd),
    munmap: (address, bytes) => void checked('munmap', `${bytes} bytes`, native.munmap(address, bytes)),
  };
}

/** preadv2 is younger than the rest, and not every libc has it. */
function readerThatNeverWaits(koffi: Koffi): SystemCalls['readNow'] {
  let preadv2: (...args: unknown[]) => number;
  try {
    preadv2 = koffi.load(null).func('intptr_t preadv2(int, uintptr_t, int, int64_t, int)');
  } catch {
    return () => undefined;
  }
  // iovec:   0 address   8 bytes
  const vector = new BigUint64Array(new ArrayBuffer(16));
  const at = Number(koffi.address(new Uint8Array(vector.buffer)));
  return (fd, address, bytes) => {
    [vector[0], vector[1]] = [BigInt(address), BigInt(bytes)];
    const count = preadv2(fd, at, 1, -1, RWF_NOWAIT);
    if (count !== -1) return count;
    const errno = koffi.errno();
    return errno === EOPNOTSUPP || errno === ENOSYS ? undefined : -errno;
  };
}

/** Not named where it is imported: who has it not needs neither its types nor a bundle of it. */
const PACKAGE = 'koffi';

let calls: Promise<SystemCalls> | undefined;

async function bindFromPackage(): Promise<SystemCalls> {
  if (process.platform !== 'linux' || !['x64', 'arm64', 'riscv64', 'loong64'].includes(process.arch)) {
    throw new Error(`koffiTransport: it is made for Linux with 64 bits; this is ${process.platform} on ${process.arch}. netTransport() needs nothing but Node`);
  }
  let loaded: { readonly default?: unknown };
  try {
    loaded = (await import(PACKAGE)) as typeof loaded;
  } catch (error) {
    throw new Error(`koffiTransport: the package koffi cannot be loaded: ${(error as Error).message.split('\n')[0] ?? ''}. Install it with \`npm install koffi@3.3.4\`; netTransport() needs nothing but Node`, { cause: error });
  }
  return bindCalls((loaded.default ?? loaded) as Koffi);
}

/** The calls, bound once for each thread. Rejects where koffi is not installed or the machine is another one. @internal */
export function systemCalls(): Promise<SystemCalls> {
  calls ??= bindFromPackage().catch((error: unknown) => {
    calls = undefined;
    throw error;
  });
  return calls;
}

/**
 * Whether {@link koffiTransport} works here: Linux, and the package koffi is installed.
 *
 * @example
 * ```ts
 * const transport = (await hasKoffi()) ? koffiTransport() : netTransport();
 * ```
 */
export async function hasKoffi(): Promise<boolean> {
  return systemCalls().then(
    () => true,
    () => false,
  );
}

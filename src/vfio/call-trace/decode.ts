// A system call as a line: `ioctl(5, VFIO_DEVICE_RESET) = -1 ENOTTY (Inappropriate ioctl for device)`.

import { EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE } from '../files/eventfd.ts';
import { MAP_ANONYMOUS, PROT_READ, PROT_WRITE } from '../mman.ts';
import type { CallBuffer, CallOutcome, SystemCall } from './call.ts';
import { errnoText } from './errno-text.ts';
import { bitNames, flagsText, openText } from './flags-text.ts';
import { ioctlArguments } from './ioctl.ts';
import { listOf, shownText } from './shown.ts';
import type { DecodedCall, Shown } from './shown.ts';
import { decimal, hex, integerOf, pointer, quoted, quotedBytes, remark } from './value-text.ts';

const MAX_ERRNO = 4095n;

const protections = bitNames({ PROT_READ, PROT_WRITE, PROT_EXEC: 4 });
const mapTypes = ['', 'MAP_SHARED', 'MAP_PRIVATE', 'MAP_SHARED_VALIDATE'];
const mapFlags = bitNames({ MAP_FIXED: 0x10, MAP_ANONYMOUS });
const eventfdFlags = bitNames({ EFD_SEMAPHORE, EFD_NONBLOCK, EFD_CLOEXEC });
const pollEvents = bitNames({ POLLIN: 1, POLLPRI: 2, POLLOUT: 4, POLLERR: 8, POLLHUP: 0x10, POLLNVAL: 0x20, POLLRDNORM: 0x40, POLLRDBAND: 0x80, POLLWRNORM: 0x100, POLLWRBAND: 0x200, POLLMSG: 0x400, POLLREMOVE: 0x1000, POLLRDHUP: 0x2000 });
function mapText(flags: unknown): string {
  const value = integerOf(flags);
  const type = value === undefined || value < 0n ? '' : mapTypes[Number(value & 3n)]!;
  if (value === undefined || type === '') return flagsText(flags, mapFlags);
  return (value & ~3n) === 0n ? type : `${type}|${flagsText(value & ~3n, mapFlags)}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** The bytes that a read has brought, or that a write was given; where they were, when they are not known. */
function bufferText(buffer: CallBuffer | undefined, result: unknown, isRead: boolean): Shown {
  if (!isObject(buffer)) return pointer(buffer);
  const { address, before, after } = buffer;
  const bytes = isRead ? after : before;
  const moved = isRead ? integerOf(result) : (integerOf(buffer.length) ?? 0n);
  if (!(bytes instanceof Uint8Array) || moved === undefined || moved < 0n) return address === undefined && isRead ? '""' : pointer(address);
  // Memory that could not be read is empty here.
  if (bytes.length === 0 && moved > 0n && address !== undefined) return pointer(address);
  const count = Number(moved);
  return quotedBytes(bytes.subarray(0, count), 32, count);
}

function transfer({ fd, buffer, result }: { readonly fd: number; readonly buffer?: CallBuffer; readonly result?: unknown }, isRead: boolean): Shown[] {
  return [decimal(fd), bufferText(buffer, result, isRead), decimal(isObject(buffer) ? buffer.length : undefined)];
}

function polled(fds: unknown, field: 'events' | 'revents'): Shown[] {
  const list: readonly unknown[] = Array.isArray(fds) ? fds : [];
  const entries = list.map((one) => (isObject(one) ? one : {}));
  const answered = field === 'events' ? entries : entries.filter(({ revents }) => revents !== undefined && integerOf(revents) !== 0n);
  return listOf(answered, (one) => ({ fields: [['fd', decimal(one['fd'])], [field, flagsText(one[field], pollEvents)]] }));
}

type Decoded = Omit<DecodedCall, 'result'>;

function argumentsOf(call: SystemCall): Decoded {
  switch (call.call) {
    case 'ioctl':
      return { name: 'ioctl', arguments: ioctlArguments(call) };
    case 'open':
      return { name: 'open', arguments: [typeof (call.path as unknown) === 'string' ? quoted(call.path) : pointer(call.path), openText(call.flags)] };
    case 'close':
    case 'dup':
      return { name: call.call, arguments: [decimal(call.fd)] };
    case 'lseek':
      return { name: 'lseek', arguments: [decimal(call.fd), '0', 'SEEK_CUR'] };
    case 'read':
    case 'write':
      return { name: call.call, arguments: transfer(call, call.call === 'read') };
    case 'pread':
    case 'pwrite':
      return { name: `${call.call}64`, arguments: [...transfer(call, call.call === 'pread'), hex(call.offset)] };
    case 'mmap':
      return { name: 'mmap', arguments: ['NULL', decimal(call.length), protectionText(call.protection), mapText(call.flags), decimal(call.fd), hex(call.offset)] };
    case 'munmap':
      return { name: 'munmap', arguments: [pointer(call.address), decimal(call.length)] };
    case 'eventfd':
      return { name: 'eventfd2', arguments: [decimal(call.initial), flagsText(call.flags, eventfdFlags)] };
    case 'poll':
      return { name: 'poll', arguments: [polled(call.fds, 'events'), decimal(Array.isArray(call.fds) ? call.fds.length : 0), decimal(call.timeout)] };
    case 'exit':
      return { name: 'exit_group', arguments: [decimal(call.status)] };
    default:
      return { name: unknownName(call), arguments: ['...'] };
  }
}

// A record of something else: a word is kept, other text is not worth a line.
function unknownName(call: unknown): string {
  const name = isObject(call) ? call['call'] : undefined;
  return typeof name === 'string' && /^\w{1,64}$/.test(name) ? name : '???';
}

function protectionText(protection: unknown): string {
  return integerOf(protection) === 0n ? 'PROT_NONE' : flagsText(protection, protections);
}

function resultText(call: SystemCall): string {
  const result = integerOf(call.result);
  if (result === undefined) return '?';
  if (result < 0n) return result >= -MAX_ERRNO ? `-1 ${errnoText(Number(-result))}` : result.toString();
  if (call.call === 'mmap') return hex(result);
  if (call.call !== 'poll') return result.toString();
  return result === 0n ? '0 (Timeout)' : `${result} (${shownText(polled(call.fds, 'revents'))})`;
}

/**
 * A call taken apart: its name, its arguments and its result as {@link callLine} prints them.
 * Whatever the bytes and numbers are, it answers.
 */
export function decodeCall(call: SystemCall): DecodedCall {
  const given = (isObject(call) ? call : {}) as SystemCall;
  return { ...argumentsOf(given), result: resultText(given) };
}

/** How a call is printed. */
export interface CallLineOptions {
  /** Whether the library's reason for an error follows as a comment. Default false: as strace prints it. */
  readonly why?: boolean;
}

/**
 * A call as one line, in the style of strace.
 *
 * Structs are read by the layouts of `maplebar/uapi`. Fields that a call reads stand before the `=>`, fields that it has written behind; `...` is what
 * it does not read, or what the bytes given or the struct's own size do not cover. Memory that is not known is an address. Padding is shown where it is not zero.
 *
 * @example
 * ```ts
 * import { callLine } from 'maplebar';
 * import { VFIO_DEVICE_GET_IRQ_INFO, vfio_irq_info } from 'maplebar/uapi';
 *
 * const before = vfio_irq_info.encode({ argsz: 16, index: 1 });
 * callLine({ call: 'ioctl', kind: 'device', fd: 5, request: VFIO_DEVICE_GET_IRQ_INFO, argument: { before }, result: -22 });
 * // ioctl(5, VFIO_DEVICE_GET_IRQ_INFO, {argsz=16, index=VFIO_PCI_MSI_IRQ_INDEX, ...}) = -1 EINVAL (Invalid argument)
 * ```
 */
export function callLine(call: SystemCall, options: CallLineOptions = {}): string {
  const decoded = decodeCall(call);
  const { why } = (isObject(call) ? call : {}) as CallOutcome;
  const text = `${decoded.name}(${decoded.arguments.map(shownText).join(', ')}) = ${decoded.result}`;
  return options.why === true && typeof why === 'string' ? `${text} /* ${remark(why)} */` : text;
}

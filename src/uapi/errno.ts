// Linux errno numbers (x86, as the generic table has them) and the error that carries one.

/**
 * Every Linux errno by name: 1 to 133 as user space knows them, and the kernel-internal numbers that can leak out of
 * an ioctl (ERESTARTSYS, ENOIOCTLCMD, ENOTSUPP).
 *
 * Source: asm-generic/errno.h.
 */
export const ERRNO = Object.freeze({
  EPERM: 1, ENOENT: 2, ESRCH: 3, EINTR: 4, EIO: 5, ENXIO: 6, E2BIG: 7, ENOEXEC: 8, EBADF: 9, ECHILD: 10,
  EAGAIN: 11, ENOMEM: 12, EACCES: 13, EFAULT: 14, ENOTBLK: 15, EBUSY: 16, EEXIST: 17, EXDEV: 18, ENODEV: 19, ENOTDIR: 20,
  EISDIR: 21, EINVAL: 22, ENFILE: 23, EMFILE: 24, ENOTTY: 25, ETXTBSY: 26, EFBIG: 27, ENOSPC: 28, ESPIPE: 29, EROFS: 30,
  EMLINK: 31, EPIPE: 32, EDOM: 33, ERANGE: 34, EDEADLK: 35, ENAMETOOLONG: 36, ENOLCK: 37, ENOSYS: 38, ENOTEMPTY: 39, ELOOP: 40,
  ENOMSG: 42, EIDRM: 43, ECHRNG: 44, EL2NSYNC: 45, EL3HLT: 46, EL3RST: 47, ELNRNG: 48, EUNATCH: 49, ENOCSI: 50,
  EL2HLT: 51, EBADE: 52, EBADR: 53, EXFULL: 54, ENOANO: 55, EBADRQC: 56, EBADSLT: 57, EBFONT: 59, ENOSTR: 60,
  ENODATA: 61, ETIME: 62, ENOSR: 63, ENONET: 64, ENOPKG: 65, EREMOTE: 66, ENOLINK: 67, EADV: 68, ESRMNT: 69, ECOMM: 70,
  EPROTO: 71, EMULTIHOP: 72, EDOTDOT: 73, EBADMSG: 74, EOVERFLOW: 75, ENOTUNIQ: 76, EBADFD: 77, EREMCHG: 78, ELIBACC: 79, ELIBBAD: 80,
  ELIBSCN: 81, ELIBMAX: 82, ELIBEXEC: 83, EILSEQ: 84, ERESTART: 85, ESTRPIPE: 86, EUSERS: 87, ENOTSOCK: 88, EDESTADDRREQ: 89,
  EMSGSIZE: 90, EPROTOTYPE: 91, ENOPROTOOPT: 92, EPROTONOSUPPORT: 93, ESOCKTNOSUPPORT: 94, EOPNOTSUPP: 95, EPFNOSUPPORT: 96,
  EAFNOSUPPORT: 97, EADDRINUSE: 98, EADDRNOTAVAIL: 99, ENETDOWN: 100, ENETUNREACH: 101, ENETRESET: 102, ECONNABORTED: 103,
  ECONNRESET: 104, ENOBUFS: 105, EISCONN: 106, ENOTCONN: 107, ESHUTDOWN: 108, ETOOMANYREFS: 109, ETIMEDOUT: 110, ECONNREFUSED: 111,
  EHOSTDOWN: 112, EHOSTUNREACH: 113, EALREADY: 114, EINPROGRESS: 115, ESTALE: 116, EUCLEAN: 117, ENOTNAM: 118, ENAVAIL: 119,
  EISNAM: 120, EREMOTEIO: 121, EDQUOT: 122, ENOMEDIUM: 123, EMEDIUMTYPE: 124, ECANCELED: 125, ENOKEY: 126, EKEYEXPIRED: 127,
  EKEYREVOKED: 128, EKEYREJECTED: 129, EOWNERDEAD: 130, ENOTRECOVERABLE: 131, ERFKILL: 132, EHWPOISON: 133,
  ERESTARTSYS: 512, ENOIOCTLCMD: 515, ENOTSUPP: 524,
  // Second names. The reverse lookup gives the first.
  EWOULDBLOCK: 11, EDEADLOCK: 35, ENOTSUP: 95,
} as const);

/** The name of an errno: a key of {@link ERRNO}. */
export type ErrnoName = keyof typeof ERRNO;

const names = new Map<number, ErrnoName>();
for (const [name, number] of Object.entries(ERRNO)) {
  if (!names.has(number)) names.set(number, name as ErrnoName);
}

/**
 * The name of an errno number.
 *
 * @param errno - A positive errno; a raw result of -22 is looked up as 22.
 * @returns The name, or undefined when Linux has no such errno. Of two names the usual one: EAGAIN, EDEADLK, EOPNOTSUPP.
 * @example
 * ```ts
 * errnoName(22); // 'EINVAL'
 * ```
 */
export function errnoName(errno: number): ErrnoName | undefined {
  return names.get(errno);
}

/**
 * What a kernel would answer: an errno, the call that failed, and what was expected and found.
 *
 * @example
 * ```ts
 * const error = new VfioError('EINVAL', 'VFIO_DEVICE_GET_REGION_INFO', 'argsz 24 is below 32');
 * error.message; // 'EINVAL: VFIO_DEVICE_GET_REGION_INFO: argsz 24 is below 32'
 * error.errno; // 22
 * ```
 */
export class VfioError extends Error {
  /** Always `'VfioError'`. */
  override readonly name: string = 'VfioError';
  /** The positive errno: 22. */
  readonly errno: number;
  /** The errno's name: `'EINVAL'`. */
  readonly code: ErrnoName;
  /** The call that failed: an ioctl's name, or `read`, `mmap`, ... */
  readonly call: string;

  /**
   * @param errno - The errno, by name or positive number.
   * @param call - The call that failed.
   * @param detail - What was expected and what was found, with the numbers.
   * @throws RangeError when Linux has no such errno.
   */
  constructor(errno: ErrnoName | number, call: string, detail?: string) {
    const number = typeof errno === 'string' ? (ERRNO as Readonly<Record<string, number>>)[errno] : errno;
    const code = number === undefined ? undefined : typeof errno === 'string' ? errno : errnoName(number);
    if (number === undefined || code === undefined) throw new RangeError(`VfioError: ${errno} is not a Linux errno`);
    super(detail === undefined ? `${code}: ${call}` : `${code}: ${call}: ${detail}`);
    this.errno = number;
    this.code = code;
    this.call = call;
  }
}

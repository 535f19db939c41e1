// Constants of mmap, as C programs name them. Source: asm-generic/mman-common.h.

/** Pages may be read. */
export const PROT_READ = 0x1;
/** Pages may be written. */
export const PROT_WRITE = 0x2;
/** Pages may be executed; on x86 they may be read then, too. */
export const PROT_EXEC = 0x4;
/** Writes reach the file: what a device mapping must be. */
export const MAP_SHARED = 0x01;
/** As MAP_SHARED, and flags that the kernel does not know are EOPNOTSUPP. Files only. */
export const MAP_SHARED_VALIDATE = 0x03;
/** Writes stay private: refused by devices. */
export const MAP_PRIVATE = 0x02;
/** No file: zeroed memory of the process. */
export const MAP_ANONYMOUS = 0x20;

// Constants of mmap, as C programs name them. Source: asm-generic/mman-common.h.

/** Pages may be read. */
export const PROT_READ = 0x1;
/** Pages may be written. */
export const PROT_WRITE = 0x2;
/** Writes reach the file: what a device mapping must be. */
export const MAP_SHARED = 0x01;
/** Writes stay private: refused by devices. */
export const MAP_PRIVATE = 0x02;
/** No file: zeroed memory of the process. */
export const MAP_ANONYMOUS = 0x20;

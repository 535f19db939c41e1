// What poll(2) tells of a file. Source: asm-generic/poll.h, include/linux/poll.h

/** There is something to read. Source: poll.h */
export const POLLIN = 0x1;
/** There is room to write. Source: poll.h */
export const POLLOUT = 0x4;
/** An error. Told whether asked for or not. Source: poll.h */
export const POLLERR = 0x8;
/** The other end is gone. Told whether asked for or not. Source: poll.h */
export const POLLHUP = 0x10;
/** The fd is not open. Told whether asked for or not. Source: poll.h */
export const POLLNVAL = 0x20;
/** As POLLIN. Source: poll.h */
export const POLLRDNORM = 0x40;
/** As POLLOUT. Source: poll.h */
export const POLLWRNORM = 0x100;
/** Nothing comes any more. Source: poll.h */
export const POLLRDHUP = 0x2000;

/** What a file without a poll operation tells. */
export const DEFAULT_POLLMASK = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;

// A caller's memory page by page, as a driver pins it to write there later: pages of its own that it may write, not those of a device.

import type { Space } from '../core/index.ts';
import { VfioError } from '../uapi/index.ts';
import type { UserPages } from './files/open-file.ts';
import { PAGE_SIZE } from './page.ts';
import { userMemory } from './user-memory.ts';

/** @param mayPin - whether the page at an address may be pinned, if it is there. */
export function pinnedPages(space: Space, mayPin: (address: bigint) => boolean): UserPages {
  const pinned = (page: bigint): ReturnType<typeof userMemory> => {
    const address = page * BigInt(PAGE_SIZE);
    if (address >= 1n << 64n) throw new VfioError('EFAULT', 'pin', `there is no page 0x${page.toString(16)}`);
    if (!mayPin(address)) throw new VfioError('EFAULT', 'pin', `the page at 0x${address.toString(16)} is a device's, or read-only`);
    return userMemory('pin', space, address);
  };
  return {
    read: (page) => pinned(page).copyIn(0, PAGE_SIZE),
    write: (page, at, bytes) => pinned(page).copyOut(at, bytes),
  };
}

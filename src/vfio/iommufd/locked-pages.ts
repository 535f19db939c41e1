// Whose limit pinned pages count against: the user's, or the process's. Behaviour text, section 6.8, OPTION.
//
//   RLIMIT_MODE 0   all processes of the user together, against the limit of the process that pins
//   RLIMIT_MODE 1   the process alone
//
// Source: drivers/iommu/iommufd/pages.c iopt_pages_update_pinned, incr_user_locked_vm, update_mm_locked_vm

import { VfioError } from '../../uapi/index.ts';
import type { CallingProcess } from '../files/open-file.ts';
import type { VfioHost } from '../host/host.ts';

/** `user`: the processes of a host are one user's. */
export type AccountMode = 'user' | 'process';

/** What pinned pages are charged to. */
export interface PageAccount {
  /** VfioError ENOMEM beyond the limit; then nothing is counted. */
  lock(call: string, pages: number): void;
  unlock(pages: number): void;
}

const users = new WeakMap<VfioHost, { pages: number }>();

/** Pages that iommufds of a host have pinned for its user. */
export function pagesOfUser(host: VfioHost): number {
  return users.get(host)?.pages ?? 0;
}

function accountOfUser(host: VfioHost, process: CallingProcess): PageAccount {
  const user = users.get(host) ?? { pages: 0 };
  users.set(host, user);
  const { limit } = process.locked;
  return {
    lock: (call, pages) => {
      // The user's counter may pass a limit that the process may pass as well.
      if (user.pages + pages > limit && !process.hasCapability('CAP_IPC_LOCK')) {
        throw new VfioError('ENOMEM', call, `${pages} pages more than the ${user.pages} that the user has pinned pass RLIMIT_MEMLOCK, ${limit} pages`);
      }
      user.pages += pages;
    },
    unlock: (pages) => void (user.pages -= pages),
  };
}

export function pageAccount(host: VfioHost, process: CallingProcess, mode: AccountMode): PageAccount {
  return mode === 'user' ? accountOfUser(host, process) : process.locked;
}

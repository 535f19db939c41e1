// What a process can be asked to be.

import type { Capability } from './files/open-file.ts';
import type { VfioHost } from './host/host.ts';
import type { DeviceFileOptions } from './proposals/options.ts';

/** How a process is made. */
export interface ProcessOptions {
  /** For messages. Default `process`. */
  readonly name?: string;
  /** RLIMIT_NOFILE: fds 0 to maxFds-1. Default 1024. */
  readonly maxFds?: number;
  /** What `open` takes where its own options say nothing: the kernel that the process runs on. Default: v6.14. */
  readonly opens?: DeviceFileOptions;
  /** The host that it runs on: whose device nodes `open` finds by path. Default: none. */
  readonly host?: VfioHost;
  /** Its privileges. Default: all of them, as root has. */
  readonly capabilities?: readonly Capability[];
  /** RLIMIT_MEMLOCK, in bytes, for a process without CAP_IPC_LOCK. Default 8 MiB. */
  readonly maxLockedBytes?: number;
}

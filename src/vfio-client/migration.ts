// Migration of a device: its states, and its data file as a stream. Behaviour text, sections 1.14 and 3.4.
//
//   source   to('PRE_COPY') --> file, read .. read    to('STOP_COPY') --> the same file, read to the end
//   target   to('RESUMING') --> file, write .. write  to('RUNNING')

import { VFIO_MIG_GET_PRECOPY_INFO, VFIO_PRECOPY_INFO_REINIT, VfioError, joinedBytes, vfio_precopy_info } from '../uapi/index.ts';
import { VfioAnswerError, ask, end, moved } from './calls.ts';
import type { VfioCalls } from './calls.ts';
import type { MigDataSizeFeature, MigDeviceStateFeature, MigrationFeature, MigrationState } from './features.ts';

const CALL = 'VFIO_MIG_GET_PRECOPY_INFO';

/** What there is to read while the device still runs. */
export interface PrecopyInfo {
  /** Bytes of the first pass that are left. */
  readonly initialBytes: bigint;
  /** Bytes that have changed since they were read. */
  readonly dirtyBytes: bigint;
  /** The first pass is a new one, after one that was over. Only after feature MIG_PRECOPY_INFOv2 of Linux 7.2 was set; false without it. */
  readonly reinit: boolean;
}

/** A data file: read on the source, written on the target. Its user closes it. */
export class MigrationDataFile {
  readonly fd: number;
  private readonly calls: VfioCalls;

  /** @internal */
  constructor(calls: VfioCalls, fd: number) {
    this.calls = calls;
    this.fd = fd;
  }

  /** What there is to read now, up to `most` bytes. None: the end. VfioError ENOMSG: nothing more before the device stops; EAGAIN; ENODEV: the session is over. */
  read(most = 0x1_0000): Uint8Array {
    const buffer = new Uint8Array(most);
    return buffer.subarray(0, moved('read', buffer.length, () => this.calls.read(this.fd, buffer)));
  }

  /**
   * Reads up to the end, or the temporary end while the device still runs.
   *
   * @throws VfioError EAGAIN when the next bytes are not ready; ENODEV when the session is over; EBADF.
   * @example
   * ```ts
   * const saved = client.migration.to('STOP_COPY')!;
   * saved.readAll().length; // 10
   * saved.close();
   * ```
   */
  readAll(): Uint8Array {
    const parts: Uint8Array[] = [];
    try {
      for (let part = this.read(); part.length > 0; part = this.read()) parts.push(part);
    } catch (error) {
      if (!(error instanceof VfioError) || error.code !== 'ENOMSG') throw error;
    }
    return joinedBytes(parts);
  }

  /** Writes all of `bytes`, in as many calls as it takes. VfioError as the device has it. */
  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const rest = bytes.subarray(at);
      const count = moved('write', rest.length, () => this.calls.write(this.fd, rest));
      if (count === 0) throw new VfioAnswerError('write', `0 bytes of ${rest.length}, and no error`);
      at += count;
    }
  }

  /**
   * What is left to read of the first pass, and what has changed since.
   *
   * @throws VfioError EINVAL outside PRE_COPY and PRE_COPY_P2P; ENODEV when the session is over; ENOTTY of a target's file.
   * @example
   * ```ts
   * const saved = client.migration.to('PRE_COPY')!;
   * saved.precopyInfo().reinit; // false
   * saved.close();
   * ```
   */
  precopyInfo(): PrecopyInfo {
    const bytes = vfio_precopy_info.encode({ argsz: vfio_precopy_info.size });
    ask(CALL, () => this.calls.ioctl(this.fd, VFIO_MIG_GET_PRECOPY_INFO, bytes));
    const { flags, initial_bytes, dirty_bytes } = vfio_precopy_info.decode(bytes);
    return { initialBytes: initial_bytes, dirtyBytes: dirty_bytes, reinit: (flags & VFIO_PRECOPY_INFO_REINIT) !== 0 };
  }

  close(): void {
    end('close', () => this.calls.close(this.fd));
  }
}

/** The migration of a device. */
export class MigrationClient {
  private readonly calls: VfioCalls;
  private readonly features: { readonly migration: MigrationFeature; readonly migDeviceState: MigDeviceStateFeature; readonly migDataSize: MigDataSizeFeature };

  /** @internal */
  constructor(calls: VfioCalls, features: MigrationClient['features']) {
    this.calls = calls;
    this.features = features;
  }

  /**
   * What it can do.
   *
   * @throws VfioError ENOTTY for a device that cannot be migrated; EBADF.
   * @example
   * ```ts
   * client.migration.abilities(); // ['STOP_COPY', 'P2P', 'PRE_COPY']
   * ```
   */
  abilities(): readonly string[] {
    return this.features.migration.get().flagNames;
  }

  /** Where the device is. */
  state(): MigrationState {
    return this.features.migDeviceState.get();
  }

  /**
   * Brings the device to a state; the steps in between are the kernel's.
   *
   * @returns The data file that the last step made; undefined where it made none: the file that is there goes on, or is over.
   * @throws VfioError EINVAL where there is no way, or the device refuses a step; it stays where it got to.
   * @example
   * ```ts
   * const saved = client.migration.to('STOP_COPY')!;
   * const stream = saved.readAll();
   * saved.close();
   * const loaded = other.migration.to('RESUMING')!;
   * loaded.write(stream);
   * other.migration.to('RUNNING');
   * loaded.close();
   * ```
   */
  to(state: MigrationState): MigrationDataFile | undefined {
    const fd = this.features.migDeviceState.set(state);
    return fd === undefined ? undefined : new MigrationDataFile(this.calls, fd);
  }

  /** Bytes that STOP_COPY is expected to give. */
  dataSize(): bigint {
    return this.features.migDataSize.get();
  }
}

// What a device must supply to be migrated. Behaviour text, section 3.4.
//
//   source                                               target
//   save()  next() .. next()  [stop()] finish() next()   load()  write() .. write()  finish()
//           while it runs              the rest                  to the side         becomes what was written

import type { ErrnoName } from '../../uapi/index.ts';

/** The saving side of one migration. */
export interface MigrationSource {
  /**
   * Bytes that {@link MigrationSource.next} would give now: of the first pass, and that changed since they were given. `reinit`: those of the first pass are a new one, after
   * one that was over; only a program that has asked for feature MIG_PRECOPY_INFOv2 is told.
   */
  pending(): { readonly initial: number; readonly dirty: number; readonly reinit?: boolean };
  /** The next bytes of the stream; none when there are none for now or, after `finish`, any more; undefined while they are not ready. */
  next(): Uint8Array | undefined;
  /** The device has stopped: what `next` gives from now on is the rest of the stream. VfioError when that cannot be. */
  finish(): void;
  /** The session is over, complete or not. */
  end?(): void;
}

/** The loading side of one migration. Nothing of the device changes before `finish`. */
export interface MigrationTarget {
  /** More of the stream, cut anywhere. VfioError for what is no such stream. */
  write(bytes: Uint8Array): void;
  /** The device becomes what was written. VfioError EINVAL when that is incomplete, or of another device: then nothing has changed. */
  finish(): void;
  /** How many bytes the stream has, for a device of the manner `mtty`. */
  readonly bytes?: number;
}

/**
 * How a device is migrated: {@link VfioDeviceDescription.migration}. A VfioError that a method throws is the errno of the call, and the device is where it was; anything
 * else that is thrown leaves it in the state ERROR.
 *
 * @example
 * ```ts
 * const migration: MigrationModel = {
 *   flags: VFIO_MIGRATION_STOP_COPY,
 *   dataSize: () => 4,
 *   save: () => {
 *     const rest: Uint8Array[] = [];
 *     return { pending: () => ({ initial: 0, dirty: 0 }), finish: () => void rest.push(registers.slice()), next: () => rest.shift() ?? new Uint8Array() };
 *   },
 *   load: () => {
 *     const written: number[] = [];
 *     return {
 *       write: (bytes) => void written.push(...bytes),
 *       finish: () => {
 *         if (written.length !== 4) throw new VfioError('EINVAL', 'load', `${written.length} bytes; expected 4`);
 *         registers.set(written);
 *       },
 *     };
 *   },
 * };
 * ```
 */
export interface MigrationModel {
  /** VFIO_MIGRATION_STOP_COPY, alone or with P2P, PRE_COPY or both. */
  readonly flags: number;
  /**
   * Whose answers its data fds give where drivers differ. Default `mlx5`.
   *
   * |                          | mlx5                   | mtty                        |
   * |--------------------------|------------------------|-----------------------------|
   * | nothing more for now     | ENOMSG                 | 0 bytes                     |
   * | poll                     | what can be read       | always ready                |
   * | a write that is refused  | ENODEV from then on    | the session goes on         |
   * | more than the stream has | as `write` says        | ENOMEM                      |
   */
  readonly manner?: 'mlx5' | 'mtty';
  /** Bytes that the stream would have if it began and ended now. */
  dataSize(): number;
  /** From now on the device starts nothing: no transfer, no timer. In all states but RUNNING and PRE_COPY. */
  stop?(): void;
  /** The device goes on. */
  run?(): void;
  /** The last file was closed while the device was stopped: it is to be as after a reset. Default: it goes on. */
  abandon?(): void;
  /** A session that saves begins: with PRE_COPY, or with STOP_COPY, and then `finish` is next. */
  save(): MigrationSource;
  /** A session that loads begins. */
  load(): MigrationTarget;
  /** Is asked before each arc, with VFIO_DEVICE_STATE_ numbers. Returns the errno with which the device refuses it, or nothing. */
  arc?(from: number, to: number): ErrnoName | undefined;
}

// The migration of one device: which state it is in, and what each arc does. Shared by all of its open files. Behaviour text, section 3.4.
//
//   makes a data fd       RUNNING > PRE_COPY, RUNNING_P2P > PRE_COPY_P2P, STOP > STOP_COPY, STOP > RESUMING
//   the same one goes on  PRE_COPY <> PRE_COPY_P2P, PRE_COPY > STOP_COPY, PRE_COPY_P2P > STOP_COPY
//   ends its session      PRE_COPY > RUNNING, PRE_COPY_P2P > RUNNING_P2P, STOP_COPY > STOP, RESUMING > STOP; reset, last close, ERROR

import { u64 } from '../../core/index.ts';
import {
  VFIO_DEVICE_STATE_ERROR as ERROR,
  VFIO_DEVICE_STATE_PRE_COPY as PRE_COPY,
  VFIO_DEVICE_STATE_PRE_COPY_P2P as PRE_COPY_P2P,
  VFIO_DEVICE_STATE_RESUMING as RESUMING,
  VFIO_DEVICE_STATE_RUNNING as RUNNING,
  VFIO_DEVICE_STATE_STOP as STOP,
  VFIO_DEVICE_STATE_STOP_COPY as STOP_COPY,
  VFIO_MIGRATION_P2P,
  VFIO_MIGRATION_PRE_COPY,
  VFIO_MIGRATION_STOP_COPY,
  VfioError,
} from '../../uapi/index.ts';
import type { OpenFile } from '../files/open-file.ts';
import { afterFailure, askModel, atEnd } from '../model-error.ts';
import type { MigrationModel } from './model.ts';
import { ResumeFile } from './resume-file.ts';
import { SaveFile } from './save-file.ts';
import { nextState, stateName } from './state-machine.ts';

const COPIES = [PRE_COPY, PRE_COPY_P2P, STOP_COPY] as const;

function copies(state: number): boolean {
  return (COPIES as readonly number[]).includes(state);
}

/** The states in which a device starts transfers of its own. */
function starts(state: number): boolean {
  return state === RUNNING || state === PRE_COPY;
}

/** Where the migration of a device is. */
export class DeviceMigration {
  private readonly model: MigrationModel;
  private current = RUNNING;
  private hasStopped = false;
  private saving: SaveFile | null = null;
  private resuming: ResumeFile | null = null;
  private isChanging = false;
  private wasReset = false;
  private hasPrecopyV2 = false;

  /** @throws RangeError for flags that no device has. */
  constructor(name: string, model: MigrationModel) {
    const known = VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P | VFIO_MIGRATION_PRE_COPY;
    if (!Number.isInteger(model.flags) || (model.flags & VFIO_MIGRATION_STOP_COPY) === 0 || (model.flags & ~known) !== 0) {
      throw new RangeError(`${name}: migration.flags is ${String(model.flags)}; expected STOP_COPY, and with it P2P, PRE_COPY or both`);
    }
    for (const method of ['dataSize', 'save', 'load'] as const) if (typeof model[method] !== 'function') throw new TypeError(`${name}: migration.${method} is no function`);
    this.model = model;
  }

  /** What the device can: VFIO_MIGRATION_ flags. */
  get flags(): number {
    return this.model.flags;
  }

  /** The state: VFIO_DEVICE_STATE_ number. */
  get state(): number {
    return this.current;
  }

  /** @internal Whether a user has asked for feature MIG_PRECOPY_INFOv2: all files of the device are told then, until the last close. */
  get tellsReinit(): boolean {
    return this.hasPrecopyV2;
  }

  /** @internal */
  usePrecopyV2(): void {
    this.hasPrecopyV2 = true;
  }

  /** @internal Bytes that STOP_COPY is expected to give. */
  dataSize(): bigint {
    return askModel(() => u64('migration.dataSize', this.model.dataSize()));
  }

  /**
   * @internal Goes to a state, arc by arc.
   *
   * @returns the file of the last arc, if that makes one.
   * @throws VfioError EINVAL when there is no way on, or what the device answers to an arc. The device stays where it got to, and in ERROR when it failed otherwise.
   */
  set(call: string, requested: number): OpenFile | null {
    // What a device does about an arc may lead back here.
    if (this.isChanging) throw new VfioError('EBUSY', call, 'the state is being changed');
    this.isChanging = true;
    try {
      let file: OpenFile | null = null;
      while (this.current !== requested) {
        const next = nextState(this.flags, this.current, requested);
        if (next === undefined) throw new VfioError('EINVAL', call, `there is no way from ${stateName(this.current)} to ${stateName(requested)} with flags 0x${this.flags.toString(16)}`);
        file = this.step(call, next);
      }
      return file;
    } finally {
      this.isChanging = false;
      if (this.wasReset) this.reset();
    }
  }

  private step(call: string, next: number): OpenFile | null {
    const from = this.current;
    try {
      return askModel(() => {
        const refused = this.model.arc?.(from, next);
        if (refused !== undefined) throw new VfioError(refused, call, `the device refuses ${stateName(from)} -> ${stateName(next)}`);
        if (!starts(next)) this.still();
        const file = this.arc(from, next);
        if (starts(next)) this.move();
        this.current = next;
        return file;
      });
    } catch (error) {
      afterFailure(error, [
        () => {
          if (!(error instanceof VfioError)) this.fail();
          else if (starts(from)) this.move();
        },
      ]);
    }
  }

  private arc(from: number, next: number): OpenFile | null {
    if (copies(next) && !copies(from)) {
      const file = new SaveFile(this.model, this);
      try {
        if (next === STOP_COPY) file.finish();
      } catch (error) {
        afterFailure(error, [() => file.end()]);
      }
      return (this.saving = file);
    }
    if (next === RESUMING) return (this.resuming = new ResumeFile(this.model));
    if (next === STOP_COPY) this.saving?.finish();
    if (next === STOP) this.resuming?.finish();
    if (!copies(next)) this.endSessions();
    return null;
  }

  private still(): void {
    if (this.hasStopped) return;
    this.model.stop?.();
    this.hasStopped = true;
  }

  private move(): void {
    if (!this.hasStopped) return;
    this.model.run?.();
    this.hasStopped = false;
  }

  private endSessions(): void {
    const { saving, resuming } = this;
    this.saving = this.resuming = null;
    atEnd([() => saving?.end(), () => resuming?.end()]);
  }

  /** Nobody knows what the device is. */
  private fail(): void {
    this.current = ERROR;
    this.endSessions();
  }

  /** @internal The last file was closed. */
  close(): void {
    this.hasPrecopyV2 = false;
    atEnd([() => this.endSessions(), () => this.hasStopped && this.model.abandon?.(), () => this.reset()]);
  }

  /** @internal The device was reset: it runs, and sessions are over. In the middle of a change that waits for its end. */
  reset(): void {
    this.wasReset = this.isChanging;
    if (this.isChanging) return;
    this.current = RUNNING;
    atEnd([() => this.endSessions(), () => this.move()]);
  }
}

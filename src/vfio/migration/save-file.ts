// The data fd of a device that is being saved: a stream to read, and VFIO_MIG_GET_PRECOPY_INFO. Behaviour text, sections 1.14 and 3.4.
//
//   source.next() --> chunk [ taken | first pass .. | changed since .. ] --> read
//
//   there are bytes                      as many as fit
//   none, before the device stopped      ENOMSG: the temporary end (mtty: 0 bytes)
//   none, stopped, and not ready yet     EAGAIN: nothing here can wait, so with and without O_NONBLOCK
//   none, and none will come             0 bytes
//   the session is over                  ENODEV

import { u64 } from '../../core/index.ts';
import { VFIO_DEVICE_STATE_PRE_COPY, VFIO_DEVICE_STATE_PRE_COPY_P2P, VFIO_MIG_GET_PRECOPY_INFO, VFIO_PRECOPY_INFO_REINIT, VfioError, vfio_precopy_info } from '../../uapi/index.ts';
import { OpenFile } from '../files/open-file.ts';
import { DEFAULT_POLLMASK, POLLIN, POLLRDHUP, POLLRDNORM } from '../files/poll.ts';
import { askModel } from '../model-error.ts';
import type { UserMemory } from '../user-memory.ts';
import type { MigrationModel, MigrationSource } from './model.ts';
import { stateName } from './state-machine.ts';

const NOTHING = new Uint8Array();

/** What the file asks of the device that is saved. @internal */
export interface SavedDevice {
  /** VFIO_DEVICE_STATE_ number. */
  readonly state: number;
  /** Whether a user has asked for feature MIG_PRECOPY_INFOv2. */
  readonly tellsReinit: boolean;
}

/** The file behind the fd. @internal */
export class SaveFile extends OpenFile {
  readonly kind = 'migration data';
  override readonly readOnly = true;
  override readonly isStream = true;
  private readonly model: MigrationModel;
  private readonly device: SavedDevice;
  private source: MigrationSource | null;
  private chunk: Uint8Array = NOTHING;
  private taken = 0;
  /** Bytes at the beginning of the chunk that are of the first pass. */
  private initial = 0;
  private hasStopped = false;
  private isComplete = false;

  constructor(model: MigrationModel, device: SavedDevice) {
    super();
    this.model = model;
    this.device = device;
    this.source = model.save();
  }

  /** The device has stopped. */
  finish(): void {
    this.source?.finish();
    this.hasStopped = true;
  }

  /** The session is over. */
  end(): void {
    const { source } = this;
    this.source = null;
    this.chunk = NOTHING;
    this.taken = this.initial = 0;
    source?.end?.();
  }

  private alive(call: string): MigrationSource {
    if (this.source === null) throw new VfioError('ENODEV', call, 'the session is over');
    return this.source;
  }

  /** Asks for the next chunk when this one is used up. Whether there are bytes, or why not. */
  private fill(source: MigrationSource): 'bytes' | 'none' | 'not ready' {
    if (this.taken < this.chunk.length) return 'bytes';
    if (this.isComplete) return 'none';
    try {
      return askModel(() => {
        const { initial } = source.pending();
        const chunk = source.next();
        if (chunk === undefined) return 'not ready';
        this.chunk = chunk;
        this.taken = 0;
        this.initial = Math.min(chunk.length, Math.max(0, initial - source.pending().initial));
        if (chunk.length > 0) return 'bytes';
        this.isComplete = this.hasStopped;
        return 'none';
      });
    } catch (error) {
      this.end();
      throw error;
    }
  }

  override access(call: string, _offset: bigint, length: number, user: UserMemory): number {
    const source = this.alive(call);
    for (let moved = 0; moved < length; ) {
      const found = this.fill(source);
      if (found === 'bytes') {
        const part = this.chunk.subarray(this.taken, this.taken + length - moved);
        user.copyOut(moved, part);
        this.taken += part.length;
        moved += part.length;
        continue;
      }
      if (moved > 0) return moved;
      if (this.hasStopped && found === 'not ready') throw new VfioError('EAGAIN', call, 'the device has stopped, and the next bytes are not ready');
      if (this.hasStopped || this.model.manner === 'mtty') return 0;
      throw new VfioError('ENOMSG', call, 'there is nothing more to read for now: the temporary end of PRE_COPY');
    }
    return length;
  }

  override ioctl(request: number, user: UserMemory): number {
    if (request !== VFIO_MIG_GET_PRECOPY_INFO) throw new VfioError('ENOTTY', `ioctl 0x${request.toString(16)}`, `no request of this ${this.kind} file`);
    const call = 'VFIO_MIG_GET_PRECOPY_INFO';
    const { size } = vfio_precopy_info;
    const bytes = user.copyIn(0, size);
    const { argsz } = vfio_precopy_info.decode(bytes);
    if (argsz < size) throw new VfioError('EINVAL', call, `argsz ${argsz} is below ${size}`);
    const { state, tellsReinit } = this.device;
    if (state !== VFIO_DEVICE_STATE_PRE_COPY && state !== VFIO_DEVICE_STATE_PRE_COPY_P2P) throw new VfioError('EINVAL', call, `the device is in ${stateName(state)}; expected PRE_COPY or PRE_COPY_P2P`);
    const source = this.alive(call);
    const pending = askModel(() => source.pending());
    const initialLeft = Math.max(0, this.initial - this.taken);
    const initial = initialLeft + pending.initial;
    const dirty = this.chunk.length - this.taken - initialLeft + pending.dirty;
    // The flags are the caller's, unless one has asked for those of the kernel.
    if (tellsReinit) vfio_precopy_info.encode({ flags: pending.reinit === true ? VFIO_PRECOPY_INFO_REINIT : 0 }, bytes);
    // What changes while the first pass is under way is told when that is over.
    const left = askModel(() => ({ initial_bytes: u64('pending: initial', initial), dirty_bytes: u64('pending: dirty', initial > 0 ? 0 : dirty) }));
    user.copyOut(0, vfio_precopy_info.encode(left, bytes));
    return 0;
  }

  override poll(): number {
    if (this.model.manner === 'mtty') return DEFAULT_POLLMASK;
    if (this.source === null) return POLLIN | POLLRDNORM | POLLRDHUP;
    return this.fill(this.source) === 'bytes' || this.isComplete ? POLLIN | POLLRDNORM : 0;
  }
}

// The data fd of a device that is being loaded: a stream to write, and no ioctl. Behaviour text, section 3.4, data_fd rules.

import { VfioError } from '../../uapi/index.ts';
import { OpenFile } from '../files/open-file.ts';
import { askModel } from '../model-error.ts';
import type { UserMemory } from '../user-memory.ts';
import type { MigrationModel, MigrationTarget } from './model.ts';

/** The file behind the fd. @internal */
export class ResumeFile extends OpenFile {
  readonly kind = 'migration data';
  override readonly writeOnly = true;
  override readonly isStream = true;
  private readonly isMtty: boolean;
  private readonly limit: number;
  private target: MigrationTarget | null;
  private refused: VfioError | undefined;
  private written = 0;

  constructor(model: MigrationModel) {
    super();
    this.target = model.load();
    this.isMtty = model.manner === 'mtty';
    this.limit = (this.isMtty ? this.target.bytes : undefined) ?? Infinity;
  }

  /** The device becomes what was written. */
  finish(): void {
    if (this.refused !== undefined) throw new VfioError('EINVAL', 'RESUMING -> STOP', `the stream was refused: ${this.refused.message}`);
    this.target?.finish();
  }

  /** The session is over. */
  end(): void {
    this.target = null;
    this.written = 0;
  }

  override access(call: string, _offset: bigint, length: number, user: UserMemory): number {
    if (this.written + length > this.limit) throw new VfioError('ENOMEM', call, `${length} bytes behind ${this.written}: the stream has ${this.limit}`);
    const { target } = this;
    if (target === null || this.refused !== undefined) throw new VfioError('ENODEV', call, 'the session is over');
    const bytes = user.copyIn(0, length);
    this.written += length;
    try {
      if (length > 0) askModel(() => target.write(bytes));
    } catch (error) {
      // What an mtty does not like has been taken all the same.
      if (!this.isMtty) this.refused = error instanceof VfioError ? error : new VfioError('EIO', call, String(error));
      throw error;
    }
    return length;
  }
}

// An open IOMMU group, as far as a hot reset asks for it: a proof that its devices are the caller's.

import { VfioError } from '../../uapi/index.ts';
import { OpenFile } from './open-file.ts';

/** The file behind a group's fd. @internal */
export class GroupFile extends OpenFile {
  readonly kind = 'group';
  readonly id: number;

  constructor(id: number) {
    super();
    this.id = id;
  }

  access(call: string): number {
    throw new VfioError('EINVAL', call, 'a group is neither read nor written');
  }
}

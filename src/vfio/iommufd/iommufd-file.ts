// To be written.

import { VfioError } from '../../uapi/index.ts';
import { OpenFile } from '../files/open-file.ts';
import type { VfioHost } from '../host/host.ts';

/** @internal */
export class IommufdFile extends OpenFile {
  readonly kind = 'iommufd';
  readonly host: VfioHost;

  constructor(host: VfioHost) {
    super();
    this.host = host;
  }

  access(call: string): number {
    throw new VfioError('EINVAL', call, 'is neither read nor written');
  }
}

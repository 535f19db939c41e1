// To be written.

import { VfioError } from '../uapi/index.ts';
import { OpenFile } from './files/open-file.ts';
import type { HostFunction } from './host/host-function.ts';
import type { VfioHost } from './host/host.ts';

/** @internal */
export class CdevFile extends OpenFile {
  readonly kind = 'device';
  readonly host: VfioHost;
  readonly function: HostFunction;

  constructor(host: VfioHost, one: HostFunction) {
    super();
    this.host = host;
    this.function = one;
  }

  access(call: string): number {
    throw new VfioError('EINVAL', call, 'not bound');
  }
}

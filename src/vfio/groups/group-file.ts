// To be written.

import type { CallingProcess } from '../files/open-file.ts';
import { GroupFile } from '../files/group.ts';
import type { VfioHost } from '../host/host.ts';
import type { IommuGroup } from './iommu-group.ts';

/** @internal */
export class HostGroupFile extends GroupFile {
  readonly host: VfioHost;
  readonly group: IommuGroup;

  constructor(host: VfioHost, group: IommuGroup, _process: CallingProcess) {
    super(group.id);
    this.host = host;
    this.group = group;
  }
}

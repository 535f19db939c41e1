// A device file that came from a group: while it is open the group's file is, whoever closes its fd.
//
// Source: drivers/vfio/group.c vfio_df_group_open, vfio_df_group_close, vfio_group_use_container

import { DeviceFile } from '../device-file.ts';
import type { OpenFile } from '../files/open-file.ts';
import type { HostFunction } from '../host/host-function.ts';
import type { VfioHost } from '../host/host.ts';
import { atEnd } from '../model-error.ts';
import { openOptions } from '../proposals/options.ts';
import type { DeviceFileOptions } from '../proposals/options.ts';
import type { IommuGroup } from './iommu-group.ts';

/** A group's file, as far as a device file needs it. @internal */
export type HoldingGroup = OpenFile & { readonly host: VfioHost; readonly group: IommuGroup };

/** @internal */
export class GroupDeviceFile extends DeviceFile {
  private readonly one: HostFunction;
  private readonly from: HoldingGroup;
  private readonly opened: { close(): void };

  /** @param opened - What its close undoes, behind the device's own. @throws VfioError as opening the device answers: EAGAIN, ...; then nothing is held. */
  constructor(from: HoldingGroup, one: HostFunction, opened: { close(): void }, opens: DeviceFileOptions) {
    super(from.host.engine, one.device!, openOptions(opens, {}));
    this.one = one;
    this.opened = opened;
    this.from = from.hold();
    from.group.openDevices++;
    one.hold();
  }

  protected override closed(): void {
    const { from, one, opened } = this;
    atEnd([
      () => super.closed(),
      () => opened.close(),
      () => from.group.openDevices--,
      // Whoever waits for the function to be closed takes its group away: before the group's file is let go, as the group's last device may be this.
      () => one.release(),
      () => from.release(),
    ]);
  }
}

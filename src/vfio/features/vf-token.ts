// Feature PCI_VF_TOKEN: the UUID that users of an SR-IOV physical function's virtual functions must know. Behaviour text, section 3.3, 0.

import { VFIO_DEVICE_FEATURE_SET } from '../../uapi/index.ts';
import type { Feature } from './feature.ts';

const UUID_BYTES = 16;

/** The token of one physical function. It outlives the files that set it. The kernel starts with a random one, this with zeros. */
export class VfToken {
  private uuid = new Uint8Array(UUID_BYTES);

  /** A copy of its 16 bytes. */
  get bytes(): Uint8Array {
    return this.uuid.slice();
  }

  /** @internal */
  set(uuid: Uint8Array): void {
    this.uuid = uuid.slice();
  }
}

/** 0, SET. Nobody may read it: GET is refused on purpose. */
export const pciVfToken: Feature = {
  ops: VFIO_DEVICE_FEATURE_SET,
  bytes: UUID_BYTES,
  isThere: ({ vfToken }) => vfToken !== undefined,
  run({ vfToken }, { data }) {
    vfToken!.set(data.copyIn(0, UUID_BYTES));
    return 0;
  },
};

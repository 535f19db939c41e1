// endpoint-test behind the guest's own vfio-pci and an emulated IOMMU: driven by the guest's program (test/qemu/guest/endpoint.c).
import { expectThat } from '../stage.ts';
import type { Check } from '../stage.ts';

/** Each comes with an fd of the same memory, of which one is kept. */
const LEAST_MAPPINGS = 100;
const MOST_FDS = 60;

export const endpointCheck: Check = {
  name: 'endpoint-test: vfio-pci in the guest, MSI-X, DMA inside and outside of what is mapped',
  run: async (stage) => {
    await stage.bind('endpoint-test', 'vfio-pci', 'irqbypass', 'vfio_iommu_type1', 'vfio-pci');
    const said = await stage.qemu.output(`card endpoint-vfio ${stage.slot('endpoint-test')}`);
    const complaints = await stage.server.complaints('endpoint-test');
    // What was refused was told of, too: 4 transfers outside, 2 after the unmap, and nothing else.
    expectThat(complaints.length === 6 && complaints.every((line) => line.includes('EFAULT')), `the card complained of ${JSON.stringify(complaints)}`);
    const { most } = await stage.server.counts('endpoint-test');
    expectThat(most.mappings >= LEAST_MAPPINGS && most.openFds <= MOST_FDS, `${most.mappings} mappings and ${most.openFds} open fds at most; expected ${LEAST_MAPPINGS} mappings or more, and no more than ${MOST_FDS} fds`);
    return `${said.split('\n').join('; ')}; ${most.mappings} mappings, ${most.openFds} fds`;
  },
};

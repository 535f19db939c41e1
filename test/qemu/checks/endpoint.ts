// endpoint-test behind the guest's own vfio-pci and an emulated IOMMU: driven by the guest's program (test/qemu/guest/endpoint.c).
import { expectThat } from '../stage.ts';
import type { Check } from '../stage.ts';

export const endpointCheck: Check = {
  name: 'endpoint-test: vfio-pci in the guest, MSI-X, DMA inside and outside of what is mapped',
  run: async (stage) => {
    await stage.bind('endpoint-test', 'vfio-pci', 'irqbypass', 'vfio_iommu_type1', 'vfio-pci');
    const said = await stage.qemu.output(`card endpoint-vfio ${stage.slot('endpoint-test')}`);
    const complaints = await stage.server.complaints('endpoint-test');
    // What was refused was told of, too: 4 transfers outside, 2 after the unmap, and nothing else.
    expectThat(complaints.length === 6 && complaints.every((line) => line.includes('EFAULT')), `the card complained of ${JSON.stringify(complaints)}`);
    return said.split('\n').join('; ');
  },
};

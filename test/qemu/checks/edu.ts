// edu: driven by the guest's own program (test/qemu/guest/edu.c), through sysfs and uio_pci_generic, or through vfio-pci.
import { expectThat } from '../stage.ts';
import type { Check, Stage } from '../stage.ts';

const joined = (lines: string): string => lines.split('\n').join('; ');

async function dmaMessages(stage: Stage): Promise<number> {
  const { messages } = await stage.server.counts('edu');
  return (messages.DMA_READ ?? 0) + (messages.DMA_WRITE ?? 0);
}

/** Registers, INTx and DMA; DMA goes by messages or it does not. */
const bySysfs = (isByMessage: boolean) => async (stage: Stage): Promise<string> => {
  await stage.bind('edu', 'uio_pci_generic', 'uio_pci_generic');
  const uio = await stage.qemu.output(`ls /sys/bus/pci/devices/${stage.slot('edu')}/uio`);
  const before = await dmaMessages(stage);
  const said = await stage.qemu.output(`card edu ${stage.slot('edu')} /dev/${uio}`);
  const messages = (await dmaMessages(stage)) - before;
  expectThat(isByMessage ? messages >= 6 : messages === 0, `${messages} messages of DMA; expected ${isByMessage ? '6 or more' : 'none'}`);
  return `${joined(said)}, by ${isByMessage ? `${messages} messages` : 'fd'}`;
};

export const eduByFd: Check = { name: 'edu: registers, INTx, DMA by fd', run: bySysfs(false) };

export const eduByMessage: Check = { name: 'edu: registers, INTx, DMA by message', run: bySysfs(true) };

export const eduByVfio: Check = {
  name: 'edu: MSI, and DMA through the IOMMU',
  run: async (stage) => {
    await stage.bind('edu', 'vfio-pci', 'irqbypass', 'vfio_iommu_type1', 'vfio-pci');
    return joined(await stage.qemu.output(`card edu-vfio ${stage.slot('edu')}`));
  },
};

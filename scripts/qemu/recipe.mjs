// What QEMU's guest is made of: packages, modules, its first program, its command line. Another recipe makes another guest.
import { createHash } from 'node:crypto';
import { initOf } from '../guest/init.mjs';

export { READY } from '../guest/init.mjs';

/** Releases of Debian whose QEMU has vfio-user-pci, in the order in which they are looked for: what is pinned, and all suites that it needs. */
export const RELEASES = [
  { release: 'trixie-backports', suites: ['trixie', 'trixie-updates', 'trixie-backports'] },
  { release: 'forky', suites: ['forky'] },
  { release: 'sid', suites: ['sid'] },
];

/** The first version of QEMU that has vfio-user-pci. */
export const LEAST_QEMU = [10, 1];

/** Loaded by checks, when they want a card to be driven. */
export const MODULES = ['gpio-pci-idio-16', 'uio_pci_generic', 'nvme', 'ext4', 'vfio-pci', 'vfio_iommu_type1', 'irqbypass'];

/**
 * The kernel's command line: without what takes long and finds nothing here, and without its test of the timer, which a guest on a busy machine does not always pass. A guest that panics
 * starts anew, or ends.
 */
export const COMMAND_LINE = 'console=ttyS0 iomem=relaxed no_timer_check mitigations=off random.trust_cpu=on cryptomgr.notests audit=0 apparmor=0 panic=-1 loglevel=4';

/** The first program. No module is loaded: a check sees the cards first as the firmware left them. */
export const INIT = initOf();

/** Names what is fetched: folders of different recipes do not pass for each other. */
export const RECIPE = createHash('sha256').update(JSON.stringify([RELEASES, LEAST_QEMU, MODULES])).digest('hex').slice(0, 16);

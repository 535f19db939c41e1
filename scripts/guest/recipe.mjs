// What the guest is made of: the modules it carries, its first program, its command line. Another recipe makes another guest.
import { createHash } from 'node:crypto';
import { initOf } from './init.mjs';

export { READY } from './init.mjs';

/** Bytes of the guest's memory: 96 MiB of its own, what is reserved, and 16 MiB at the end that the firmware keeps. */
export const MEMORY_BYTES = 128 << 20;

/** Memory that Linux leaves alone, for a BAR that lies in RAM. It begins at a multiple of 64 MiB: what is between the end of RAM and such a multiple, Linux keeps free of cards. */
export const RESERVED = { start: 64 << 20, bytes: 16 << 20 };

/**
 * The kernel's command line: both consoles, the serial one the last and so init's; registers may be looked at with devmem although a driver has claimed them;
 * without what takes long and finds nothing in v86. What is reserved is no memory of any kind, and may be a card's, though it is none of the addresses that the firmware names for cards.
 */
export const COMMAND_LINE = `memmap=${RESERVED.bytes >> 20}M%0x${RESERVED.start.toString(16)}-1 pci=nocrs console=tty0 console=ttyS0 iomem=relaxed tsc=reliable mitigations=off random.trust_cpu=on noisapnp cryptomgr.notests audit=0 apparmor=0 panic=-1`;

/** Loaded before the shell starts, so that a card that is plugged in later finds its driver. */
export const LOADED_MODULES = ['gpio-pci-idio-16', 'bochs', 'nvme', 'uio_pci_generic', 'ext4', 'atkbd'];

/** Asked for by those above by the name of an algorithm, which no list of dependencies tells. */
export const ALGORITHM_MODULES = ['crc32c_generic', 'crct10dif_generic', 'crc64_rocksoft_generic'];

/**
 * The guest's first program. The emulator's own VGA has the ids of bochs-display: it is kept from that driver, or it would take the console.
 */
export const INIT = initOf(`for card in /sys/bus/pci/devices/*; do
  case "$(cat $card/vendor $card/device $card/class | tr '\\n' ' ')" in
    '0x1234 0x1111 0x030000 ') echo none > $card/driver_override ;;
  esac
done
for module in ${LOADED_MODULES.join(' ')}; do modprobe $module; done
while :; do setsid sh -c 'exec sh -i < /dev/tty1 > /dev/tty1 2>&1'; sleep 1; done &
`);

/** Names this recipe: guests of different recipes do not pass for each other. */
export const RECIPE = createHash('sha256').update(JSON.stringify([MEMORY_BYTES, RESERVED, COMMAND_LINE, LOADED_MODULES, ALGORITHM_MODULES, INIT])).digest('hex').slice(0, 16);

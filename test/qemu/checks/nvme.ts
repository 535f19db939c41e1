// nvme, stock: a file system is made on the card, filled, taken off, mounted again, and holds what was written.
import { expectThat } from '../stage.ts';
import type { Check, Stage } from '../stage.ts';

const FILE_MIB = 8;
const BLOCKS = '/dev/nvme0n1';

/** Has the driver bound and the disk there. */
export async function findDisk(stage: Stage): Promise<void> {
  await stage.bind('nvme-lite', 'nvme', 'crc32c_generic', 'crct10dif_generic', 'crc64_rocksoft_generic', 'nvme', 'ext4');
  await stage.qemu.output(`n=0; until [ -b ${BLOCKS} ] || [ $n -ge 400 ]; do n=$((n + 1)); usleep 50000; done; [ -b ${BLOCKS} ]`);
}

/** Makes a file system and fills a file in it; its checksum. */
export async function writeFile({ qemu }: Stage): Promise<string> {
  return qemu.output(`mke2fs ${BLOCKS} > /dev/null 2>&1 && mount -t ext2 ${BLOCKS} /mnt && dd if=/dev/urandom of=/mnt/file bs=1M count=${FILE_MIB} 2> /dev/null && md5sum < /mnt/file && umount /mnt && sync`);
}

/** The checksum of that file when nothing is remembered of it. */
export async function readFile({ qemu }: Stage): Promise<string> {
  return qemu.output(`echo 3 > /proc/sys/vm/drop_caches; mount -t ext2 ${BLOCKS} /mnt && md5sum < /mnt/file && umount /mnt`);
}

export const nvmeCheck: Check = {
  name: `nvme-lite: a file system, ${FILE_MIB} MiB written and read back`,
  run: async (stage) => {
    await findDisk(stage);
    const before = await stage.interrupts('nvme0q');
    const written = await writeFile(stage);
    const read = await readFile(stage);
    expectThat(read === written && /^[0-9a-f]{32}/.test(read), `written ${written}, read back ${read}`);
    const messages = (await stage.interrupts('nvme0q')) - before;
    expectThat(messages > 0, 'the driver was never interrupted');
    const { messages: { DMA_READ = 0, DMA_WRITE = 0 } } = await stage.server.counts('nvme-lite');
    expectThat(DMA_READ + DMA_WRITE === 0, `${DMA_READ + DMA_WRITE} messages of DMA; expected none: the memory is shared`);
    return `${read.slice(0, 16)}..., ${messages} interrupts`;
  },
};

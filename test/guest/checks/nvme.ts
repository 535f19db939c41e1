// nvme, stock: a file system is made on the card, filled, taken off, mounted again, and holds what was written.
import { nvmeLite } from '../../../src/devices/index.ts';
import { expectThat } from '../stage.ts';
import type { Check } from '../stage.ts';

const DISK_BYTES = 24 << 20;
const FILE_MIB = 8;
const NUMBER_BYTES = 8;
const SUPERBLOCK_MAGIC_AT = 1024 + 56;
const SUPERBLOCK_MAGIC = 0xef53;

export const nvmeChecks: readonly Check[] = [
  {
    name: `nvme: a file system, ${FILE_MIB} MiB written and read back`,
    run: async (stage) => {
      const { guest } = stage;
      const disk = new Uint8Array(DISK_BYTES);
      const card = await stage.plug((engine, host) => nvmeLite(engine, host, { store: disk }));
      await stage.expectBound(card, 'nvme');
      await guest.output('n=0; until [ -b /dev/nvme0n1 ] || [ $n -ge 100 ]; do n=$((n + 1)); usleep 50000; done; mke2fs /dev/nvme0n1 && mount -t ext2 /dev/nvme0n1 /mnt');
      // Each MiB behind another number: one in another's place would be noticed. Random bytes would take the guest long.
      const first = 10 ** (NUMBER_BYTES - 2);
      await guest.output(`for i in $(seq ${first} ${first + FILE_MIB - 1}); do echo $i; head -c ${(1 << 20) - NUMBER_BYTES} /bin/busybox; done > /mnt/file`);
      const written = await guest.output('wc -c < /mnt/file && md5sum < /mnt/file && umount /mnt');
      expectThat(written.startsWith(`${FILE_MIB << 20}\n`), `the file has ${written.split('\n')[0]} bytes; expected ${FILE_MIB << 20}`);
      const magic = disk[SUPERBLOCK_MAGIC_AT]! | (disk[SUPERBLOCK_MAGIC_AT + 1]! << 8);
      expectThat(magic === SUPERBLOCK_MAGIC, `the disk has ${magic.toString(16)} where a superblock has ${SUPERBLOCK_MAGIC.toString(16)}`);
      const reads = card.regions()[0]!.counts.writes;
      const read = await guest.output('echo 3 > /proc/sys/vm/drop_caches; mount -t ext2 /dev/nvme0n1 /mnt && wc -c < /mnt/file && md5sum < /mnt/file && umount /mnt');
      expectThat(read === written && /\n[0-9a-f]{32}/.test(read), `written ${written}, read back ${read}`);
      expectThat(card.regions()[0]!.counts.writes > reads, 'no doorbell was rung for reading: the bytes came from a cache');
      const { messages } = card.interrupts;
      await stage.unplug(card);
      return `${read.split('\n')[1]!.slice(0, 16)}..., ${messages} messages`;
    },
  },
];

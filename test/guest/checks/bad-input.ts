// What no driver does: cards are pulled while they are at work, configuration space and registers are filled with garbage, a BAR is moved under a driver's feet.
import { edu, idio16, nvmeLite } from '../../../src/devices/index.ts';
import type { V86Access, V86Card } from '../../../src/hosts/v86/index.ts';
import { expectThat, sysfs } from '../stage.ts';
import type { Check, Stage } from '../stage.ts';
import { exportLines, toggleLines } from './gpio.ts';

const CONFIG_BYTES = 256;
const BAR_2 = 0x18;
const PATTERNS = ['\\377', '\\245', '\\132', '\\000'] as const;
const ALL_ONES = '0xFF';
const SOME_STORES = 20;

/** Throws unless a new idio16 at the slot works. */
async function expectAnother(stage: Stage, slot: string): Promise<void> {
  const card = await stage.plug((engine, host) => idio16(engine, host, { kind: 'mem32' }), { slot });
  await stage.expectBound(card, 'pci-idio-16');
  await exportLines(stage, card);
  await toggleLines(stage, card);
  await stage.unplug(card);
}

/** Lines are driven while the card goes: the loop writes to nobody until the guest is told. */
async function pulledUnderStores(stage: Stage): Promise<string> {
  const { guest } = stage;
  const card = await stage.plug((engine, host) => idio16(engine, host, { kind: 'mem32' }));
  const { slot } = card;
  await exportLines(stage, card);
  await guest.output('while echo 1 > /sys/class/gpio/OUT0/value && echo 0 > /sys/class/gpio/OUT0/value; do :; done 2> /dev/null &');
  const stores = (): number => card.regions()[0]!.counts.writes;
  const before = stores();
  for (let looks = 0; looks < 200 && stores() < before + SOME_STORES; looks++) await guest.output('usleep 20000');
  const reached = stores() - before;
  expectThat(reached >= SOME_STORES, `the loop made ${reached} stores; expected ${SOME_STORES} at least`);
  stage.pull(card);
  await guest.output('usleep 20000');
  const vendor = await guest.output(`od -An -tx2 -N2 ${sysfs(card)}/config`);
  expectThat(vendor.trim() === 'ffff', `the configuration space of the empty slot begins with ${vendor}`);
  await guest.output(`echo 1 > ${sysfs(card)}/remove; wait`);
  await expectAnother(stage, slot);
  return `${slot} after ${reached} stores`;
}

/** Blocks are read while the card goes: the reader gets an error, and the guest goes on. */
async function pulledUnderReads(stage: Stage): Promise<string> {
  const { guest } = stage;
  const plug = (slot?: string) => stage.plug((engine, host) => nvmeLite(engine, host, { store: new Uint8Array(4 << 20) }), slot === undefined ? {} : { slot });
  const ready = 'n=0; until [ -b /dev/nvme0n1 ] || [ $n -ge 100 ]; do n=$((n + 1)); usleep 50000; done';
  const card = await plug();
  const { slot } = card;
  await guest.output(`${ready}; while echo 3 > /proc/sys/vm/drop_caches; dd if=/dev/nvme0n1 of=/dev/null bs=64k; do :; done > /tmp/reads 2>&1 &`);
  await guest.output('usleep 300000');
  const reached = card.interrupts.messages;
  expectThat(reached > 0, 'nothing was read before the card went');
  stage.pull(card);
  await guest.output('usleep 100000');
  await guest.output(`echo 1 > ${sysfs(card)}/remove; wait`, { seconds: 90 });
  const last = await guest.output('tail -n 3 /tmp/reads; [ ! -e /dev/nvme0n1 ]');
  const next = await plug(slot);
  await stage.expectBound(next, 'nvme');
  const zeros = await guest.output(`${ready}; head -c 65536 /dev/nvme0n1 | tr -d '\\000' | wc -c`);
  expectThat(zeros === '0', `a new disk has ${zeros} bytes other than 0`);
  await stage.unplug(next);
  return `after ${reached} messages: ${last.split('\n').find((line) => line.includes('dd:')) ?? 'no error'}`;
}

/** The guest fills configuration space, and what is decoded then; with the old bytes back, a driver finds its card. */
async function garbage(stage: Stage): Promise<string> {
  const { guest } = stage;
  const card = await stage.plug((engine, host) => idio16(engine, host, { kind: 'mem32' }));
  const other = await stage.plug(edu);
  const files = `${sysfs(card)}/config ${sysfs(other)}/config`;
  const driver = '/sys/bus/pci/drivers/pci-idio-16';
  const registers = (one: V86Card): string => {
    const [region] = one.regions();
    return region?.address == null ? '' : [0, 4, 8].map((offset) => `devmem 0x${(region.address! + BigInt(offset)).toString(16)} 32 0xffffffff; devmem 0x${(region.address! + BigInt(offset)).toString(16)} 8 0xa5`).join('; ');
  };
  await guest.output(`echo 0000:${card.slot} > ${driver}/unbind; for f in ${files}; do head -c 64 $f > /tmp/config.$(basename $(dirname $f)); done; echo 1 > ${sysfs(other)}/enable`);
  await guest.output(`${registers(card)}; ${registers(other)}`);
  for (const pattern of PATTERNS) {
    await guest.output(`for f in ${files}; do head -c ${CONFIG_BYTES} /dev/zero | tr '\\000' '${pattern}' > $f; od -An -tx4 -v $f > /dev/null; done`);
  }
  // Zeroes were the last of it: nothing is decoded now.
  await guest.output(`for f in ${files}; do cat /tmp/config.$(basename $(dirname $f)) > $f; done; echo 0000:${card.slot} > ${driver}/bind`);
  await stage.expectBound(card, 'pci-idio-16');
  await exportLines(stage, card);
  await toggleLines(stage, card);
  const said = stage.complaints.splice(0).filter((line) => !line.startsWith('driver:'));
  expectThat(said.length === 0, said.join('\n'));
  await stage.unplug(other);
  await stage.unplug(card);
  return `${PATTERNS.length} times ${CONFIG_BYTES} bytes`;
}

/** The trace goes on at the new address, and says the same offsets. */
async function movedWhileTraced(stage: Stage): Promise<string> {
  const { guest } = stage;
  const trace: V86Access[] = [];
  const card = await stage.plug((engine, host) => idio16(engine, host, { kind: 'mem32' }), { trace: (access) => void trace.push(access) });
  await guest.output(`echo 0000:${card.slot} > /sys/bus/pci/drivers/pci-idio-16/unbind`);
  const [place, moved] = [Number(card.regions()[0]!.address), Number(card.regions()[0]!.address) + 0x1_0010];
  const bytes = [0, 8, 16, 24].map((shift) => `\\${((moved >>> shift) & 0xff).toString(8).padStart(3, '0')}`).join('');
  const begun = trace.length;
  const values = await guest.output([
    `devmem ${place} 8 0x5a`,
    `printf '${bytes}' | dd of=${sysfs(card)}/config bs=4 seek=${BAR_2 / 4} conv=notrunc 2> /dev/null`,
    `devmem ${moved} 8`,
    `devmem ${place} 8`,
    `devmem ${moved} 8 0xa5`,
  ].join('\n'));
  expectThat(values.split('\n').join() === `0x5A,${ALL_ONES}`, `register 0 reads ${values.split('\n').join(' at the new address, and at the old one ')}; expected 0x5A and ${ALL_ONES}`);
  expectThat(Number(card.regions()[0]!.address) === moved, `the card is at ${card.regions()[0]!.address?.toString(16)}; expected ${moved.toString(16)}`);
  const told = trace.slice(begun).map(({ operation, bar, offset, width, value }) => `${operation} ${bar}+${offset}.${width} ${value.toString(16)}`).join(', ');
  expectThat(told === 'write 2+0.1 5a, read 2+0.1 5a, write 2+0.1 a5', `the trace says ${told}`);
  await stage.unplug(card);
  return `${place.toString(16)} to ${moved.toString(16)}: ${told}`;
}

export const badInputChecks: readonly Check[] = [
  { name: 'a card is pulled while its lines are driven', run: pulledUnderStores },
  { name: 'a disk is pulled while it is read', run: pulledUnderReads },
  { name: 'garbage in every register of configuration space', run: garbage },
  { name: 'a BAR is moved while accesses are traced', run: movedWhileTraced },
];

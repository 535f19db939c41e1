// A BAR that QEMU maps in part: what the guest stores there the device sees, and the other way, without a message; beside it every access is one.
import { expectThat } from '../stage.ts';
import type { Check, Stage } from '../stage.ts';

const SHARED = 0x2000;
const TRAPPED = 0x10;

async function accesses(stage: Stage): Promise<number> {
  const { messages: { REGION_READ = 0, REGION_WRITE = 0, REGION_WRITE_MULTI = 0 } } = await stage.server.counts('window');
  return REGION_READ + REGION_WRITE + REGION_WRITE_MULTI;
}

export const windowCheck: Check = {
  name: 'a BAR of which QEMU maps pages: both sides see them, the registers beside them are trapped',
  run: async (stage) => {
    const { qemu, server } = stage;
    const slot = stage.slot('window');
    await qemu.output(`echo 1 > /sys/bus/pci/devices/${slot}/enable`);
    const before = await accesses(stage);
    await qemu.output(`card set ${slot} ${SHARED} 0x12345678`);
    const seen = Number(await server.card('window', 'peek', SHARED));
    expectThat(seen === 0x12345678, `the device sees ${seen.toString(16)}; expected 12345678`);
    await server.card('window', 'poke', SHARED + 4, 0xcafe_f00d);
    const read = await qemu.output(`card word ${slot} ${SHARED + 4}`);
    expectThat(read === 'cafef00d', `the guest sees ${read}; expected cafef00d`);
    const shared = await accesses(stage);
    expectThat(shared === before, `${shared - before} accesses by message; expected none`);
    await qemu.output(`card set ${slot} ${TRAPPED} 0x55aa`);
    const written = Number(await server.card('window', 'trapped'));
    expectThat(written === 0x55aa, `the register was written ${written.toString(16)}; expected 55aa`);
    const counted = [await qemu.output(`card word ${slot} ${TRAPPED}`), await qemu.output(`card word ${slot} ${TRAPPED}`)];
    expectThat(counted.join() === '00000001,00000002', `the register was read ${counted.join(' and ')} times; expected 1 and 2`);
    const trapped = (await accesses(stage)) - shared;
    expectThat(trapped === 3, `${trapped} accesses by message; expected 3`);
    return 'a word each way without a message, 3 messages for 3 registers';
  },
};

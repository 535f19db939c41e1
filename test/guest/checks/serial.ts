// 8250, stock, on a memory BAR: bytes both ways, with the pin and with messages.
import { createHash } from 'node:crypto';
import { serial } from '../../../src/devices/index.ts';
import { expectThat } from '../stage.ts';
import type { Check, Stage } from '../stage.ts';

const BYTES = 10_000;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function bothWays(stage: Stage, messages: boolean): Promise<string> {
  const { guest } = stage;
  const sent: number[] = [];
  const card = await stage.plug((engine, host) => serial(engine, host, { messages, timing: 'immediate', onTransmit: (byte) => void sent.push(byte) }));
  await stage.expectBound(card, 'serial');
  const tty = await guest.output(`ls /sys/bus/pci/devices/0000:${card.slot}/tty`);
  // Open until the end: a port that nobody has open drops what comes, and has no interrupt.
  await guest.output(`exec 3<> /dev/${tty}; stty -F /dev/${tty} raw -echo 115200`);

  const source = await guest.output(`head -c ${BYTES} /bin/busybox > /tmp/source; sha256sum < /tmp/source`);
  await guest.output('cat /tmp/source >&3');
  expectThat(sent.length === BYTES && source.startsWith(sha256(Uint8Array.from(sent))), `${sent.length} bytes of ${BYTES} left the card, or others`);

  const answer = Uint8Array.from({ length: BYTES }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
  card.device.receive(answer);
  await guest.output(`head -c ${BYTES} <&3 > /tmp/answer`, { seconds: 30 });
  const got = await guest.output('sha256sum < /tmp/answer');
  expectThat(got.startsWith(sha256(answer)), `the guest read other bytes than the ${BYTES} that the card was given`);

  const line = (await guest.output('cat /proc/interrupts')).split('\n').find((text) => text.endsWith(` ${tty}`)) ?? `no line of ${tty} in /proc/interrupts`;
  expectThat(line.includes('PCI-MSI') === messages && !/:\s+0 /.test(line), `interrupts of the other kind, or none: ${line}`);
  const { raised, messages: told } = card.interrupts;
  expectThat(messages ? told > 0 && raised === 0 : raised > 0 && told === 0, `${raised} rises of the pin, ${told} messages`);
  await guest.output('exec 3>&-');
  await stage.unplug(card);
  return `${tty}, ${BYTES} bytes each way, ${messages ? `${told} messages` : `${raised} rises of the pin`}`;
}

export const serialChecks: readonly Check[] = [
  { name: '8250 with the pin: bytes arrive both ways', run: (stage) => bothWays(stage, false) },
  { name: '8250 with MSI: bytes arrive both ways', run: (stage) => bothWays(stage, true) },
];

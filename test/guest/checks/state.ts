// A machine with cards that is saved while it runs, and restored when the guest and the world have gone on: guest and cards are again what they were then, and work.
import { idio16, serial } from '../../../src/devices/index.ts';
import { expectThat } from '../stage.ts';
import type { Check, Stage } from '../stage.ts';
import { drive, expectInputs, exportLines, freshDriver } from './gpio.ts';

const text = (bytes: readonly number[]): string => String.fromCharCode(...bytes);

async function goesOn(stage: Stage): Promise<string> {
  const { guest } = stage;
  const { emulator } = guest;
  await freshDriver(stage);
  const sent: number[] = [];
  const gpio = await stage.plug((engine, host) => idio16(engine, host, { kind: 'mem32' }));
  const port = await stage.plug((engine, host) => serial(engine, host, { timing: 'immediate', onTransmit: (byte) => void sent.push(byte) }));
  const tty = await guest.output(`ls /sys/bus/pci/devices/0000:${port.slot}/tty`);
  await guest.output(`exec 3<> /dev/${tty}; stty -F /dev/${tty} raw -echo 115200`);
  await exportLines(stage, gpio);
  gpio.device.setInputs(0x0001);
  await drive(stage, gpio, 0xa5c3);
  await guest.output('echo both > /sys/class/gpio/IIN0/edge; memory=then');

  // The shell waits for a line: nothing is under way.
  await emulator.stop();
  const machine = await emulator.save_state();
  const [gpioState, portState] = [gpio.save(), port.save()];
  await emulator.run();

  await drive(stage, gpio, 0);
  gpio.device.setInputs(0x8000);
  await guest.output('memory=now; echo none > /sys/class/gpio/IIN0/edge; stty -F /dev/ttyS0 echo; exec 3>&-');

  const corrupt = gpioState.slice();
  corrupt[corrupt.length >> 1]! ^= 0x10;
  let refusal = '';
  try {
    gpio.load(corrupt);
  } catch (error) {
    refusal = String((error as { readonly code?: unknown }).code);
  }
  expectThat(refusal === 'EINVAL' && gpio.device.outputs() === 0, `a corrupt state was answered with ${refusal || 'nothing'}, and the outputs are ${gpio.device.outputs().toString(16)}`);

  await emulator.stop();
  await guest.restore(machine);
  gpio.load(gpioState);
  port.load(portState);
  await emulator.run();

  const memory = await guest.output('echo $memory');
  expectThat(memory === 'then', `the guest remembers ${JSON.stringify(memory)}`);
  expectThat(gpio.device.outputs() === 0xa5c3, `the card drives ${gpio.device.outputs().toString(16)}; expected a5c3`);
  await stage.expectBound(gpio, 'pci-idio-16');
  await stage.expectBound(port, 'serial');
  // What the world has at the connector is not part of the state.
  await expectInputs(stage, 0x8000);
  const before = await stage.interrupts('gpiolib');
  gpio.device.setInputs(0x8001);
  await expectInputs(stage, 0x8001);
  const seen = (await stage.interrupts('gpiolib')) - before;
  expectThat(seen === 1, `${seen} interrupts for one change; expected 1`);
  await drive(stage, gpio, 0x5a3c);
  port.device.receive(Uint8Array.from('in\n', (character) => character.charCodeAt(0)));
  const got = await guest.output('read line <&3; echo $line; echo out >&3');
  expectThat(got === 'in' && text(sent) === 'out\n', `in: ${JSON.stringify(got)}, out: ${JSON.stringify(text(sent))}`);
  await guest.output('exec 3>&-');
  await stage.unplug(port);
  await stage.unplug(gpio);
  return `${(machine.byteLength / (1 << 20)).toFixed(0)} MiB, cards ${gpioState.length} and ${portState.length} bytes`;
}

export const stateChecks: readonly Check[] = [{ name: 'a machine with cards is saved, and goes on from there', run: goesOn }];

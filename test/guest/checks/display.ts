// bochs-drm, stock: the guest's console moves to the card when it is plugged in, and what the guest prints is read from the BAR's pixels.
import { bochsDisplay } from '../../../src/devices/index.ts';
import type { BochsDisplay } from '../../../src/devices/index.ts';
import type { V86Card } from '../../../src/hosts/v86/index.ts';
import { expectThat } from '../stage.ts';
import type { Check, Stage } from '../stage.ts';
import { ALPHABET, learnFont, readText } from './console-text.ts';

/** Clears the console and writes to it, without a cursor. */
const show = (command: string): string => `{ printf '\\033[2J\\033[H\\033[?25l'; ${command}; } > /dev/tty1; sleep 0.3`;

function pictureOf(card: V86Card<BochsDisplay>) {
  const picture = card.device.scanout();
  expectThat(picture !== null, `${card.slot}: the card shows nothing`);
  return picture;
}

/** Throws unless the pixels of the card say what the guest says of itself. */
export async function expectConsole(stage: Stage, card: V86Card<BochsDisplay>): Promise<string> {
  const { guest } = stage;
  // The shell of the console would write its prompt between.
  await guest.output(show(`printf '%s' '${ALPHABET.replaceAll("'", `'\\''`)}'`));
  const font = learnFont(pictureOf(card));
  await guest.output(show('uname -a'));
  const [said, seen] = [await guest.output('uname -a'), readText(pictureOf(card), font)];
  expectThat(seen.replaceAll('\n', '') === said, `the guest printed ${JSON.stringify(said)}; the pixels say ${JSON.stringify(seen)}`);
  return seen;
}

/** Twice: the console falls back to VGA when the card goes, and comes when it is there again. */
async function consoleComes(stage: Stage): Promise<string> {
  const told: string[] = [];
  for (let round = 0; round < 2; round++) {
    const card = await stage.plug(bochsDisplay);
    await stage.expectBound(card, 'bochs-drm');
    const { width, height } = pictureOf(card);
    const text = await expectConsole(stage, card);
    const [pixels] = card.regions();
    told.push(`${width}x${height} at ${pixels!.address!.toString(16)}, "${text.slice(0, 24)}...", ${pixels!.counts.writes} writes of pixels`);
    await stage.unplug(card);
  }
  return told.join('; then ');
}

export const displayChecks: readonly Check[] = [{ name: 'bochs-drm: the console is in the pixels of the BAR, and again when the card comes again', run: consoleComes }];

// lspci of the guest and `maplebar inspect` say the same of our cards.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstDifference, functionsOf, knownOfBoth, withoutKernel } from '../lspci.ts';
import { expectThat, inspect } from '../stage.ts';
import type { Check, Stage } from '../stage.ts';

async function compare(stage: Stage): Promise<string> {
  const { qemu, folder, scenario } = stage;
  const cards = Object.entries(scenario.cards).map(([slot, { device }]) => ({ slot, device }));
  const texts = functionsOf(await qemu.output('lspci -nn -vv 2> /dev/null'));
  const dumps = functionsOf(await qemu.output('lspci -xxxx 2> /dev/null'));
  const of = (found: ReadonlyMap<string, string>, slot: string): string => {
    const text = found.get(slot);
    expectThat(text !== undefined, `lspci of the guest has no ${slot}; it has ${[...found.keys()].join(', ')}`);
    return text;
  };
  const ours = [...inspect(...cards.map(({ device }) => device)).split(/^(?=[0-9a-f]{2}:[0-9a-f]{2}\.[0-7] )/m)].map((part) => part.replace(/^VFIO device[^]*/m, '').trimEnd());
  let lines = 0;
  for (const [i, { slot, device }] of cards.entries()) {
    const [found, expected] = [knownOfBoth(of(texts, slot)), knownOfBoth(ours[i] ?? '')];
    const difference = firstDifference(found, expected);
    expectThat(difference === undefined, `${device}: lspci in the guest and maplebar inspect ${device}: ${difference}`);
    lines += found.length;
  }
  // The other way: what the guest saw, through our own lspci.
  const [vv, xxxx] = [join(folder, 'vv.txt'), join(folder, 'xxxx.txt')];
  writeFileSync(vv, cards.map(({ slot }) => `${of(texts, slot)}\n\n`).join(''));
  writeFileSync(xxxx, cards.map(({ slot }) => `${of(dumps, slot)}\n\n`).join(''));
  const again = functionsOf(inspect('--lspci', xxxx, '--lspci', vv));
  for (const { slot, device } of cards) {
    const difference = firstDifference(withoutKernel(of(texts, slot)).split('\n'), (again.get(slot) ?? '').split('\n'));
    expectThat(difference === undefined, `${device}: lspci in the guest and maplebar inspect of its dump: ${difference}`);
  }
  return `${cards.length} cards, ${lines} lines that both know; the guest's own dump byte for byte`;
}

export const lspciCheck: Check = { name: 'lspci -vv in the guest says what maplebar inspect says', run: compare };

// One side in a process of its own: answers each order with one sample.

import type { LoopName } from './guest.ts';
import { SIDES } from './sides.ts';

const [side = ''] = process.argv.slice(2);
const { machine, address } = await SIDES[side]!();

async function answer(loop: LoopName, accesses: number): Promise<void> {
  // The guest waits in a loop: where it is not asked, it would take the processor from the others.
  await machine.emulator.run();
  const nanoseconds = await machine.sample(loop, address, accesses);
  await machine.emulator.stop();
  process.send!(nanoseconds);
}

process.on('message', ({ loop, accesses }: { readonly loop: LoopName; readonly accesses: number }) => void answer(loop, accesses));
process.on('disconnect', () => process.exit());
process.send!('ready');

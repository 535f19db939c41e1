// Steps of the other side: registers that a guest or a host changes, interrupts, DMA, a picture.

import { VfioError } from '../../../src/uapi/index.ts';
import type { Subject } from './devices.ts';
import type { Operation } from './operation.ts';
import type { GuestAct } from './scene.ts';

/** What there is that can be done, as often as it is to be. */
export function actsOf({ card, log, show }: Subject): readonly GuestAct[] {
  const acts: GuestAct[] = card === undefined ? [] : ['config', 'config', 'bar', 'bar', 'pulse', 'dma'];
  return [...acts, ...(log === undefined ? [] : (['log'] as const)), ...(show === undefined ? [] : (['show', 'show', 'show'] as const))];
}

/** Does it, where there is something that can do it. */
export function guestStep({ card, log, show }: Subject, { what, at, value }: Extract<Operation, { kind: 'guest' }>): void {
  // Several, so that a report has something to tell.
  if (what === 'log') for (let i = 0; i < 8; i++) log?.written(BigInt(at * 512 + i * 0x5000), 1 + (value & 0x1fff));
  if (what === 'show') show?.(value);
  if (card === undefined) return;
  const one = card.function;
  try {
    if (what === 'config') one.config.write8(at & 0xff, value & 0xff);
    if (what === 'pulse') card.interrupts.pulse(value & 3);
    if (what === 'bar') {
      const bar = one.bars[value % one.bars.length];
      const position = at & ~3;
      if (bar !== undefined && BigInt(position) + 4n <= bar.region.size) bar.region.write32(position, (value >>> 4) & 0xff);
    }
    if (what === 'dma') void card.dma.write(BigInt(at), new Uint8Array(8)).catch(() => undefined);
  } catch (error) {
    // A vector or a message that the card does not have.
    if (!(error instanceof VfioError)) throw error;
  }
}

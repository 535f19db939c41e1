// Stores of 16, 64 and 128 bits: v86 tells them whole to a method of the processor, which takes them apart; where a card is behind, they stay whole.
//
//   mov [bar], ax      mmap_write16(address, value)                       one write of 2
//   movq [bar], mm0    mmap_write64(address, low, high)                   one write of 8
//   movdqa [bar], xmm0 mmap_write128(address, a, b, c, d)                 two writes of 8, the widest cycle there is

import type { V86Cpu } from './internals.ts';
import type { MemoryBlocks } from './memory-blocks.ts';
import type { Overrides } from './override.ts';

/** Has stores wider or narrower than v86's tables know told to `blocks` where those own the address. */
export function overrideWideStores(cpu: V86Cpu, blocks: MemoryBlocks, overrides: Overrides): void {
  const { write16, write64, write128 } = blocks.access;
  overrides.replace(cpu, 'mmap_write16', (original) => (address, value) => {
    if (blocks.owns(address)) write16(address, value);
    else original(address, value);
  });
  overrides.replace(cpu, 'mmap_write64', (original) => (address, low, high) => {
    if (blocks.owns(address)) write64(address, low, high);
    else original(address, low, high);
  });
  overrides.replace(cpu, 'mmap_write128', (original) => (address, a, b, c, d) => {
    if (blocks.owns(address)) write128(address, a, b, c, d);
    else original(address, a, b, c, d);
  });
}

// The NVMe disk: what its guest has read and written of its blocks.

import { nvmeLite } from 'maplebar/devices';
import type { NvmeLite } from 'maplebar/devices';
import { count, el } from '../dom.ts';
import type { CardFace, CardKind } from './card.ts';

const DISK_BYTES = 16 << 20;
const BLOCK = 512;
const CELLS = 64;
const REGISTER = { CC: 0x14, CSTS: 0x1c, AQA: 0x24, ASQ: 0x28, ACQ: 0x30, DOORBELLS: 0x1000 } as const;
// In the built-in guest's memory: queues of 16 entries, and what Identify answers.
const MEMORY = { ASQ: 0x10_0000, ACQ: 0x10_1000, DATA: 0x10_2000 } as const;
const ENTRIES = 16;
const IDENTIFY = 0x06;

/** The page of the card. */
function nvmeFace(): CardFace<NvmeLite> {
  const bytes = new Uint8Array(DISK_BYTES);
  const touched = new Uint8Array(CELLS);
  const counts = { read: 0, written: 0 };
  const cells = Array.from({ length: CELLS }, () => el('span', { class: 'cell' }));
  const caption = el('p', {}, 'Nothing read or written yet');
  const slice = (block: number, length: number): [number, number] => [block * BLOCK, block * BLOCK + length];
  const note = (block: number, length: number, isWrite: boolean): void => {
    counts[isWrite ? 'written' : 'read'] += length;
    for (let cell = Math.floor(block * BLOCK / DISK_BYTES * CELLS); cell <= Math.floor((block * BLOCK + length - 1) / DISK_BYTES * CELLS); cell++) touched[cell]! |= isWrite ? 2 : 1;
  };
  let tail = 0;
  let pace = 0;
  return {
    make: (engine, host) => nvmeLite(engine, host, { model: 'maplebar demo disk', store: {
      blockSize: BLOCK,
      blocks: DISK_BYTES / BLOCK,
      read: (block, target) => {
        target.set(bytes.subarray(...slice(block, target.length)));
        note(block, target.length, false);
        return Promise.resolve();
      },
      write: (block, source) => {
        bytes.set(source, block * BLOCK);
        note(block, source.length, true);
        return Promise.resolve();
      },
    } }),
    view: el('div', {}, el('div', { class: 'cells', role: 'img', 'aria-label': 'the disk, 64 parts: read, written' }, ...cells), caption),
    draw: () => {
      cells.forEach((cell, i) => cell.setAttribute('class', `cell ${['', 'read', 'written', 'written'][touched[i]!]}`));
      if (counts.read + counts.written > 0) caption.textContent = `${count(counts.read)} bytes read, ${count(counts.written)} written, of ${DISK_BYTES >> 20} MiB`;
    },
    drive: async (machine, { bars }) => {
      if (pace++ % 8 !== 0) return;
      const bar = bars[0]!;
      if (tail === 0) {
        await machine.run([
          ['fill', MEMORY.ASQ, 3072, 0], ['write32', bar + REGISTER.AQA, ((ENTRIES - 1) << 16) | (ENTRIES - 1)],
          ['write32', bar + REGISTER.ASQ, MEMORY.ASQ], ['write32', bar + REGISTER.ASQ + 4, 0], ['write32', bar + REGISTER.ACQ, MEMORY.ACQ], ['write32', bar + REGISTER.ACQ + 4, 0],
          ['write32', bar + REGISTER.CC, 0x0046_0001],
        ]);
      }
      const [status] = await machine.run([['read32', bar + REGISTER.CSTS]]);
      if ((status! & 1) === 0) return;
      const entry = MEMORY.ASQ + 64 * (tail % ENTRIES);
      const phase = Math.floor(tail / ENTRIES) % 2 === 0 ? 0x1_0000 : 0;
      const completion = MEMORY.ACQ + 16 * (tail % ENTRIES);
      tail++;
      await machine.run([
        ['write32', entry, IDENTIFY | (tail << 16)], ['write32', entry + 24, MEMORY.DATA], ['write32', entry + 40, 1],
        ['write32', bar + REGISTER.DOORBELLS, tail % ENTRIES],
      ]);
      await new Promise((resolve) => setTimeout(resolve, 5));
      const answer = await machine.run([['read32', completion + 12], ...Array.from({ length: 10 }, (_, i) => ['read32', MEMORY.DATA + 24 + 4 * i] as const), ['write32', bar + REGISTER.DOORBELLS + 4, tail % ENTRIES]]);
      const model = String.fromCharCode(...new Uint8Array(Uint32Array.from(answer.slice(1)).buffer)).trim();
      if (tail === 1) machine.say(`guest: nvme: ${(answer[0]! & 0x1_0000) === phase ? `Identify says "${model}"` : 'Identify was not answered'}`);
    },
    linux: (machine) => machine.command('sleep 0.5; cat /sys/class/nvme/nvme0/model; dd if=/dev/urandom of=/dev/nvme0n1 bs=64k count=16 2>/dev/null; sync'),
  };
}

export const nvme: CardKind = { key: 'nvme', title: 'NVMe disk', driver: 'nvme', face: nvmeFace };

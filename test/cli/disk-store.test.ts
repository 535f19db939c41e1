// A file as the disk of a served device.

import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from '@jest/globals';
import { openDisk } from '../../src/cli/disk-store.ts';
import { Folder } from './support.ts';

const folder = new Folder();
afterAll(() => folder.remove());

test('a disk is the blocks of its file, and no more', async () => {
  const read: [number, number][] = [];
  const path = folder.file('store.img', Uint8Array.from({ length: 8 * 512 }, (_, i) => i >> 9));
  const disk = openDisk(path, (block, bytes) => void read.push([block, bytes.length]));
  const target = new Uint8Array(1024);
  await disk.read(2, target);
  await disk.write(0, new Uint8Array(512).fill(9));
  await disk.deallocate!(4, 2);
  await disk.flush!();
  await expect(disk.read(7, new Uint8Array(1024))).rejects.toThrow('no bytes at 4096');
  disk.close();
  expect([target[0], target[512], read]).toEqual([2, 3, [[2, 1024]]]);
  const now = readFileSync(path);
  expect([0, 1, 2, 3, 4, 5, 6, 7].map((block) => now[block * 512])).toEqual([9, 1, 2, 3, 0, 0, 6, 7]);
  expect(disk.blocks).toBe(8);
});

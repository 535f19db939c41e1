// What tests over real sockets share: a folder of their own for them, fds of this program, turns of the event loop.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';

const folder = mkdtempSync(join(tmpdir(), 'vfio-user-'));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;

/** A path in the folder of this test file; nothing is there yet. */
export const newPath = (name = `${count++}.sock`): string => join(folder, name);

/** How many fds this program has open. */
export const openFds = (): number => readdirSync('/proc/self/fd').length;

/** A turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Turns of the event loop until something is so; a test that waits in vain is ended by jest. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}

// A machine for each test of a file, and the users of its devices: at the end nothing of either is left.
import { afterEach, beforeEach, expect } from '@jest/globals';
import { createTestbench } from '../../src/hosts/index.ts';
import type { Testbench } from '../../src/hosts/index.ts';
import type { MigrationUser } from './user.ts';

export let bench: Testbench;
/** They exit at the end. */
export let users: MigrationUser[];

export function useMigrationBench(): void {
  beforeEach(() => {
    bench = createTestbench();
    users = [];
  });
  afterEach(async () => {
    for (const user of users) user.exit();
    await bench.settle();
    bench.destroy();
    expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  });
}

// The NVMe controller that is misused, and a watch on promises that nobody waits for.

import { afterEach, beforeEach, expect } from '@jest/globals';
import { nvmeLite } from '../../../../src/devices/index.ts';
import type { NvmeLite, NvmeLiteOptions } from '../../../../src/devices/index.ts';
import { createTestbench } from '../../../../src/hosts/index.ts';
import type { Testbench } from '../../../../src/hosts/index.ts';
import { NvmeDriver } from '../driver.ts';

export const WRITE = 0x01;
export const READ = 0x02;
export const NOWHERE = 0x4000_0000;

export let bench: Testbench;
export let card: NvmeLite;
export let driver: NvmeDriver;
export const rejections: unknown[] = [];
export const remember = (reason: unknown): void => void rejections.push(reason);

/** Drives this controller from now on. */
export function drive(made: NvmeLite): void {
  card = made;
  driver = new NvmeDriver(bench, card);
}

export function plug(options: NvmeLiteOptions = {}): void {
  drive(bench.plug((engine, host) => nvmeLite(engine, host, options)));
}

/** Before and after each test of a file. */
export function plugController(): void {
  beforeEach(() => {
    rejections.length = 0;
    process.on('unhandledRejection', remember);
    bench = createTestbench();
  });
  afterEach(async () => {
    await bench.settle();
    bench.destroy();
    await new Promise((resolve) => setTimeout(resolve, 0));
    process.off('unhandledRejection', remember);
    expect(rejections).toEqual([]);
    expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  });
}

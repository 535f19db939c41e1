// The NVMe controller that the tests of this folder plug in, and its driver.

import { afterEach, beforeEach, expect } from '@jest/globals';
import { nvmeLite } from '../../../src/devices/index.ts';
import type { NvmeLite, NvmeLiteOptions } from '../../../src/devices/index.ts';
import { createTestbench } from '../../../src/hosts/index.ts';
import type { Testbench } from '../../../src/hosts/index.ts';
import { NvmeDriver } from './driver.ts';

export const FLUSH = 0x00;
export const WRITE = 0x01;
export const READ = 0x02;
export const COMPARE = 0x05;
export const WRITE_ZEROES = 0x08;
export const DATASET = 0x09;
export const FUA = 1 << 30;

export let bench: Testbench;
export let card: NvmeLite;
export let driver: NvmeDriver;
export let disk: Uint8Array;

export function plug(options: NvmeLiteOptions = {}): void {
  card = bench.plug((engine, host) => nvmeLite(engine, host, { store: disk, ...options }));
  driver = new NvmeDriver(bench, card);
}

/** Jest takes seconds for what this sees at once. */
export const same = (found: Uint8Array, wanted: Uint8Array): void => expect(Buffer.compare(found, wanted)).toBe(0);

export const pattern = (bytes: number, seed = 1): Uint8Array => new Uint8Array(bytes).map((_, i) => (i * 7 + seed * 31 + (i >> 9)) & 0xff);

/** Before and after each test of a file. */
export function plugController(): void {
  beforeEach(() => {
    bench = createTestbench();
    disk = new Uint8Array(1 << 21);
  });
  afterEach(() => {
    bench.destroy();
    expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  });
}

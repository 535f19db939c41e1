// Single accesses through the JavaScript engine, and plain copies.

import { createBaselineEngine } from '../baseline/engine.ts';
import type { Side } from '../comparison.ts';
import { OPERATIONS, createAddresses, createBigAddresses, createPositions, windows } from './single.ts';

function machine() {
  const engine = createBaselineEngine(80 << 20, 0);
  const map = (start: number, size: number, region: number): void => engine.map({ start: BigInt(start), size: BigInt(size), region, position: 0n, priority: 0 });
  const device = engine.region({ kind: 'ram', size: windows.device.size });
  for (const { start, size } of [windows.interrupts, windows.high]) map(start, size, engine.region({ kind: 'ram', size }));
  map(windows.device.start, windows.device.size, device);
  return { engine, device, map };
}

export function read32(): Side {
  const { engine } = machine();
  const addresses = createAddresses(4);
  return {
    operations: OPERATIONS,
    prepare: (round) => addresses.renew(round),
    run() {
      const block = addresses.next();
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) sum = (sum + engine.read32(block[i]!)) | 0;
      return sum;
    },
  };
}

/** Random over 64 MiB of RAM and the devices: more pages than there are lanes. */
export function read32Scattered(): Side {
  const { engine, map } = machine();
  map(windows.memory.start, windows.memory.size, engine.region({ kind: 'ram', size: windows.memory.size }));
  const addresses = createAddresses(4, [windows.memory, windows.memory, windows.device, windows.interrupts]);
  return {
    operations: OPERATIONS,
    prepare: (round) => addresses.renew(round),
    run() {
      const block = addresses.next();
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) sum = (sum + engine.read32(block[i]!)) | 0;
      return sum;
    },
  };
}

export function read32Big(): Side {
  const { engine } = machine();
  const addresses = createBigAddresses();
  return {
    operations: OPERATIONS,
    prepare: (round) => addresses.renew(round),
    run() {
      const block = addresses.next();
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) sum = (sum + engine.read32Big(block[i]!)) | 0;
      return sum;
    },
  };
}

export function read64(): Side {
  const { engine } = machine();
  const addresses = createAddresses(8);
  return {
    operations: OPERATIONS,
    prepare: (round) => addresses.renew(round),
    run() {
      const block = addresses.next();
      let last = 0n;
      for (let i = 0; i < OPERATIONS; i++) last ^= engine.read64(block[i]!);
      return Number(BigInt.asUintN(32, last));
    },
  };
}

export function write32(): Side {
  const { engine } = machine();
  const addresses = createAddresses(4);
  return {
    operations: OPERATIONS,
    prepare: (round) => addresses.renew(round),
    run() {
      const block = addresses.next();
      for (let i = 0; i < OPERATIONS; i++) engine.write32(block[i]!, i);
      return engine.read32(block[0]!);
    },
  };
}

export function regionRead32(): Side {
  const { engine, device } = machine();
  const positions = createPositions();
  return {
    operations: OPERATIONS,
    prepare: (round) => positions.renew(round),
    run() {
      const block = positions.next();
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) sum = (sum + engine.regionRead32(device, block[i]!)) | 0;
      return sum;
    },
  };
}

export function hookRead32(): Side {
  const { engine, map } = machine();
  let calls = 0;
  map(windows.hook.start, windows.hook.size, engine.region({ kind: 'hook', size: windows.hook.size, read: (_high, low) => ++calls + low, write: () => undefined }));
  const positions = createPositions();
  return {
    operations: OPERATIONS,
    prepare: (round) => positions.renew(round),
    run() {
      const block = positions.next();
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) sum = (sum + engine.read32(windows.hook.start + block[i]!)) | 0;
      return sum;
    },
  };
}

/** Blocks of `bytes` copied out of a buffer: no address space at all. */
export function copyBlock(bytes: number): Side {
  const memory = new Uint8Array(1 << 20);
  const target = new Uint8Array(bytes);
  const operations = Math.max(1, OPERATIONS >> 4);
  return {
    operations,
    prepare: () => target.fill(1),
    run() {
      for (let i = 0; i < operations; i++) target.set(memory.subarray(i * 64, i * 64 + bytes));
      return target[0]! + target[bytes - 1]!;
    },
  };
}

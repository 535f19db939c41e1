// Single accesses through the public interface of the library.

import { createEngine } from '../../src/core/index.ts';
import type { Side } from '../comparison.ts';
import { OPERATIONS, createAddresses, createBigAddresses, createPositions, windows } from './single.ts';

function machine() {
  const engine = createEngine();
  const space = engine.space();
  const device = engine.region({ kind: 'ram', size: windows.device.size });
  for (const name of ['interrupts', 'high'] as const) space.map(windows[name].start, engine.region({ kind: 'ram', size: windows[name].size }));
  space.map(windows.device.start, device);
  return { engine, space, device };
}

/** One call for each operation that does nothing: what crossing the border costs. */
export function emptyCall(): Side {
  const { exports } = machine().engine.core;
  return {
    operations: OPERATIONS,
    prepare: () => undefined,
    run() {
      for (let i = 0; i < OPERATIONS; i++) exports.nothing();
      return 0;
    },
  };
}

export function read32(): Side {
  const { space } = machine();
  const addresses = createAddresses(4);
  return {
    operations: OPERATIONS,
    prepare: (round) => addresses.renew(round),
    run() {
      const block = addresses.next();
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) sum = (sum + space.read32(block[i]!)) | 0;
      return sum;
    },
  };
}

/** Random over 64 MiB of RAM and the devices: more pages than there are lanes. */
export function read32Scattered(): Side {
  const { engine, space } = machine();
  space.map(windows.memory.start, engine.region({ kind: 'ram', size: windows.memory.size }));
  const addresses = createAddresses(4, [windows.memory, windows.memory, windows.device, windows.interrupts]);
  return {
    operations: OPERATIONS,
    prepare: (round) => addresses.renew(round),
    run() {
      const block = addresses.next();
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) sum = (sum + space.read32(block[i]!)) | 0;
      return sum;
    },
  };
}

export function read32Big(): Side {
  const { space } = machine();
  const addresses = createBigAddresses();
  return {
    operations: OPERATIONS,
    prepare: (round) => addresses.renew(round),
    run() {
      const block = addresses.next();
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) sum = (sum + space.read32(block[i]!)) | 0;
      return sum;
    },
  };
}

export function read64(): Side {
  const { space } = machine();
  const addresses = createAddresses(8);
  return {
    operations: OPERATIONS,
    prepare: (round) => addresses.renew(round),
    run() {
      const block = addresses.next();
      let last = 0n;
      for (let i = 0; i < OPERATIONS; i++) last ^= space.read64(block[i]!);
      return Number(BigInt.asUintN(32, last));
    },
  };
}

export function write32(): Side {
  const { space } = machine();
  const addresses = createAddresses(4);
  return {
    operations: OPERATIONS,
    prepare: (round) => addresses.renew(round),
    run() {
      const block = addresses.next();
      for (let i = 0; i < OPERATIONS; i++) space.write32(block[i]!, i);
      return space.read32(block[0]!);
    },
  };
}

export function regionRead32(): Side {
  const { device } = machine();
  const positions = createPositions();
  return {
    operations: OPERATIONS,
    prepare: (round) => positions.renew(round),
    run() {
      const block = positions.next();
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) sum = (sum + device.read32(block[i]!)) | 0;
      return sum;
    },
  };
}

export function hookRead32(): Side {
  const { engine, space } = machine();
  let calls = 0;
  space.map(windows.hook.start, engine.region({ kind: 'hook', size: windows.hook.size, read: (position) => ++calls + Number(position), write: () => undefined }));
  const positions = createPositions();
  return {
    operations: OPERATIONS,
    prepare: (round) => positions.renew(round),
    run() {
      const block = positions.next();
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) sum = (sum + space.read32(windows.hook.start + block[i]!)) | 0;
      return sum;
    },
  };
}

/** Blocks of `bytes` read through the space. */
export function readBlock(bytes: number): Side {
  const { space } = machine();
  const target = new Uint8Array(bytes);
  const operations = Math.max(1, OPERATIONS >> 4);
  return {
    operations,
    prepare: () => target.fill(1),
    run() {
      for (let i = 0; i < operations; i++) space.readBytes(windows.interrupts.start + i * 64, target);
      return target[0]! + target[bytes - 1]!;
    },
  };
}

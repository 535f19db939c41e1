// The functions that the configuration fuzz drives: every reference device, every function of the recorded machines, and some that nobody built.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEVICE_NAMES, referenceDevice } from '../../../src/cli/reference-devices.ts';
import type { Engine } from '../../../src/core/index.ts';
import type { Pluggable } from '../../../src/hosts/testbench/index.ts';
import { type DeviceHost, PciFunction, type PciFunctionDescription } from '../../../src/pci/index.ts';
import { describeFunctions, isEndpoint, parseLspciHex, parseLspciVerbose, vendorRegisters } from '../../../src/trace/index.ts';
import { Random } from '../../fuzz/random.ts';
import { madeUpFunction } from './made-up-functions.ts';

export type MakeSubject = (engine: Engine, host: DeviceHost) => Pluggable;

export interface Subject {
  readonly name: string;
  readonly make: MakeSubject;
}

/** A described function as something to plug in. */
function plugged(description: PciFunctionDescription): MakeSubject {
  return (engine, host) => {
    const one = new PciFunction(engine, { ...description, ...(host.slot !== undefined && { slot: host.slot }), ...(host.interrupts !== undefined && { interrupts: host.interrupts }) });
    return { function: one, destroy: () => one.destroy() };
  };
}

/**
 * All of them, in an order that does not change.
 *
 * @param traces the folder of the recorded machines' texts.
 * @param madeUp how many functions to make up, and from which seed.
 */
export function subjects(traces: string, madeUp: { readonly count: number; readonly seed: number }): Subject[] {
  const found: Subject[] = DEVICE_NAMES.map((name) => ({ name, make: (engine, host) => referenceDevice(name)(engine, host) }));
  for (const recorded of ['nvme', 'e1000e']) {
    const text = (kind: string): string => readFileSync(join(traces, `${recorded}.${kind}`), 'utf8');
    for (const description of describeFunctions({ lspciHex: parseLspciHex(text('lspci-xxxx')), lspciVerbose: parseLspciVerbose(text('lspci-vv')) })) {
      if (isEndpoint(description)) found.push({ name: `${recorded} ${description.slot}`, make: plugged({ ...description, registers: vendorRegisters(description) }) });
    }
  }
  for (let n = 0; n < madeUp.count; n++) {
    const description = madeUpFunction(new Random(madeUp.seed + n), n % 2 === 1);
    found.push({ name: `made up ${madeUp.seed + n}`, make: plugged(description) });
  }
  return found;
}

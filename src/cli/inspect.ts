// `maplebar inspect`: a device as people know it from `lspci -vv`, as a VFIO program sees it, and its registers. From a dump, or one of ours.

import { createEngine } from '../core/index.ts';
import type { OffsetMode } from '../core/index.ts';
import { createTestbench } from '../hosts/index.ts';
import { PciFunction, formatPciAddress, parsePciAddress } from '../pci/index.ts';
import type { PciFunctionDescription } from '../pci/index.ts';
import { mapToJson } from '../registers/index.ts';
import { describeFunctions, isEndpoint } from '../trace/index.ts';
import type { GfxPlaneKind } from '../vfio-client/index.ts';
import type { DeviceFileOptions, UapiRelease } from '../vfio/index.ts';
import { readDumps } from './files.ts';
import { referenceDevice } from './reference-devices.ts';
import { registerTable } from './register-table.ts';
import type { Output } from './terminal.ts';
import { deviceDocument, deviceText, seeDevice } from './vfio-view.ts';

/** The options of the command. */
export interface InspectCommand {
  readonly lspci: readonly string[];
  readonly slot?: string;
  readonly offsets: OffsetMode;
  readonly uapi: UapiRelease;
  readonly planes?: GfxPlaneKind;
  readonly msix: 'mappable' | 'sparse';
  readonly registers?: boolean;
  readonly hex?: boolean;
  readonly json?: boolean;
}

/** What is printed of one device. */
type Shown = string | Record<string, unknown>;

/** How the device is opened. */
function asked({ offsets, uapi }: InspectCommand): DeviceFileOptions {
  return { offsets, uapi };
}

/** The described functions that were asked for: one slot, with or without its domain, or all. */
function choose(options: InspectCommand): PciFunctionDescription[] {
  const described = describeFunctions(readDumps(undefined, options.lspci));
  if (described.length === 0) throw new Error('no lspci -xxxx text was given: a device needs its bytes');
  if (options.slot === undefined) return described;
  const key = (slot: string): string => {
    const address = parsePciAddress(slot);
    return address === null ? slot : formatPciAddress(address);
  };
  const wanted = key(options.slot);
  const chosen = described.filter(({ slot }) => key(slot) === wanted);
  if (chosen.length === 0) throw new Error(`no function ${options.slot} in the dump; it has ${described.map(({ slot }) => slot).join(', ')}`);
  return chosen;
}

function fromDumps(options: InspectCommand, output: Output): Shown[] {
  const all = choose(options);
  const chosen = all.filter(isEndpoint);
  if (chosen.length === 0) throw new Error(`${all.map(({ slot }) => slot).join(', ')}: a bridge, and this is for other functions`);
  for (const { slot } of all.filter((one) => !isEndpoint(one))) output.err(`note: ${slot} is a bridge: it is left out\n`);
  if (chosen.some(({ sizes }) => sizes === undefined)) output.err('note: without lspci -vv text the sizes of BARs are unknown, and they are left out\n');
  const engine = createEngine();
  return chosen.map((description) => {
    const one = new PciFunction(engine, { ...description, msixMode: options.msix });
    if (options.hex === true) return one.lspciHex();
    const seen = seeDevice(engine, one, asked(options));
    const shown = options.json === true ? deviceDocument(one, seen) : deviceText(one, seen);
    one.destroy();
    return shown;
  });
}

/** One of ours, where a testbench's firmware has put it. */
function ofOurs(name: string, options: InspectCommand): Shown {
  const bench = createTestbench();
  const make = referenceDevice(name);
  const card = bench.plug((engine, host) => make(engine, host, options.planes === undefined ? {} : { planes: options.planes }));
  try {
    if (options.hex === true) return card.function.lspciHex();
    const seen = seeDevice(bench.engine, card.function, asked(options));
    if (options.json === true) {
      const registers = Object.fromEntries([...card.banks].map(([index, { map }]) => [index, JSON.parse(mapToJson(map)) as unknown]));
      return { name, ...deviceDocument(card.function, seen), ...(options.registers === true && { registers }) };
    }
    const banks = options.registers === true ? [...card.banks].map(([index, { map }]) => `Registers of BAR ${index} (${map.name})\n${registerTable(map)}\n`) : [];
    return [deviceText(card.function, seen), ...banks].join('\n');
  } finally {
    bench.destroy();
  }
}

/** Runs the command; the exit code. */
export function inspectCommand(devices: readonly string[], options: InspectCommand, output: Output): number {
  const seen = [...devices.map((name) => ofOurs(name, options)), ...(options.lspci.length > 0 ? fromDumps(options, output) : [])];
  output.out(options.json === true ? `${JSON.stringify(seen, undefined, 2)}\n` : seen.filter((one) => typeof one === 'string').join('\n'));
  return 0;
}

// One function as people know it from `lspci -vv -nn`: decoded from the bytes of its configuration space.
//
//   00:1f.2 SATA controller [0106]: Intel Corporation ... [8086:2922] (rev 02) (prog-if 01 [AHCI 1.0])
//   |       |                       |                                                       |
//   slot    names.class             names.device                                            names.progIf
//           Subsystem: Red Hat, Inc. QEMU Virtual Machine [1af4:1100]        names.subsystem
//           Control: ..., Status: ..., Latency: ...                          bytes
//           Interrupt: pin A routed to IRQ 26                                bytes, irq
//           Region 5: Memory at febfc000 (32-bit, non-prefetchable) [size=4K]  bytes, sizes
//           Capabilities: [80] MSI: Enable+ ...                              bytes
//           Kernel driver in use: ahci                                       driver
//
// What no byte of the function can tell (names, sizes, the interrupt that the kernel routed, the driver) is input. The layout is
// pciutils 3.9's; where that prints a capability's body and this does not, the headline ends in ` <?>`.
//
// Source: PCI Local Bus 3.0, 6.1 and 6.2; lspci(8)

import { type Bar, type BarSizes, type RomBar, decodeBars } from './bars.ts';
import { type CapabilityWalk, walkCapabilities, walkExtendedCapabilities } from './capabilities.ts';
import { PCI_CAP_ID } from './capability-ids.ts';
import * as space from './config-space.ts';
import { hex } from './little-endian.ts';
import { type LspciContext, flags } from './lspci/context.ts';
import { extendedCapabilityLines } from './lspci/extended.ts';
import { standardCapabilityLines } from './lspci/standard.ts';

/** Words that lspci takes from its id database. An absent one prints as lspci prints an id it does not know. */
export interface LspciNames {
  /** Of the class: `SATA controller`. */
  class?: string;
  /** Vendor and device with a space between: `Red Hat, Inc. QEMU NVM Express Controller`. */
  device?: string;
  /** Of the programming interface: `AHCI 1.0`. */
  progIf?: string;
  /** Subsystem vendor and subsystem with a space between. */
  subsystem?: string;
}

/** One function, as `formatLspci` prints it. */
export interface LspciInput {
  /** Printed first: `00:1f.2` or `0000:00:1f.2`. */
  slot: string;
  /** 64, 256 or 4096 bytes of configuration space. With 64, capabilities print as `<access denied>`, as for a user who is not root. */
  config: Uint8Array;
  /** Bytes per BAR and of the ROM, as probing would find them. An unknown size prints no `[size=]`. */
  sizes?: BarSizes;
  names?: LspciNames;
  /** The interrupt that the kernel routed; the interrupt line register when left out. */
  irq?: number;
  numaNode?: number;
  iommuGroup?: string;
  physicalSlot?: string;
  /** `Kernel driver in use`. */
  driver?: string;
  /** `Kernel modules`. */
  modules?: readonly string[];
}

const named = (name: string | undefined, otherwise: string, ids: string): string => `${name ?? otherwise} [${ids}]`;

/** The first line of a function without what `-v` adds to it: slot, class, device, revision. */
export function lspciHeadline({ slot, names = {} }: Pick<LspciInput, 'slot' | 'names'>, header: space.ConfigHeader): string {
  const className = named(names.class, 'Class', hex(header.classCode, 4));
  const device = named(names.device, 'Device', `${hex(header.vendor, 4)}:${hex(header.device, 4)}`);
  const revision = header.revision === 0 ? '' : ` (rev ${hex(header.revision, 2)})`;
  return `${slot} ${className}: ${device}${revision}`;
}

function verboseHeadline(input: LspciInput, header: space.ConfigHeader): string {
  const { names = {} } = input;
  const word = names.progIf === undefined ? '' : ` [${names.progIf}]`;
  const progIf = header.progIf === 0 && word === '' ? '' : ` (prog-if ${hex(header.progIf, 2)}${word})`;
  return `${lspciHeadline(input, header)}${progIf}`;
}

function controlLine(command: number): string {
  return `\tControl: ${flags(command, [
    ['I/O', space.PCI_COMMAND_IO], ['Mem', space.PCI_COMMAND_MEMORY], ['BusMaster', space.PCI_COMMAND_MASTER],
    ['SpecCycle', space.PCI_COMMAND_SPECIAL], ['MemWINV', space.PCI_COMMAND_INVALIDATE], ['VGASnoop', space.PCI_COMMAND_VGA_PALETTE],
    ['ParErr', space.PCI_COMMAND_PARITY], ['Stepping', space.PCI_COMMAND_WAIT], ['SERR', space.PCI_COMMAND_SERR],
    ['FastB2B', space.PCI_COMMAND_FAST_BACK], ['DisINTx', space.PCI_COMMAND_INTX_DISABLE],
  ])}`;
}

function statusLine(status: number): string {
  const speed = ['fast', 'medium', 'slow', '??'][(status & space.PCI_STATUS_DEVSEL_MASK) >> 9]!;
  const first = flags(status, [
    ['Cap', space.PCI_STATUS_CAP_LIST], ['66MHz', space.PCI_STATUS_66MHZ], ['UDF', space.PCI_STATUS_UDF],
    ['FastB2B', space.PCI_STATUS_FAST_BACK], ['ParErr', space.PCI_STATUS_PARITY],
  ]);
  // `>` is what the function signalled, `<` what it received or detected.
  const last = flags(status, [
    ['>TAbort', space.PCI_STATUS_SIG_TARGET_ABORT], ['<TAbort', space.PCI_STATUS_REC_TARGET_ABORT],
    ['<MAbort', space.PCI_STATUS_REC_MASTER_ABORT], ['>SERR', space.PCI_STATUS_SIG_SYSTEM_ERROR],
    ['<PERR', space.PCI_STATUS_DETECTED_PARITY], ['INTx', space.PCI_STATUS_INTERRUPT],
  ]);
  return `\tStatus: ${first} DEVSEL=${speed} ${last}`;
}

function latencyLine(header: space.ConfigHeader): string {
  const grants = [
    ...(header.minGrant === 0 ? [] : [`${header.minGrant * 250}ns min`]),
    ...(header.maxLatency === 0 ? [] : [`${header.maxLatency * 250}ns max`]),
  ];
  const range = grants.length === 0 ? '' : ` (${grants.join(', ')})`;
  const line = header.cacheLineSize === 0 ? '' : `, Cache Line Size: ${header.cacheLineSize * 4} bytes`;
  return `\tLatency: ${header.latencyTimer}${range}${line}`;
}

/** ` [size=16K]`: the largest unit that leaves a whole number below 1024 of it, or of terabytes. */
function sizeSuffix(size: bigint | null): string {
  if (size === null) return '';
  const units = ['', 'K', 'M', 'G', 'T'];
  let unit = 0;
  while (unit < units.length - 1 && size >= 1024n && size % 1024n === 0n) {
    size /= 1024n;
    unit++;
  }
  return ` [size=${size}${units[unit]!}]`;
}

function regionLine(bar: Bar, command: number): string {
  const isPort = bar.kind === 'io';
  const enabled = (command & (isPort ? space.PCI_COMMAND_IO : space.PCI_COMMAND_MEMORY)) !== 0;
  // A port region at 0 that is decoded is a region at port 0; a memory region at 0 was never assigned.
  const isAssigned = bar.address !== 0n || (isPort && enabled);
  const where = isAssigned ? hex(bar.address, isPort ? 4 : 8) : '<unassigned>';
  const kind = isPort ? '' : ` (${bar.kind === 'mem64' ? '64' : '32'}-bit, ${bar.prefetchable ? '' : 'non-'}prefetchable)`;
  const what = isPort ? 'I/O ports' : 'Memory';
  return `\tRegion ${bar.index}: ${what} at ${where}${kind}${enabled ? '' : ' [disabled]'}${sizeSuffix(bar.size)}`;
}

function romLine(rom: RomBar, command: number): string {
  const where = rom.address === 0n ? '<unassigned>' : hex(rom.address, 8);
  const byCommand = (command & space.PCI_COMMAND_MEMORY) === 0 ? ' [disabled by cmd]' : '';
  return `\tExpansion ROM at ${where}${rom.enabled ? byCommand : ' [disabled]'}${sizeSuffix(rom.size)}`;
}

/** What lspci says where a list does not end but goes wrong. */
function brokenEnd({ findings }: CapabilityWalk): string[] {
  const finding = findings.at(-1);
  if (finding === undefined || (finding.kind !== 'cycle' && finding.kind !== 'broken')) return [];
  const where = finding.kind === 'cycle' ? finding.value & ~3 : finding.offset;
  const words = finding.kind === 'cycle' ? '<chain looped>' : '<chain broken>';
  return [`\tCapabilities: [${hex(where, finding.list === 'standard' ? 2 : 3)}] ${words}`];
}

function capabilityLines(context: LspciContext): string[] {
  const { config, header } = context;
  if ((header.status & space.PCI_STATUS_CAP_LIST) === 0) return [];
  if (config.length <= space.PCI_STD_HEADER_SIZEOF) return ['\tCapabilities: <access denied>'];
  const lines: string[] = [];
  const standard = walkCapabilities(config);
  for (const capability of standard.capabilities) {
    const [first = '', ...body] = standardCapabilityLines(context, capability);
    lines.push(`\tCapabilities: [${hex(capability.offset, 2)}] ${first}`, ...body);
  }
  lines.push(...brokenEnd(standard));
  // Only PCI Express and PCI-X 2.0 functions have an extended configuration space.
  const isExtended = standard.capabilities.some(({ id }) => id === PCI_CAP_ID.EXP || id === PCI_CAP_ID.PCIX);
  if (!isExtended) return lines;
  const extended = walkExtendedCapabilities(config);
  for (const capability of extended.capabilities) {
    const [first = '', ...body] = extendedCapabilityLines(context, capability);
    lines.push(`\tCapabilities: [${hex(capability.offset, 3)} v${capability.version ?? 0}] ${first}`, ...body);
  }
  return [...lines, ...brokenEnd(extended)];
}

/**
 * Prints one function as `lspci -vv -nn` does, every line ended by a newline; put an empty line between functions.
 *
 * @throws RangeError when the configuration space has fewer than 64 bytes, is a bridge's, or its BARs and `sizes` cannot belong
 * together (see `decodeBars`). Capability lists never throw: what is wrong with one shows in the text.
 * @example
 * formatLspci({ slot: '00:01.0', config, sizes: { bars: [16384] }, irq: 21, driver: 'nvme' });
 * // '00:01.0 Class [0108]: Device [1b36:0010] (rev 02) (prog-if 02)\n\tSubsystem: Device [1af4:1100]\n\tControl: I/O+ Mem+ ...'
 */
export function formatLspci(input: LspciInput): string {
  const { config, names = {} } = input;
  const header = space.decodeConfigHeader(config);
  const { bars, rom } = decodeBars(config, input.sizes);
  const lines = [verboseHeadline(input, header)];
  // A subsystem vendor of 0 or all ones says "none".
  if (header.subsystemVendor !== 0 && header.subsystemVendor !== 0xffff) {
    const ids = `${hex(header.subsystemVendor, 4)}:${hex(header.subsystem, 4)}`;
    lines.push(`\tSubsystem: ${named(names.subsystem, 'Device', ids)}`);
  }
  if (input.physicalSlot !== undefined) lines.push(`\tPhysical Slot: ${input.physicalSlot}`);
  lines.push(controlLine(header.command), statusLine(header.status));
  if ((header.command & space.PCI_COMMAND_MASTER) !== 0) lines.push(latencyLine(header));
  const irq = input.irq ?? header.interruptLine;
  if (header.interruptPin !== 0 || irq !== 0) {
    const pin = header.interruptPin === 0 ? '?' : String.fromCharCode(0x40 + header.interruptPin);
    lines.push(`\tInterrupt: pin ${pin} routed to IRQ ${irq}`);
  }
  if (input.numaNode !== undefined) lines.push(`\tNUMA node: ${input.numaNode}`);
  if (input.iommuGroup !== undefined) lines.push(`\tIOMMU group: ${input.iommuGroup}`);
  if ((header.bist & space.PCI_BIST_CAPABLE) !== 0) {
    const result = `BIST result: ${hex(header.bist & space.PCI_BIST_CODE_MASK, 2)}`;
    lines.push(`\t${(header.bist & space.PCI_BIST_START) !== 0 ? 'BIST is running' : result}`);
  }
  for (const bar of bars) lines.push(regionLine(bar, header.command));
  if (rom !== null) lines.push(romLine(rom, header.command));
  lines.push(...capabilityLines({ config, header, hasMemoryBar: bars.some(({ kind }) => kind !== 'io') }));
  if (input.driver !== undefined) lines.push(`\tKernel driver in use: ${input.driver}`);
  if (input.modules !== undefined && input.modules.length > 0) lines.push(`\tKernel modules: ${input.modules.join(', ')}`);
  return lines.map((line) => `${line}\n`).join('');
}

// `lspci -vv`: one function after another as decoded text, read back into records.
//
//     00:01.0 Ethernet controller [0200]: Intel Corporation 82574L ... [8086:10d3]     headline (lspci-headline.ts)
//     <tab>Subsystem: Intel Corporation Device [8086:0000]
//     <tab>Control: I/O+ Mem+ BusMaster+ ...                                           flags: Name+ or Name-
//     <tab>Region 0: Memory at feb80000 (32-bit, non-prefetchable) [size=128K]         (lspci-region.ts)
//     <tab>Capabilities: [d0] MSI: Enable- Count=1/1 Maskable- 64bit+
//     <tab><tab>Address: 0000000000000000  Data: 0000                                  more lines of the capability
//     <tab>Kernel driver in use: e1000e
//                                                                                      an empty line after each function
//
// Lines that lspci has for other hardware (bridges' windows, NUMA node, ...) are kept as text in `other`.

import { type PciAddress } from '../pci/index.ts';
import { TraceFormatError } from './format-error.ts';
import { type Chunk, type ChunkSource, type LineParser, parseAll, parseStream } from './lines.ts';
import { type LspciHeadline, type LspciNamedIds, parseHeadline, parseNamedIds } from './lspci-headline.ts';
import { type LspciRegion, type LspciRom, parseRegion, parseRom } from './lspci-region.ts';

/** One entry of a capability list. */
export interface LspciCapability {
  /** Offset in configuration space. */
  offset: number;
  /** 0..15; present for extended capabilities only. */
  version?: number;
  /** The headline up to its details: `MSI-X`, `Power Management`, `Advanced Error Reporting`. */
  name: string;
  /** The headline after the bracket, whole. */
  headline: string;
  /** The lines below the headline, tabs included. */
  lines: string[];
}

/** One function of a dump. Absent fields are those that the text does not have. */
export interface LspciFunction {
  address: PciAddress;
  /** The address as the dump has it, with or without a domain. */
  slot: string;
  headline: LspciHeadline;
  subsystem?: LspciNamedIds;
  /** Flags of the command register by lspci's names: `BusMaster` -> true. */
  control: Record<string, boolean>;
  /** Flags of the status register by lspci's names: `Cap`, `>TAbort`, ... */
  status: Record<string, boolean>;
  /** Device select timing: `fast`, `medium`, `slow`. */
  devsel?: string;
  /** By rising index as printed. */
  regions: LspciRegion[];
  rom?: LspciRom;
  /** Standard and extended entries in the order of the text. */
  capabilities: LspciCapability[];
  /** Whether lspci was not allowed to read them (`<access denied>`). */
  capabilitiesDenied: boolean;
  /** `A`..`D`, or `?` for an interrupt without a pin. */
  interruptPin?: string;
  irq?: number;
  kernelDriver?: string;
  kernelModules?: string[];
  /** Lines of no kind above, without their first tab. */
  other: string[];
}

const FORMAT = 'lspci-verbose';
const CAPABILITY = /^\[([0-9a-f]{2,3})(?: v([0-9]{1,2}))?\] (.+)$/;
const CAPABILITY_NAME = /^(.+?)(?=:| \(v\d| version | v\d|, | [0-9a-f]{2}(?:-[0-9a-f]{2}){7}$| <\?>|$)/;
const FLAG = /^(\S+)([+-])$/;

type Malformed = (expected: string) => never;

function parseFlags(text: string, malformed: Malformed): { flags: Record<string, boolean>; devsel?: string } {
  const flags: Record<string, boolean> = {};
  let devsel: string | undefined;
  for (const part of text.split(' ')) {
    if (part.startsWith('DEVSEL=')) {
      devsel = part.slice('DEVSEL='.length);
      continue;
    }
    const match = FLAG.exec(part) ?? malformed(`flags "Name+" or "Name-", found ${JSON.stringify(part)}`);
    // Not by assignment: a flag named __proto__ is a flag.
    Object.defineProperty(flags, match[1]!, { value: match[2] === '+', enumerable: true, configurable: true, writable: true });
  }
  return devsel === undefined ? { flags } : { flags, devsel };
}

function parseCapability(text: string, malformed: Malformed): LspciCapability {
  const match = CAPABILITY.exec(text) ?? malformed('a capability "[offset] name" or "[offset vN] name"');
  const headline = match[3]!;
  const name = CAPABILITY_NAME.exec(headline)?.[1] ?? headline;
  const capability: LspciCapability = { offset: parseInt(match[1]!, 16), name, headline, lines: [] };
  if (match[2] !== undefined) capability.version = Number(match[2]);
  return capability;
}

/** Takes one line of a function, without its tab. Each kind of line has its own first word. */
function takeLine(open: LspciFunction, text: string, malformed: Malformed): void {
  const colon = text.indexOf(': ');
  const key = colon < 0 ? '' : text.slice(0, colon);
  const rest = text.slice(colon + 2);
  if (key === 'Subsystem') open.subsystem = parseNamedIds(rest);
  else if (key === 'Control') open.control = parseFlags(rest, malformed).flags;
  else if (key === 'Status') {
    const { flags, devsel } = parseFlags(rest, malformed);
    open.status = flags;
    if (devsel !== undefined) open.devsel = devsel;
  } else if (key === 'Interrupt') {
    const match = /^pin ([A-D?]) routed to IRQ ([0-9]{1,9}|-1)$/.exec(rest) ?? malformed('"pin A routed to IRQ n"');
    open.interruptPin = match[1]!;
    open.irq = Number(match[2]);
  } else if (key.startsWith('Region ')) {
    const region = parseRegion(key.slice('Region '.length), rest);
    open.regions.push(region ?? malformed('"Region n: Memory at address (32-bit, non-prefetchable) [size=4K]" or "Region n: I/O ports at address [size=32]"'));
  } else if (text.startsWith('Expansion ROM at ')) {
    open.rom = parseRom(text.slice('Expansion ROM at '.length)) ?? malformed('"Expansion ROM at address [disabled] [size=256K]"');
  } else if (key === 'Capabilities') {
    if (rest === '<access denied>') open.capabilitiesDenied = true;
    else open.capabilities.push(parseCapability(rest, malformed));
  } else if (key === 'Kernel driver in use') open.kernelDriver = rest;
  else if (key === 'Kernel modules') open.kernelModules = rest.split(', ');
  else open.other.push(text);
}

function createParser(): LineParser<LspciFunction> {
  let open: LspciFunction | undefined;
  // Where a line with two tabs belongs: to the capability above it, or nowhere in particular.
  let inCapability = false;
  const finish = (): LspciFunction | undefined => {
    const finished = open;
    open = undefined;
    inCapability = false;
    return finished;
  };
  return {
    line(text, number) {
      const malformed: Malformed = (expected) => {
        throw new TraceFormatError(FORMAT, number, text, expected);
      };
      if (text === '') return finish();
      if (!text.startsWith('\t')) {
        const finished = finish();
        const head = parseHeadline(text) ?? malformed('a headline "bb:dd.f class: name", or a tab and a property of the function above');
        open = { ...head, control: {}, status: {}, regions: [], capabilities: [], capabilitiesDenied: false, other: [] };
        return finished;
      }
      if (open === undefined) return malformed('a headline "bb:dd.f class: name" before the first property');
      if (text.startsWith('\t\t') || text === '\t') {
        if (inCapability) open.capabilities.at(-1)!.lines.push(text);
        else open.other.push(text.slice(1));
        return undefined;
      }
      const before = open.capabilities.length;
      takeLine(open, text.slice(1), malformed);
      inCapability = open.capabilities.length > before;
      return undefined;
    },
    end: finish,
  };
}

/**
 * Reads a whole dump of `lspci -vv` or `-vvv`, with or without `-nn`. Of a dump of `-v`, the shorter form of flags and regions goes to
 * `other`.
 *
 * @throws TraceFormatError for a line that starts like one this format has but goes on otherwise, and for a first line that is no
 * headline.
 * @example
 * parseLspciVerbose(text)[1]?.regions[0]; // { index: 0, kind: 'memory', address: 0xfebf8000n, size: 16384n, width: 64, ... }
 */
export function parseLspciVerbose(text: Chunk): LspciFunction[] {
  return parseAll(FORMAT, createParser(), text);
}

/** Reads a stream: each function as soon as it is complete. Errors as `parseLspciVerbose`. */
export function readLspciVerbose(source: ChunkSource): AsyncGenerator<LspciFunction, void, undefined> {
  return parseStream(FORMAT, createParser(), source);
}

// The first line that lspci prints of a function, and its names with ids.
//
//     00:1f.2 SATA controller [0106]: Intel Corporation ... [AHCI mode] [8086:2922] (rev 02) (prog-if 01 [AHCI 1.0])
//     |       |               |       |                                 |            |        |
//     slot    className       class   device.name                       device.ids   revision progIf
//
// Vendor and device names stand in one text: nothing but the id database tells where one ends. The ids in brackets are there with
// `-nn` only, and names can have brackets of their own.

import { type PciAddress, parsePciAddress } from '../pci/index.ts';

/** Names and, when the text has them, the ids behind them. */
export interface LspciNamedIds {
  /** Vendor name, a space, device name. Of an id unknown to lspci the device part is `Device`, or all of it. */
  name: string;
  /** 0..0xffff */
  vendor?: number;
  /** 0..0xffff */
  device?: number;
}

/** What the first line says besides the address. */
export interface LspciHeadline {
  className: string;
  /** Base class and subclass, 0..0xffff. */
  classCode?: number;
  device: LspciNamedIds;
  /** 0 when the line has none: lspci leaves out a zero. */
  revision: number;
  progIf?: { code: number; name?: string };
}

const HEADLINE = /^(\S+) (.+?)(?: \[([0-9a-f]{4})\])?: (.+)$/;
const PROG_IF = / \(prog-if ([0-9a-f]{2})(?: \[(.*)\])?\)$/;
const REVISION = / \(rev ([0-9a-f]{2})\)$/;
const IDS = /^(.*) \[([0-9a-f]{4}):([0-9a-f]{4})\]$/;

/** Splits `Red Hat, Inc. QEMU Virtual Machine [1af4:1100]`. */
export function parseNamedIds(text: string): LspciNamedIds {
  const match = IDS.exec(text);
  if (match === null) return { name: text };
  return { name: match[1]!, vendor: parseInt(match[2]!, 16), device: parseInt(match[3]!, 16) };
}

/** Reads a headline, or answers `null` when `text` is none. */
export function parseHeadline(text: string): { address: PciAddress; slot: string; headline: LspciHeadline } | null {
  const match = HEADLINE.exec(text);
  if (match === null) return null;
  const address = parsePciAddress(match[1]!);
  if (address === null) return null;
  let rest = match[4]!;
  const progIf = PROG_IF.exec(rest);
  if (progIf !== null) rest = rest.slice(0, progIf.index);
  const revision = REVISION.exec(rest);
  if (revision !== null) rest = rest.slice(0, revision.index);
  const headline: LspciHeadline = {
    className: match[2]!,
    device: parseNamedIds(rest),
    revision: revision === null ? 0 : parseInt(revision[1]!, 16),
  };
  if (match[3] !== undefined) headline.classCode = parseInt(match[3], 16);
  if (progIf !== null) {
    const code = parseInt(progIf[1]!, 16);
    headline.progIf = progIf[2] === undefined ? { code } : { code, name: progIf[2] };
  }
  return { address, slot: match[1]!, headline };
}

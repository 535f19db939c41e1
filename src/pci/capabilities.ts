// Walks the two linked lists of capabilities in a function's configuration space, whatever the bytes say.
//
// Standard list, inside the first 256 bytes; the first pointer is the byte at 0x34, valid when PCI_STATUS_CAP_LIST is set:
//
//     15        8 7         0
//   +------------+-----------+
//   | next or 0  |    id     |   at a multiple of 4 in 0x40..0xfc; the low two bits of a pointer are reserved, software masks them
//   +------------+-----------+
//
// Extended list, in 0x100..0xfff; it always starts at 0x100:
//
//    31              20 19   16 15               0
//   +------------------+-------+------------------+
//   |    next or 0     | vers. |        id        |   at a multiple of 4; an all-zero first dword says "no list"
//   +------------------+-------+------------------+
//
// A list is a device's word, and devices are wrong at times. Nothing here throws for what the bytes say, and no list can make
// the walk run on: each offset is visited once. What is wrong becomes a finding with the offsets.
//
// Source: PCI Local Bus 3.0, 6.7; PCI Express 5.0, 7.6

import { capabilityIdInfo } from './capability-ids.ts';
import {
  PCI_CAPABILITY_LIST, PCI_CFG_SPACE_EXP_SIZE, PCI_CFG_SPACE_SIZE, PCI_STATUS, PCI_STATUS_CAP_LIST, PCI_STD_HEADER_SIZEOF,
} from './config-space.ts';
import { hex, readU16, readU32, readU8 } from './little-endian.ts';

/** One entry of either list. */
export interface Capability {
  list: 'standard' | 'extended';
  /** 0..0xff in the standard list, 0..0xffff in the extended one. */
  id: number;
  /** Byte offset of the entry in configuration space. */
  offset: number;
  /** 0..15; extended entries only. */
  version?: number;
  /** Offset of the next entry as stored, 0 at the end. */
  next: number;
}

/**
 * What can be wrong with a list:
 * - `misaligned`: the low two bits of a pointer are set; the walk goes on with them cleared.
 * - `in-header`: a pointer leads into the 64-byte header (standard) or below 0x100 (extended); the list ends there.
 * - `cycle`: a pointer leads to an entry already seen; the list ends there.
 * - `overrun`: an entry's bytes end beyond the bytes given; it is listed when its first word is there.
 * - `broken`: the entry reads as all ones, as where nothing answers; the list ends there.
 */
export type CapabilityFindingKind = 'misaligned' | 'in-header' | 'cycle' | 'overrun' | 'broken';

/** One thing wrong with a list. */
export interface CapabilityFinding {
  kind: CapabilityFindingKind;
  list: 'standard' | 'extended';
  /** Byte offset of the pointer (or, for `overrun` and `broken`, of the entry) that is wrong. */
  offset: number;
  /** The pointer's value as stored, or for `overrun` the offset just past the entry. */
  value: number;
  /** The same in words, with both numbers. */
  message: string;
}

/** Result of a walk: the entries in list order, and what is wrong with the list. */
export interface CapabilityWalk {
  capabilities: Capability[];
  findings: CapabilityFinding[];
}

interface ListShape {
  list: 'standard' | 'extended';
  /** First offset an entry may have. */
  first: number;
  /** Offset just past the last byte of the list's area. */
  end: number;
  /** Bytes of an entry's first word. */
  head: number;
}

const STANDARD: ListShape = { list: 'standard', first: PCI_STD_HEADER_SIZEOF, end: PCI_CFG_SPACE_SIZE, head: 2 };
const EXTENDED: ListShape = { list: 'extended', first: PCI_CFG_SPACE_SIZE, end: PCI_CFG_SPACE_EXP_SIZE, head: 4 };

function decodeEntry(config: Uint8Array, list: 'standard' | 'extended', offset: number): Capability {
  if (list === 'standard') return { list, id: readU8(config, offset), offset, next: readU8(config, offset + 1) };
  const head = readU32(config, offset);
  return { list, id: head & 0xffff, offset, version: (head >>> 16) & 0xf, next: head >>> 20 };
}

/** Where the pointer to the next entry is stored: the second byte, or the upper half of the dword. */
const nextField = (capability: Capability): number => capability.offset + (capability.list === 'standard' ? 1 : 2);

function isAllOnes(config: Uint8Array, capability: Capability): boolean {
  return capability.list === 'standard' ? capability.id === 0xff : readU32(config, capability.offset) === 0xffffffff;
}

function walk(config: Uint8Array, shape: ListShape, pointerOffset: number, pointer: number): CapabilityWalk {
  const { list, first } = shape;
  const end = Math.min(shape.end, config.length);
  const capabilities: Capability[] = [];
  const findings: CapabilityFinding[] = [];
  const seen = new Set<number>();
  const find = (kind: CapabilityFindingKind, offset: number, value: number, words: string): void => {
    findings.push({ kind, list, offset, value, message: `${list} capability list: ${words}` });
  };

  while (pointer !== 0) {
    const target = pointer & ~3;
    const arrow = `pointer 0x${hex(pointer, 2)} at offset 0x${hex(pointerOffset, 2)}`;
    if (target !== pointer) find('misaligned', pointerOffset, pointer, `${arrow} is not a multiple of 4`);
    if (target === 0) break;
    if (target < first) {
      find('in-header', pointerOffset, pointer, `${arrow} is below 0x${hex(first, 2)}, where the first entry may be`);
      break;
    }
    if (seen.has(target)) {
      find('cycle', pointerOffset, pointer, `${arrow} leads back to an entry already seen`);
      break;
    }
    if (target + shape.head > end) {
      find('overrun', pointerOffset, target + shape.head, `${arrow} leads beyond the ${end} bytes that are there`);
      break;
    }
    seen.add(target);
    const capability = decodeEntry(config, list, target);
    if (isAllOnes(config, capability)) {
      find('broken', target, capability.id, `the entry at offset 0x${hex(target, 2)} reads as all ones`);
      break;
    }
    capabilities.push(capability);
    const past = target + (capabilityIdInfo(list, capability.id)?.least ?? shape.head);
    if (past > end) {
      const words = `the entry at offset 0x${hex(target, 2)}, id 0x${hex(capability.id, 2)}, ends at 0x${hex(past, 2)}, beyond`;
      find('overrun', target, past, `${words} the ${end} bytes that are there`);
    }
    pointerOffset = nextField(capability);
    pointer = capability.next;
  }
  return { capabilities, findings };
}

/**
 * Walks the standard list. Without PCI_STATUS_CAP_LIST in the status register there is none, whatever the pointer says.
 *
 * @param config any number of bytes of configuration space from offset 0; entries beyond them become findings.
 * @example
 * walkCapabilities(config).capabilities.map((entry) => entry.id); // [0x11, 0x10, 0x01]
 *
 * Source: PCI Local Bus 3.0, 6.7
 */
export function walkCapabilities(config: Uint8Array): CapabilityWalk {
  if ((readU16(config, PCI_STATUS) & PCI_STATUS_CAP_LIST) === 0) return { capabilities: [], findings: [] };
  return walk(config, STANDARD, PCI_CAPABILITY_LIST, readU8(config, PCI_CAPABILITY_LIST));
}

/**
 * Walks the extended list. There is none when there are not more than 256 bytes, or the dword at 0x100 is zero.
 *
 * @param config any number of bytes of configuration space from offset 0.
 * @example
 * walkExtendedCapabilities(config).capabilities; // [{ list: 'extended', id: 1, offset: 0x100, version: 2, next: 0x140 }, ...]
 *
 * Source: PCI Express 5.0, 7.6.3
 */
export function walkExtendedCapabilities(config: Uint8Array): CapabilityWalk {
  if (config.length <= PCI_CFG_SPACE_SIZE || readU32(config, PCI_CFG_SPACE_SIZE) === 0) return { capabilities: [], findings: [] };
  return walk(config, EXTENDED, PCI_CFG_SPACE_SIZE, PCI_CFG_SPACE_SIZE);
}

/**
 * The first standard capability with this id, or `null`.
 *
 * @example
 * findCapability(config, PCI_CAP_ID.MSIX)?.offset; // 0x40
 */
export function findCapability(config: Uint8Array, id: number): Capability | null {
  return walkCapabilities(config).capabilities.find((entry) => entry.id === id) ?? null;
}

/**
 * The first extended capability with this id, or `null`.
 *
 * @example
 * findExtendedCapability(config, PCI_EXT_CAP_ID.DSN)?.offset; // 0x140
 */
export function findExtendedCapability(config: Uint8Array, id: number): Capability | null {
  return walkExtendedCapabilities(config).capabilities.find((entry) => entry.id === id) ?? null;
}

// The bytes of configuration space that follow from a description: identity, BARs' type bits, capabilities one behind the other.
//
//   00  +----------------------------+
//       | header: ids, class, pin    |
//   10  | BARs: type bits, address 0 |
//   40  +----------------------------+ <- 34
//       | capability | capability .. |   each where it asks to be, or at the next multiple of 4; linked in the order given
//  100  +----------------------------+
//       | extended capabilities      |   only with an Express or an extended capability: then there are 4096 bytes, else 256
//       +----------------------------+
//
// Source: PCI Local Bus 3.0, 6.1, 6.2 and 6.7; PCI Express 5.0, 7.6

import { integer } from '../../core/index.ts';
import { PCI_BASE_ADDRESS_MEM_PREFETCH, PCI_BASE_ADDRESS_MEM_TYPE_64, PCI_BASE_ADDRESS_SPACE_IO } from '../bars.ts';
import type { BarKind } from '../bars.ts';
import { PCI_CAP_ID } from '../capability-ids.ts';
import * as space from '../config-space.ts';
import { hex } from '../little-endian.ts';

/** A capability as bytes. Made by the functions of {@link capability}, or by hand for one that they do not know. */
export interface CapabilityImage {
  readonly list: 'standard' | 'extended';
  /** 0..0xff, extended 0..0xffff. */
  readonly id: number;
  /** Extended only: 0..15. */
  readonly version?: number;
  /** What follows id and pointer: behind the first two bytes of a standard capability, the first four of an extended one. */
  readonly body: Uint8Array;
  /** Offset in configuration space. Default: behind the one before. */
  readonly at?: number;
}

/** Interrupt pins by their letters. */
export type InterruptPin = 'A' | 'B' | 'C' | 'D';

/** Who a function is. */
export interface PciIdentity {
  /** Vendor and device, 0..0xffff each. */
  readonly id: readonly [vendor: number, device: number];
  /** Subsystem vendor and subsystem. Default: none, both 0. */
  readonly subsystem?: readonly [vendor: number, subsystem: number];
  /** Base class, subclass and programming interface in 24 bits: 0x010802 is an NVMe controller. */
  readonly class: number;
  /** 0..0xff. Default 0. */
  readonly revision?: number;
  /** The pin that the function interrupts on. Default: none. */
  readonly pin?: InterruptPin;
}

/** What type bits a BAR has. */
export interface BarType {
  readonly kind: BarKind;
  readonly prefetchable: boolean;
}

function put(config: Uint8Array, at: number, bytes: number, value: number): void {
  for (let i = 0; i < bytes; i++) config[at + i] = value >>> (8 * i);
}

function writeIdentity(where: string, config: Uint8Array, identity: PciIdentity): void {
  const pair = (what: string, given: readonly [number, number], at: number): void => {
    if (!Array.isArray(given)) throw new TypeError(`${where}: ${what} is ${String(given)}; expected two numbers`);
    put(config, at, 2, integer(`${where}: ${what}[0]`, given[0], 0, 0xffff));
    put(config, at + 2, 2, integer(`${where}: ${what}[1]`, given[1], 0, 0xffff));
  };
  pair('id', identity.id, space.PCI_VENDOR_ID);
  if (identity.subsystem !== undefined) pair('subsystem', identity.subsystem, space.PCI_SUBSYSTEM_VENDOR_ID);
  put(config, space.PCI_REVISION_ID, 1, integer(`${where}: revision`, identity.revision ?? 0, 0, 0xff));
  put(config, space.PCI_CLASS_PROG, 3, integer(`${where}: class`, identity.class, 0, 0xff_ffff));
  if (identity.pin === undefined) return;
  const pin = 'ABCD'.indexOf(identity.pin) + 1;
  if (pin === 0 || identity.pin.length !== 1) throw new TypeError(`${where}: pin is ${JSON.stringify(identity.pin)}; expected 'A', 'B', 'C' or 'D'`);
  config[space.PCI_INTERRUPT_PIN] = pin;
}

function writeBars(config: Uint8Array, bars: ReadonlyMap<number, BarType>): void {
  for (const [index, { kind, prefetchable }] of bars) {
    const type = kind === 'io' ? PCI_BASE_ADDRESS_SPACE_IO : kind === 'mem64' ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0;
    config[space.PCI_BASE_ADDRESS_0 + 4 * index] = type | (prefetchable ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0);
  }
}

const STANDARD = { first: space.PCI_STD_HEADER_SIZEOF, end: space.PCI_CFG_SPACE_SIZE, head: 2 };
const EXTENDED = { first: space.PCI_CFG_SPACE_SIZE, end: space.PCI_CFG_SPACE_EXP_SIZE, head: 4 };

/** Places the capabilities of one list; where each of them begins. */
function place(where: string, list: readonly CapabilityImage[], { first, end, head }: typeof STANDARD): number[] {
  let next = first;
  const placed: { at: number; until: number; id: number }[] = [];
  return list.map(({ id, body, at = next, list: which }) => {
    const what = `${where}: ${which} capability 0x${hex(id, 2)}`;
    const until = at + head + body.length;
    if (!Number.isInteger(at) || (at & 3) !== 0 || at < first || until > end) {
      throw new RangeError(`${what}: ${head + body.length} bytes at offset ${String(at)} do not lie at a multiple of 4 in 0x${hex(first, 2)}..0x${hex(end - 1, 2)}`);
    }
    const over = placed.find((one) => at < one.until && one.at < until);
    if (over !== undefined) throw new RangeError(`${what} at 0x${hex(at, 2)} lies over capability 0x${hex(over.id, 2)} at 0x${hex(over.at, 2)}`);
    placed.push({ at, until, id });
    next = Math.max(next, (until + 3) & ~3);
    return at;
  });
}

function writeCapabilities(where: string, config: Uint8Array, capabilities: readonly CapabilityImage[]): void {
  for (const one of capabilities as readonly Partial<CapabilityImage>[]) {
    if (!['standard', 'extended'].includes(one.list ?? '') || one.body === undefined) throw new TypeError(`${where}: ${JSON.stringify(one)} is no capability; expected what the functions of \`capability\` answer`);
  }
  const standard = capabilities.filter(({ list }) => list === 'standard');
  const standardAt = place(where, standard, STANDARD);
  if (standard.length > 0) {
    config[space.PCI_STATUS]! |= space.PCI_STATUS_CAP_LIST;
    config[space.PCI_CAPABILITY_LIST] = standardAt[0]!;
  }
  standard.forEach(({ id, body }, i) => {
    config.set([id, standardAt[i + 1] ?? 0, ...body], standardAt[i]);
  });
  const extended = capabilities.filter(({ list }) => list === 'extended');
  const extendedAt = place(where, extended, EXTENDED);
  if (extended.length > 0 && extendedAt[0] !== EXTENDED.first) throw new RangeError(`${where}: the first extended capability is at 0x${hex(extendedAt[0]!, 2)}; the list begins at 0x100`);
  extended.forEach(({ id, version = 1, body }, i) => {
    put(config, extendedAt[i]!, 4, id | (version << 16) | ((extendedAt[i + 1] ?? 0) << 20));
    config.set(body, extendedAt[i]! + EXTENDED.head);
  });
}

/**
 * Configuration space as it is at power-on: all BARs at address 0, COMMAND 0.
 *
 * @param where for messages.
 * @returns 256 bytes, or 4096 with an Express or an extended capability.
 * @throws RangeError, TypeError for numbers that do not fit, capabilities that lie over each other or outside of their area.
 */
export function configImage(where: string, identity: PciIdentity, bars: ReadonlyMap<number, BarType>, capabilities: readonly CapabilityImage[]): Uint8Array {
  const isExpress = capabilities.some(({ list, id }) => list === 'extended' || id === PCI_CAP_ID.EXP);
  const config = new Uint8Array(isExpress ? space.PCI_CFG_SPACE_EXP_SIZE : space.PCI_CFG_SPACE_SIZE);
  writeIdentity(where, config, identity);
  writeBars(config, bars);
  writeCapabilities(where, config, capabilities);
  return config;
}

// What Identify answers: pages of 4096 bytes about the controller, its namespace, and lists of them.
//
//   00  namespace          02  namespaces after a number      05  namespace, as its command set sees it     1c  command sets
//   01  controller         03  names of a namespace           06  controller, likewise      07  as 02, of one command set
//
// Source: NVM Express 1.4, 5.15; for 05 to 07 and 1c 2.0, 5.17, which CAP.CSS bit 6 promises

import type { CheckedStore } from './store.ts';
import type { Command } from './command.ts';
import { NVME_IO_QUEUES } from './registers.ts';
import { fail } from './status.ts';

/** Who the controller is. */
export interface NvmeIdentity {
  /** Up to 20 characters of ASCII. */
  readonly serial: string;
  /** Up to 40. */
  readonly model: string;
  /** Up to 8. */
  readonly firmware: string;
}

/** Bytes of a page. */
export const IDENTIFY_BYTES = 4096;
/** The largest transfer, as a power of two of 4 KiB: 512 KiB. */
export const MAX_TRANSFER_LOG2 = 7;
/** Async Event Requests that may wait, and Abort commands that may run. */
export const ASYNC_EVENT_LIMIT = 4;
/** The entries of the error log. */
export const ERROR_LOG_ENTRIES = 16;
/** Temperatures in kelvin: as measured, warning, critical. */
export const TEMPERATURE = { now: 323, warning: 343, critical: 373 } as const;
/** The one namespace. */
export const NAMESPACE = 1;
/** Every namespace. */
export const ALL_NAMESPACES = 0xffff_ffff;

const NVM_COMMAND_SET = 0;
const ONCS = { compare: 1 << 0, deallocate: 1 << 2, writeZeroes: 1 << 3 } as const;
const VENDOR = 0x1b36;
const SUBSYSTEM_VENDOR = 0x1af4;

class Page {
  readonly bytes = new Uint8Array(IDENTIFY_BYTES);
  private readonly data = new DataView(this.bytes.buffer);

  u8(at: number, value: number): this {
    this.data.setUint8(at, value);
    return this;
  }

  u16(at: number, value: number): this {
    this.data.setUint16(at, value, true);
    return this;
  }

  u32(at: number, value: number): this {
    this.data.setUint32(at, value, true);
    return this;
  }

  u64(at: number, value: bigint): this {
    this.data.setBigUint64(at, value, true);
    return this;
  }

  /** ASCII; what is left of `length` is filled. */
  text(at: number, length: number, text: string, fill = 0x20): this {
    for (let i = 0; i < length; i++) this.data.setUint8(at + i, i < text.length ? text.charCodeAt(i) : fill);
    return this;
  }
}

/**
 * Eight bytes that tell this namespace from others: a locally administered EUI-64 that follows from the serial number (FNV-1a, 40 bits).
 * Two namespaces of one guest must not have the same.
 */
function eui64(serial: string): Uint8Array {
  let hash = 0xcbf2_9ce4_8422_2325n;
  for (const character of serial) hash = BigInt.asUintN(64, (hash ^ BigInt(character.charCodeAt(0))) * 0x100_0000_01b3n);
  const bytes = new Uint8Array(8);
  bytes.set([0x52, 0x54, 0x00]);
  for (let i = 0; i < 5; i++) bytes[7 - i] = Number((hash >> BigInt(8 * i)) & 0xffn);
  return bytes;
}

function controllerPage({ serial, model, firmware }: NvmeIdentity, store: CheckedStore): Uint8Array {
  const page = new Page();
  page.u16(0, VENDOR).u16(2, SUBSYSTEM_VENDOR).text(4, 20, serial).text(24, 40, model).text(64, 8, firmware);
  // RAB; IEEE OUI 52:54:00, lowest byte first.
  page.u8(72, 6).u8(73, 0x00).u8(74, 0x54).u8(75, 0x52);
  page.u8(77, MAX_TRANSFER_LOG2).u32(80, 0x0001_0400);
  // OAES: namespace attribute notices, without which Linux sends no Async Event Request. CNTRLTYPE: an I/O controller.
  page.u32(92, 1 << 8).u8(111, 1);
  // ACL, AERL, FRMW (one slot, read-only), LPA (effects, lengths of 32 bits), ELPE: less 1 where they count.
  page.u8(258, ASYNC_EVENT_LIMIT - 1).u8(259, ASYNC_EVENT_LIMIT - 1).u8(260, 0x03).u8(261, 0x06).u8(262, ERROR_LOG_ENTRIES - 1);
  page.u16(266, TEMPERATURE.warning).u16(268, TEMPERATURE.critical);
  page.u8(512, 0x66).u8(513, 0x44).u32(516, 1);
  page.u16(520, ONCS.compare | ONCS.writeZeroes | (store.deallocate === undefined ? 0 : ONCS.deallocate));
  // VWC: there is a cache, and Flush may name all namespaces.
  page.u8(525, 0x07);
  page.text(768, 256, `nqn.2014.08.org.nvmexpress:${VENDOR.toString(16)}${SUBSYSTEM_VENDOR.toString(16)}${serial.padEnd(20)}${model.padEnd(40)}`, 0);
  // Power state 0: 25 W at most, 16 us to enter, 4 us to leave.
  page.u16(2048, 2500).u32(2052, 16).u32(2056, 4);
  return page.bytes;
}

function namespacePage({ serial }: NvmeIdentity, store: CheckedStore): Uint8Array {
  const page = new Page();
  for (const at of [0, 8, 16]) page.u64(at, BigInt(store.blocks));
  // DLFEAT: deallocated blocks read zeroes.
  if (store.deallocate !== undefined) page.u8(33, 0x01);
  page.bytes.set(eui64(serial), 120);
  page.u32(128, Math.log2(store.blockSize) << 16);
  return page.bytes;
}

function namesPage({ serial }: NvmeIdentity): Uint8Array {
  const page = new Page();
  page.u8(0, 1).u8(1, 8).bytes.set(eui64(serial), 4);
  page.u8(12, 4).u8(13, 1).u8(16, NVM_COMMAND_SET);
  return page.bytes;
}

function checkNamespace(namespace: number): void {
  if (namespace !== NAMESPACE) fail('INVALID_NAMESPACE', `namespace ${namespace}; there is namespace ${NAMESPACE} alone`);
}

function namespaceList(after: number): Uint8Array {
  if (after >= 0xffff_fffe) fail('INVALID_NAMESPACE', `no namespace can follow 0x${after.toString(16)}`);
  return new Page().u32(0, after < NAMESPACE ? NAMESPACE : 0).bytes;
}

/** The page that an Identify command asks for. CommandFailed for one that there is not. */
export function identifyPage({ dw10, dw11, namespace }: Command, identity: NvmeIdentity, store: CheckedStore): Uint8Array {
  const structure = dw10 & 0xff;
  const commandSet = dw11 >>> 24;
  if (structure >= 0x05 && structure <= 0x07 && commandSet !== NVM_COMMAND_SET) fail('INVALID_FIELD', `Identify of command set ${commandSet}; there is command set ${NVM_COMMAND_SET} alone`);
  switch (structure) {
    case 0x00:
      checkNamespace(namespace);
      return namespacePage(identity, store);
    case 0x01:
      return controllerPage(identity, store);
    case 0x02:
    case 0x07:
      return namespaceList(namespace);
    case 0x03:
      checkNamespace(namespace);
      return namesPage(identity);
    case 0x05:
      checkNamespace(namespace);
      return new Page().bytes;
    case 0x06:
      return new Page().bytes;
    case 0x1c:
      return new Page().u64(0, 1n << BigInt(NVM_COMMAND_SET)).bytes;
    default:
      return fail('INVALID_FIELD', `Identify of structure 0x${structure.toString(16)}`);
  }
}

/** What Number of Queues answers, whatever was asked for: I/O queues of each kind, less 1. */
export const NUMBER_OF_QUEUES = ((NVME_IO_QUEUES - 1) << 16) | (NVME_IO_QUEUES - 1);

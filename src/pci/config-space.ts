// The first 64 bytes of a type 0 function's configuration space: offsets, bits, and their decode.
//
//        3          2          1          0
//   +----------+----------+----------+----------+
//   |      device ID      |      vendor ID      | 00   PCI_DEVICE_ID, PCI_VENDOR_ID
//   +---------------------+---------------------+
//   |       status        |       command       | 04   PCI_STATUS, PCI_COMMAND
//   +---------------------+----------+----------+
//   |  class   | subclass | prog-if  | revision | 08   PCI_CLASS_DEVICE (2 bytes at 0a), PCI_CLASS_PROG, PCI_REVISION_ID
//   +----------+----------+----------+----------+
//   |   BIST   |  header  | latency  |cache line| 0c   PCI_BIST, PCI_HEADER_TYPE, PCI_LATENCY_TIMER, PCI_CACHE_LINE_SIZE
//   +----------+----------+----------+----------+
//   |                   BAR 0                   | 10   PCI_BASE_ADDRESS_0
//   |                   ...                     | ..
//   |                   BAR 5                   | 24   PCI_BASE_ADDRESS_5
//   +-------------------------------------------+
//   |            CardBus CIS pointer            | 28   PCI_CARDBUS_CIS
//   +---------------------+---------------------+
//   |    subsystem ID     | subsystem vendor ID | 2c   PCI_SUBSYSTEM_ID, PCI_SUBSYSTEM_VENDOR_ID
//   +---------------------+---------------------+
//   |           expansion ROM address           | 30   PCI_ROM_ADDRESS
//   +--------------------------------+----------+
//   |            reserved            | cap. ptr | 34   PCI_CAPABILITY_LIST
//   +--------------------------------+----------+
//   |                 reserved                  | 38
//   +----------+----------+----------+----------+
//   | max lat. | min gnt. | int. pin |int. line | 3c   PCI_MAX_LAT, PCI_MIN_GNT, PCI_INTERRUPT_PIN, PCI_INTERRUPT_LINE
//   +----------+----------+----------+----------+
//
// Source: PCI Local Bus 3.0, 6.1 and 6.2; the names are those of linux/pci_regs.h.

import { readU16, readU32, readU8 } from './little-endian.ts';

/** Bytes of configuration space before PCI Express. Source: linux/pci_regs.h */
export const PCI_CFG_SPACE_SIZE = 256;
/** Bytes of configuration space with the extended part. Source: linux/pci_regs.h */
export const PCI_CFG_SPACE_EXP_SIZE = 4096;
/** Bytes of the standard header. Source: linux/pci_regs.h */
export const PCI_STD_HEADER_SIZEOF = 64;
/** BARs of a type 0 header. Source: linux/pci_regs.h */
export const PCI_STD_NUM_BARS = 6;

/** Offset of the vendor id, 2 bytes. */
export const PCI_VENDOR_ID = 0x00;
/** Offset of the device id, 2 bytes. */
export const PCI_DEVICE_ID = 0x02;
/** Offset of the command register, 2 bytes. */
export const PCI_COMMAND = 0x04;
/** Offset of the status register, 2 bytes. */
export const PCI_STATUS = 0x06;
/** Offset of the revision, 1 byte. */
export const PCI_REVISION_ID = 0x08;
/** Offset of the programming interface, 1 byte. */
export const PCI_CLASS_PROG = 0x09;
/** Offset of subclass and base class, 2 bytes. */
export const PCI_CLASS_DEVICE = 0x0a;
/** Offset of the cache line size in 32-bit words, 1 byte. */
export const PCI_CACHE_LINE_SIZE = 0x0c;
/** Offset of the latency timer in PCI clocks, 1 byte. */
export const PCI_LATENCY_TIMER = 0x0d;
/** Offset of the header type, 1 byte. */
export const PCI_HEADER_TYPE = 0x0e;
/** Offset of the built-in self test register, 1 byte. */
export const PCI_BIST = 0x0f;
/** Offset of BAR 0, 4 bytes. */
export const PCI_BASE_ADDRESS_0 = 0x10;
/** Offset of BAR 1, 4 bytes. */
export const PCI_BASE_ADDRESS_1 = 0x14;
/** Offset of BAR 2, 4 bytes. */
export const PCI_BASE_ADDRESS_2 = 0x18;
/** Offset of BAR 3, 4 bytes. */
export const PCI_BASE_ADDRESS_3 = 0x1c;
/** Offset of BAR 4, 4 bytes. */
export const PCI_BASE_ADDRESS_4 = 0x20;
/** Offset of BAR 5, 4 bytes. */
export const PCI_BASE_ADDRESS_5 = 0x24;
/** Offset of the CardBus CIS pointer, 4 bytes. */
export const PCI_CARDBUS_CIS = 0x28;
/** Offset of the subsystem vendor id, 2 bytes. */
export const PCI_SUBSYSTEM_VENDOR_ID = 0x2c;
/** Offset of the subsystem id, 2 bytes. */
export const PCI_SUBSYSTEM_ID = 0x2e;
/** Offset of the expansion ROM register, 4 bytes. */
export const PCI_ROM_ADDRESS = 0x30;
/** Offset of the pointer to the first capability, 1 byte. */
export const PCI_CAPABILITY_LIST = 0x34;
/** Offset of the interrupt line, 1 byte. */
export const PCI_INTERRUPT_LINE = 0x3c;
/** Offset of the interrupt pin, 1 byte. */
export const PCI_INTERRUPT_PIN = 0x3d;
/** Offset of the minimum grant in 250 ns, 1 byte. */
export const PCI_MIN_GNT = 0x3e;
/** Offset of the maximum latency in 250 ns, 1 byte. */
export const PCI_MAX_LAT = 0x3f;

/** Command: answer I/O port accesses. */
export const PCI_COMMAND_IO = 0x1;
/** Command: answer memory accesses. */
export const PCI_COMMAND_MEMORY = 0x2;
/** Command: may start accesses of its own. */
export const PCI_COMMAND_MASTER = 0x4;
/** Command: watch special cycles. */
export const PCI_COMMAND_SPECIAL = 0x8;
/** Command: may use memory write and invalidate. */
export const PCI_COMMAND_INVALIDATE = 0x10;
/** Command: snoop VGA palette writes. */
export const PCI_COMMAND_VGA_PALETTE = 0x20;
/** Command: react to parity errors. */
export const PCI_COMMAND_PARITY = 0x40;
/** Command: address and data stepping. */
export const PCI_COMMAND_WAIT = 0x80;
/** Command: may signal system errors. */
export const PCI_COMMAND_SERR = 0x100;
/** Command: may start fast back-to-back accesses. */
export const PCI_COMMAND_FAST_BACK = 0x200;
/** Command: INTx is off. */
export const PCI_COMMAND_INTX_DISABLE = 0x400;

/** Status: INTx is asserted inside the function. */
export const PCI_STATUS_INTERRUPT = 0x08;
/** Status: there is a capability list. */
export const PCI_STATUS_CAP_LIST = 0x10;
/** Status: can run at 66 MHz. */
export const PCI_STATUS_66MHZ = 0x20;
/** Status: has user definable features (obsolete). */
export const PCI_STATUS_UDF = 0x40;
/** Status: accepts fast back-to-back accesses. */
export const PCI_STATUS_FAST_BACK = 0x80;
/** Status: a parity error was met as a master. */
export const PCI_STATUS_PARITY = 0x100;
/** Status: bits of the device select timing, 0 fast, 1 medium, 2 slow. */
export const PCI_STATUS_DEVSEL_MASK = 0x600;
/** Status: ended an access with a target abort. */
export const PCI_STATUS_SIG_TARGET_ABORT = 0x800;
/** Status: an own access got a target abort. */
export const PCI_STATUS_REC_TARGET_ABORT = 0x1000;
/** Status: an own access found no target. */
export const PCI_STATUS_REC_MASTER_ABORT = 0x2000;
/** Status: signalled a system error. */
export const PCI_STATUS_SIG_SYSTEM_ERROR = 0x4000;
/** Status: found a parity error. */
export const PCI_STATUS_DETECTED_PARITY = 0x8000;

/** Header type: bits of the layout. */
export const PCI_HEADER_TYPE_MASK = 0x7f;
/** Header type of an endpoint. */
export const PCI_HEADER_TYPE_NORMAL = 0;
/** Header type of a PCI-to-PCI bridge. */
export const PCI_HEADER_TYPE_BRIDGE = 1;
/** Header type of a CardBus bridge. */
export const PCI_HEADER_TYPE_CARDBUS = 2;
/** Header type: the device has more functions. */
export const PCI_HEADER_TYPE_MFD = 0x80;

/** Self test: bits of the result, 0 is success. */
export const PCI_BIST_CODE_MASK = 0x0f;
/** Self test: starts it; reads 1 while it runs. */
export const PCI_BIST_START = 0x40;
/** Self test: there is one. */
export const PCI_BIST_CAPABLE = 0x80;

/** The fields of a type 0 header that are not base addresses (those are in `decodeBars`). All are plain numbers. */
export interface ConfigHeader {
  /** 0..0xffff; 0xffff means that no function answered. */
  vendor: number;
  /** 0..0xffff */
  device: number;
  /** PCI_COMMAND_* bits */
  command: number;
  /** PCI_STATUS_* bits */
  status: number;
  /** 0..0xff */
  revision: number;
  /** Base class and subclass, as lspci prints them: 0x0108 is a non-volatile memory controller. */
  classCode: number;
  /** Programming interface, 0..0xff */
  progIf: number;
  /** In 32-bit words. */
  cacheLineSize: number;
  /** In PCI clocks. */
  latencyTimer: number;
  /** Header layout without the multi-function bit; always 0 here. */
  headerType: number;
  /** Whether functions 1..7 of the device may exist. */
  multiFunction: boolean;
  /** PCI_BIST_* bits */
  bist: number;
  cardbusCis: number;
  subsystemVendor: number;
  subsystem: number;
  /** Byte offset of the first capability as stored; meaningful only when `status` has PCI_STATUS_CAP_LIST. */
  capabilityPointer: number;
  /** What firmware wrote for the operating system; the interrupt in use may be another. */
  interruptLine: number;
  /** 0 none, 1..4 for INTA..INTD */
  interruptPin: number;
  /** In units of 250 ns. */
  minGrant: number;
  /** In units of 250 ns. */
  maxLatency: number;
}

/**
 * Decodes the type 0 header at the start of `config`.
 *
 * @param config at least the 64 bytes of the header.
 * @throws RangeError when there are fewer bytes, or the header is of another type (a bridge's).
 * @example
 * decodeConfigHeader(config).vendor.toString(16); // '1b36'
 *
 * Source: PCI Local Bus 3.0, 6.1
 */
export function decodeConfigHeader(config: Uint8Array): ConfigHeader {
  if (config.length < PCI_STD_HEADER_SIZEOF) {
    throw new RangeError(`decodeConfigHeader: ${config.length} bytes are fewer than the header's ${PCI_STD_HEADER_SIZEOF}`);
  }
  const headerByte = readU8(config, PCI_HEADER_TYPE);
  const headerType = headerByte & PCI_HEADER_TYPE_MASK;
  if (headerType !== PCI_HEADER_TYPE_NORMAL) {
    throw new RangeError(`decodeConfigHeader: header type ${headerType} at offset 0x0e is not 0, the layout of an endpoint`);
  }
  return {
    vendor: readU16(config, PCI_VENDOR_ID),
    device: readU16(config, PCI_DEVICE_ID),
    command: readU16(config, PCI_COMMAND),
    status: readU16(config, PCI_STATUS),
    revision: readU8(config, PCI_REVISION_ID),
    classCode: readU16(config, PCI_CLASS_DEVICE),
    progIf: readU8(config, PCI_CLASS_PROG),
    cacheLineSize: readU8(config, PCI_CACHE_LINE_SIZE),
    latencyTimer: readU8(config, PCI_LATENCY_TIMER),
    headerType,
    multiFunction: (headerByte & PCI_HEADER_TYPE_MFD) !== 0,
    bist: readU8(config, PCI_BIST),
    cardbusCis: readU32(config, PCI_CARDBUS_CIS),
    subsystemVendor: readU16(config, PCI_SUBSYSTEM_VENDOR_ID),
    subsystem: readU16(config, PCI_SUBSYSTEM_ID),
    capabilityPointer: readU8(config, PCI_CAPABILITY_LIST),
    interruptLine: readU8(config, PCI_INTERRUPT_LINE),
    interruptPin: readU8(config, PCI_INTERRUPT_PIN),
    minGrant: readU8(config, PCI_MIN_GNT),
    maxLatency: readU8(config, PCI_MAX_LAT),
  };
}

// Capabilities as a device declares them: the bytes of each, from a few words about it.
//
// Each function answers what follows id and pointer; the layouts are drawn where they are decoded (../lspci, ../msix.ts, ../capability-rules.ts).
//
// Source: PCI Local Bus 3.0, 6.8; PCI Power Management 1.2, 3.2; PCI Express 5.0, 7.5.3 and 7.7 to 7.9; names from linux/pci_regs.h

import { integer, u64 } from '../../core/index.ts';
import type { U64 } from '../../core/index.ts';
import { PCI_CAP_ID, PCI_EXT_CAP_ID } from '../capability-ids.ts';
import { PCI_MSI_FLAGS_64BIT, PCI_MSI_FLAGS_MASKBIT, PCI_PM_CTRL_NO_SOFT_RESET } from '../capability-rules.ts';
import type { CapabilityImage } from './config-image.ts';

/** Where the caller wants it. */
export interface CapabilityPlace {
  /** Offset in configuration space, a multiple of 4. Default: behind the one before. */
  readonly at?: number;
}

/** A place in a BAR. */
export interface BarPlace {
  /** BAR 0..5. */
  readonly bar: number;
  /** Bytes from its start, a multiple of 8. */
  readonly offset: number;
}

const words = (...values: readonly number[]): Uint8Array => new Uint8Array(values.flatMap((value) => [value, value >>> 8, value >>> 16, value >>> 24].map((byte) => byte & 0xff)));
const standard = (id: number, body: Uint8Array, { at }: CapabilityPlace): CapabilityImage => ({ list: 'standard', id, body, ...(at !== undefined && { at }) });
const extended = (id: number, version: number, body: Uint8Array, { at }: CapabilityPlace): CapabilityImage => ({ list: 'extended', id, version, body, ...(at !== undefined && { at }) });

/** Power management, version 3: D0 and D3hot, and what is asked for. `keepsState`: leaving D3hot is no reset. */
export function powerManagement(options: CapabilityPlace & { readonly d1?: boolean; readonly d2?: boolean; readonly keepsState?: boolean } = {}): CapabilityImage {
  const { d1 = false, d2 = false, keepsState = false } = options;
  const capabilities = 3 | (d1 ? 1 << 9 : 0) | (d2 ? 1 << 10 : 0);
  const control = keepsState ? PCI_PM_CTRL_NO_SOFT_RESET : 0;
  return standard(PCI_CAP_ID.PM, new Uint8Array([capabilities & 0xff, capabilities >> 8, control, 0, 0, 0]), options);
}

/**
 * MSI: `vectors` 1, 2, 4 .. 32; `is64Bit` for addresses above 4 GiB; `masks` for per-vector masking.
 *
 * @throws RangeError for a number of vectors that MSI cannot say.
 */
export function msi(options: CapabilityPlace & { readonly vectors?: number; readonly is64Bit?: boolean; readonly masks?: boolean } = {}): CapabilityImage {
  const { vectors = 1, is64Bit = true, masks = false } = options;
  const log2 = [1, 2, 4, 8, 16, 32].indexOf(vectors);
  if (log2 < 0) throw new RangeError(`msi: vectors is ${String(vectors)}; expected 1, 2, 4, 8, 16 or 32`);
  const flags = (log2 << 1) | (is64Bit ? PCI_MSI_FLAGS_64BIT : 0) | (masks ? PCI_MSI_FLAGS_MASKBIT : 0);
  const body = new Uint8Array((is64Bit ? 12 : 8) + (masks ? 10 : 0));
  body.set([flags & 0xff, flags >> 8]);
  return standard(PCI_CAP_ID.MSI, body, options);
}

/**
 * MSI-X: 1 to 2048 vectors, their table and pending bits in memory BARs of the function.
 *
 * @throws RangeError for a number of vectors, a BAR or an offset that cannot be. That they lie inside their BARs is checked with the function.
 */
export function msix(options: CapabilityPlace & { readonly vectors: number; readonly table: BarPlace; readonly pending: BarPlace }): CapabilityImage {
  const vectors = integer('msix: vectors', options.vectors, 1, 2048);
  const location = (what: string, { bar, offset }: BarPlace): number => {
    integer(`msix: bar of the ${what}`, bar, 0, 5);
    if ((integer(`msix: offset of the ${what}`, offset, 0, 0xffff_fff8) & 7) !== 0) throw new RangeError(`msix: offset of the ${what} is 0x${offset.toString(16)}; expected a multiple of 8`);
    return offset + bar;
  };
  const body = new Uint8Array(10);
  body.set([(vectors - 1) & 0xff, (vectors - 1) >> 8]);
  body.set(words(location('table', options.table), location('pending bits', options.pending)), 2);
  return standard(PCI_CAP_ID.MSIX, body, options);
}

/** What kind of Express function it is. */
export type ExpressPort = 'endpoint' | 'legacy-endpoint' | 'integrated-endpoint';

const PORTS: Readonly<Record<ExpressPort, number>> = { endpoint: 0x0, 'legacy-endpoint': 0x1, 'integrated-endpoint': 0x9 };

/**
 * PCI Express, version 2. An endpoint has a link of one lane at 2.5 GT/s; an integrated endpoint has none.
 *
 * @param options `flr`: the function can reset itself (default true).
 */
export function express(options: CapabilityPlace & { readonly port?: ExpressPort; readonly flr?: boolean } = {}): CapabilityImage {
  const { port = 'endpoint', flr = true } = options;
  if (!Object.hasOwn(PORTS, port)) throw new TypeError(`express: port is ${JSON.stringify(port)}; expected 'endpoint', 'legacy-endpoint' or 'integrated-endpoint'`);
  const hasLink = port !== 'integrated-endpoint';
  const flags = 2 | (PORTS[port] << 4);
  // Role-based error reporting is required since 1.1; acceptable latencies of 0, packets of 128 bytes.
  const devcap = (1 << 15) | (flr ? 1 << 28 : 0);
  // Control after a reset: relaxed ordering, no snoop, reads of 512 bytes; of 128 bytes and nothing else where they do not matter.
  const devctl = hasLink ? 0x2810 : 0;
  const linkCapability = hasLink ? 0x11 | (3 << 10) : 0;
  const linkStatus = hasLink ? 0x11 : 0;
  const body = new Uint8Array(58);
  body.set([flags & 0xff, flags >> 8]);
  body.set(words(devcap, devctl, linkCapability, linkStatus << 16, 0, 0, 0, 0, 0, 0, hasLink ? 0x2 : 0, hasLink ? 0x1 : 0), 2);
  return standard(PCI_CAP_ID.EXP, body, options);
}

/** A vendor's own capability: its bytes behind the length byte. */
export function vendorSpecific(bytes: Uint8Array, options: CapabilityPlace = {}): CapabilityImage {
  return standard(PCI_CAP_ID.VNDR, new Uint8Array([bytes.length + 3, ...bytes]), options);
}

/** Advanced features: function-level reset for a function without an Express capability. */
export function advancedFeatures(options: CapabilityPlace = {}): CapabilityImage {
  return standard(PCI_CAP_ID.AF, new Uint8Array([6, 0x03, 0, 0]), options);
}

/** Advanced error reporting, version 2, with nothing reported. */
export function advancedErrorReporting(options: CapabilityPlace = {}): CapabilityImage {
  const body = new Uint8Array(0x44);
  body.set(words(0, 0x0040_0000, 0x0046_2030, 0, 0xe000));
  return extended(PCI_EXT_CAP_ID.ERR, 2, body, options);
}

/** The device's serial number, 64 bits. */
export function serialNumber(number: U64, options: CapabilityPlace = {}): CapabilityImage {
  const value = u64('serialNumber', number);
  return extended(PCI_EXT_CAP_ID.DSN, 1, words(Number(value & 0xffff_ffffn), Number(value >> 32n)), options);
}

/** Access control services: which of them there are, as bits of the capability register. */
export function accessControl(services: number, options: CapabilityPlace = {}): CapabilityImage {
  return extended(PCI_EXT_CAP_ID.ACS, 1, words(integer('accessControl: services', services, 0, 0x7f)), options);
}

/** Address translation services: requests that the function accepts in its queue, 1..32. */
export function addressTranslation(options: CapabilityPlace & { readonly queueDepth?: number } = {}): CapabilityImage {
  const depth = integer('addressTranslation: queueDepth', options.queueDepth ?? 32, 1, 32);
  return extended(PCI_EXT_CAP_ID.ATS, 1, words((depth & 0x1f) | 0x20), options);
}

/** Single root I/O virtualization: the header of a function that could have virtual ones, and has none on. */
export function singleRootIoVirtualization(options: CapabilityPlace & { readonly totalFunctions: number; readonly deviceId: number; readonly firstOffset?: number; readonly stride?: number }): CapabilityImage {
  const total = integer('singleRootIoVirtualization: totalFunctions', options.totalFunctions, 1, 0xffff);
  const id = integer('singleRootIoVirtualization: deviceId', options.deviceId, 0, 0xffff);
  const first = integer('singleRootIoVirtualization: firstOffset', options.firstOffset ?? 1, 0, 0xffff);
  const stride = integer('singleRootIoVirtualization: stride', options.stride ?? 1, 0, 0xffff);
  const body = new Uint8Array(0x3c);
  // Initial and total functions, offset and stride, device id, supported and system page size: 4 KiB.
  body.set(words(0, 0, total | (total << 16), 0, first | (stride << 16), id << 16, 0x1, 0x1));
  return extended(PCI_EXT_CAP_ID.SRIOV, 1, body, options);
}

/**
 * Resizable BARs, read-only: for each the sizes that it could have and the one that it has, as 20 + log2 bytes.
 *
 * @throws RangeError for a BAR, a size that is no power of two in 1 MiB..128 TiB, or none at all.
 */
export function resizableBars(bars: readonly { readonly bar: number; readonly sizes: readonly number[]; readonly size: number }[], options: CapabilityPlace = {}): CapabilityImage {
  if (bars.length < 1 || bars.length > 6) throw new RangeError(`resizableBars: ${bars.length} BARs; expected 1 to 6`);
  const exponent = (size: number): number => {
    const log2 = Math.log2(integer('resizableBars: size', size, 2 ** 20, 2 ** 47));
    if (!Number.isInteger(log2)) throw new RangeError(`resizableBars: size is ${size}; expected a power of two`);
    return log2 - 20;
  };
  const body = words(
    ...bars.flatMap(({ bar, sizes, size }) => [
      sizes.reduce((bits, one) => bits | (1 << (exponent(one) + 4)), 0),
      integer('resizableBars: bar', bar, 0, 5) | (bars.length << 5) | (exponent(size) << 8),
    ]),
  );
  return extended(PCI_EXT_CAP_ID.REBAR, 1, body, options);
}

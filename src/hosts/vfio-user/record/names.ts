// What the bytes of regions are called: registers of BARs with their fields, registers of configuration space.

import { registerAt } from '../../../registers/index.ts';
import type { BankModel, RegisterModel } from '../../../registers/index.ts';

/** What a device tells of its registers; a `PciDevice` is one. */
export interface NamedDevice {
  /** Register banks by BAR. */
  readonly banks?: ReadonlyMap<number, { readonly map: BankModel }>;
  readonly function?: { registerAt(offset: number): { readonly name: string } | undefined };
}

const REGIONS = ['BAR 0', 'BAR 1', 'BAR 2', 'BAR 3', 'BAR 4', 'BAR 5', 'ROM', 'CONFIG', 'VGA'];
const CONFIG = 7;
/** Configuration registers that no rule is about: nobody writes them. */
const READ_ONLY: Readonly<Record<number, string>> = { 0x00: 'VENDOR_ID', 0x02: 'DEVICE_ID', 0x08: 'REVISION_ID', 0x09: 'CLASS_PROG', 0x0a: 'CLASS_DEVICE', 0x0e: 'HEADER_TYPE', 0x2c: 'SUBSYSTEM_VENDOR_ID', 0x2e: 'SUBSYSTEM_ID', 0x34: 'CAPABILITY_LIST', 0x3d: 'INTERRUPT_PIN' };
const INTERRUPTS = ['INTx', 'MSI', 'MSI-X', 'ERR', 'REQ'];

/** `BAR 0`, `CONFIG`, `region 9`. */
export function regionName(region: number): string {
  return REGIONS[region] ?? `region ${region}`;
}

/** `MSI-X 3`; `INTx` where there is one. */
export function interruptName(index: number | undefined, vector: number): string {
  if (index === undefined) return 'an fd of no interrupt';
  const name = INTERRUPTS[index] ?? `interrupt ${index}`;
  return index === 1 || index === 2 ? `${name} ${vector}` : name;
}

/** A number with the fields that are not 0 in it: `0x3 EN=1 MODE=1`. */
function fieldsOf({ fields, position, bytes }: RegisterModel, offset: number, width: number, value: bigint): string {
  const shift = 8n * BigInt(offset - position);
  const inPlace = (shift >= 0n ? value << shift : value >> -shift) & ((1n << BigInt(8 * bytes)) - 1n);
  const touched = ((1n << BigInt(8 * width)) - 1n) << (shift >= 0n ? shift : 0n);
  return fields
    .filter(({ mask }) => (mask & touched) !== 0n)
    .map(({ name, mask, lsb, names }) => {
      const field = (inPlace & mask) >> BigInt(lsb);
      const word = names.find(([, known]) => known === field)?.[0];
      return { name, field, text: word ?? (field < 10n ? field.toString() : `0x${field.toString(16)}`) };
    })
    .filter(({ field }, _, list) => field !== 0n && list.length > 1)
    .map(({ name, text }) => ` ${name}=${text}`)
    .join('');
}

/** The bytes of an access as a number; longer ones as their first and how many there are. */
function bytesText(data: Uint8Array): string {
  if (data.length === 0) return '';
  if (data.length > 8) return `${Buffer.from(data.subarray(0, 8)).toString('hex')}...`;
  return `0x${Buffer.from(data).reverse().toString('hex')}`;
}

/** What an access says, in two parts. */
export interface NamedAccess {
  /** `BAR 0 0x98 DMA_COMMAND`. */
  readonly place: string;
  /** The register alone; undefined where there is none. */
  readonly register: string | undefined;
  /** `0x00000001 START=1`. Empty when there are no bytes. */
  readonly value: string;
}

/** Puts names to accesses of one device, which may be made later: until then regions alone have names. */
export class RegisterNames {
  private device: NamedDevice = {};

  /** From now on it is about this device. */
  learn(device: NamedDevice): void {
    this.device = device;
  }

  private registerOf(region: number, offset: number): RegisterModel | undefined {
    const map = this.device.banks?.get(region)?.map;
    return map === undefined || offset >= map.bytes ? undefined : registerAt(map, offset);
  }

  /** @param data - What was read or written; no bytes: not known. */
  access(region: number, offset: bigint, data: Uint8Array): NamedAccess {
    const at = Number(offset);
    const register = region === CONFIG ? undefined : this.registerOf(region, at);
    const name = region === CONFIG ? (this.device.function?.registerAt(at)?.name ?? READ_ONLY[at]) : register?.path;
    const isShort = data.length > 0 && data.length <= 8;
    const fields = register !== undefined && isShort ? fieldsOf(register, at, data.length, BigInt(bytesText(data))) : '';
    return { place: `${regionName(region)} 0x${offset.toString(16)}${name === undefined ? '' : ` ${name}`}`, register: name, value: `${bytesText(data)}${fields}` };
  }
}

// A map as CMSIS-SVD: one device with one peripheral, as debuggers and code generators read it. Source: CMSIS-SVD 1.3.9, schema CMSIS-SVD.xsd.

import type { BankModel, FieldModel, RegisterModel } from '../model.ts';
import type { OnWrite } from '../words.ts';
import { entriesOf, escaped, hexText } from './text.ts';
import { isOnce, isReadable, isWritable } from '../words.ts';

const MODIFIED: Readonly<Record<OnWrite, string>> = { woclr: 'oneToClear', woset: 'oneToSet', wot: 'oneToToggle', wzc: 'zeroToClear', wzs: 'zeroToSet', wzt: 'zeroToToggle', wclr: 'clear', wset: 'set' };

/** What SVD can say of a device beside its registers. */
export interface SvdOptions {
  /** Base address of the peripheral. Default: 0. */
  readonly baseAddress?: number | bigint;
  /** Version of the description. Default: `1.0`. */
  readonly version?: string;
}

type Lines = string[];

function element(name: string, text: string | number): string {
  return `<${name}>${escaped(String(text))}</${name}>`;
}

function nest(name: string, inner: Lines): Lines {
  return inner.length === 0 ? [] : [`<${name}>`, ...inner.map((line) => `  ${line}`), `</${name.replace(/ .*/, '')}>`];
}

function accessOf({ sw }: FieldModel): string {
  if (isReadable(sw) && isWritable(sw)) return isOnce(sw) ? 'read-writeOnce' : 'read-write';
  if (isWritable(sw)) return isOnce(sw) ? 'writeOnce' : 'write-only';
  return 'read-only';
}

function fieldLines(field: FieldModel): Lines {
  const values = field.names.map(([name, value]) => nest('enumeratedValue', [element('name', name), element('value', value.toString())]));
  return nest('field', [
    element('name', field.name),
    ...(field.doc === undefined ? [] : [element('description', field.doc)]),
    element('bitOffset', field.lsb),
    element('bitWidth', field.msb - field.lsb + 1),
    element('access', accessOf(field)),
    ...(field.onWrite === undefined ? [] : [element('modifiedWriteValues', MODIFIED[field.onWrite])]),
    ...(field.onRead === undefined ? [] : [element('readAction', field.onRead === 'rclr' ? 'clear' : 'set')]),
    ...nest('enumeratedValues', values.flat()),
  ]);
}

/** `QUEUE_2_TAIL`: SVD's names are C's. */
function nameOf(path: string): string {
  return path.replaceAll(/[[\].]+/g, '_').replace(/_$/, '');
}

/** An array alone is SVD's `dim`; elements of arrays of blocks are written out, as arrays of arrays are beyond what tools read. */
function registerLines(entry: { first: RegisterModel; all: readonly RegisterModel[] }): Lines {
  const { first, all } = entry;
  const isArray = first.indices.length === 1 && first.entry === `${first.name}[]` && all.length > 1;
  return (isArray ? [first] : all).flatMap((register) => {
    const dim = isArray ? [element('dim', all.length), element('dimIncrement', hexText(all[1]!.position - first.position))] : [];
    return nest('register', [
      ...dim,
      element('name', isArray ? `${first.name}[%s]` : nameOf(register.path)),
      ...(register.doc === undefined ? [] : [element('description', register.doc)]),
      element('addressOffset', hexText(register.position)),
      element('size', register.bits),
      element('resetValue', hexText(register.reset)),
      // Reserved bits that are out of software's reach are what no field of an SVD has.
      ...nest('fields', register.fields.filter((field) => field.sw !== 'na').flatMap(fieldLines)),
    ]);
  });
}

/**
 * A map as CMSIS-SVD. Locks, actions, FIFOs and data ports are beyond what the format says and are left out.
 *
 * @param map - A map.
 * @param options - What the format wants to know beside it.
 */
export function svdOf(map: BankModel, options: SvdOptions = {}): string {
  const name = nameOf(map.name.replaceAll(/[^A-Za-z0-9_]+/g, '_'));
  const widest = Math.max(...map.access) * 8;
  const peripheral = nest('peripheral', [
    element('name', name),
    element('description', map.doc ?? map.name),
    element('baseAddress', hexText(options.baseAddress ?? 0)),
    ...nest('addressBlock', [element('offset', '0x0'), element('size', hexText(map.bytes)), element('usage', 'registers')]),
    ...map.interrupts.flatMap((one) => nest('interrupt', [element('name', one.name), element('value', one.line)])),
    ...nest('registers', entriesOf(map.registers).flatMap(registerLines)),
  ]);
  const device = nest('device schemaVersion="1.3" xmlns:xs="http://www.w3.org/2001/XMLSchema-instance" xs:noNamespaceSchemaLocation="CMSIS-SVD.xsd"', [
    element('name', name),
    element('version', options.version ?? '1.0'),
    element('description', map.doc ?? map.name),
    element('addressUnitBits', 8),
    element('width', widest),
    ...nest('peripherals', peripheral),
  ]);
  return `${['<?xml version="1.0" encoding="utf-8"?>', ...device].join('\n')}\n`;
}

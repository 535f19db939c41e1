// A map as a C header: offsets, masks, shifts and values of enums.
//
//   #define COPY_STATUS 0x04u            #define COPY_QUEUE_TAIL(i) (0x100u + 0x10u * (i))
//   #define COPY_STATUS_DONE_MASK 0x1u   #define COPY_STATUS_DONE_SHIFT 0

import type { BankModel, RegisterModel } from '../model.ts';
import { countsOf, entriesOf, hexText, stridesOf } from './text.ts';

function macro(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]+/g, '_').replaceAll(/^_+|_+$/g, '').replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
}

function unsigned(value: number | bigint, wide: boolean): string {
  return `${hexText(value)}${wide ? 'ull' : 'u'}`;
}

function comment(text: string | undefined): string[] {
  return text === undefined ? [] : [`/* ${text.replaceAll('*/', '* /').replaceAll(/\s*\n\s*/g, ' ')} */`];
}

function registerLines(prefix: string, first: RegisterModel, all: readonly RegisterModel[]): [name: string, value: string][] {
  const name = `${prefix}_${macro(first.entry)}`;
  const letters = first.indices.map((_, k) => 'ijklmn'[k] ?? `i${k}`);
  const places = stridesOf(all).map((stride, k) => ` + ${unsigned(stride, false)} * (${letters[k]!})`);
  const lines: [string, string][] = [letters.length === 0 ? [name, unsigned(first.position, false)] : [`${name}(${letters.join(', ')})`, `(${unsigned(first.position, false)}${places.join('')})`]];
  countsOf(all).forEach((count, k) => lines.push([`${name}_COUNT${letters.length === 1 ? '' : `_${letters[k]!.toUpperCase()}`}`, `${count}`]));
  lines.push([`${name}_RESET`, unsigned(first.reset, first.bits === 64)]);
  for (const field of first.fields.filter((one) => one.reserved === undefined)) {
    const own = `${name}_${macro(field.name)}`;
    lines.push([`${own}_MASK`, unsigned(field.mask, first.bits === 64)], [`${own}_SHIFT`, `${field.lsb}`]);
    for (const [word, value] of field.names) lines.push([`${own}_${macro(word)}`, unsigned(value, first.bits === 64)]);
  }
  return lines;
}

/**
 * A map as a C header. RangeError when two names become the same macro.
 *
 * @param map - A map.
 */
export function cHeaderOf(map: BankModel): string {
  const prefix = macro(map.name).replace(/^(?=[0-9])/, '_');
  const seen = new Map<string, string>();
  const define = ([name, value]: readonly [string, string], path: string): string => {
    const plain = name.replace(/\(.*/, '');
    const other = seen.get(plain);
    if (other !== undefined) throw new RangeError(`${map.name}: ${other} and ${path} both give the macro ${plain}`);
    seen.set(plain, path);
    return `#define ${name} ${value}`;
  };
  const lines = [...comment(map.doc ?? `Registers of ${map.name}`), `#ifndef ${prefix}_REGISTERS_H`, `#define ${prefix}_REGISTERS_H`, '', define([`${prefix}_BYTES`, unsigned(map.bytes, map.bytes > 0xffffffff)], map.name)];
  for (const { first, all } of entriesOf(map.registers)) lines.push('', ...comment(first.doc), ...registerLines(prefix, first, all).map((line) => define(line, first.entry)));
  if (map.interrupts.length > 0) lines.push('', ...map.interrupts.map((one) => define([`${prefix}_LINE_${macro(one.name)}`, `${one.line}`], `the interrupt ${one.name}`)));
  return `${[...lines, '', '#endif'].join('\n')}\n`;
}

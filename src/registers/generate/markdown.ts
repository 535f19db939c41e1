// A map as Markdown: a table of registers, then one of fields for each.

import type { ActionModel, BankModel, FieldModel, RegisterModel } from '../model.ts';
import { accessText, countsOf, entriesOf, hexText, rangeText, stridesOf } from './text.ts';

function cell(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
}

function row(cells: readonly string[]): string {
  return `| ${cells.map(cell).join(' | ')} |`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [row(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(row)];
}

/** `0x100 + 0x10 x i`: where the elements of an array lie. */
function offsetText(first: RegisterModel, all: readonly RegisterModel[]): string {
  const letters = ['i', 'j', 'k', 'l', 'm', 'n'];
  return [hexText(first.position, 3), ...stridesOf(all).map((stride, k) => `${hexText(stride)} x ${letters[k] ?? `i${k}`}`)].join(' + ');
}

function nameText(first: RegisterModel, all: readonly RegisterModel[]): string {
  let k = 0;
  const counts = countsOf(all);
  return first.entry.replaceAll('[]', () => `[${counts[k++]!}]`);
}

/** What an action does, as a half-sentence about its own field or register. */
function effectText(map: BankModel, action: ActionModel): string {
  const when = action.ifOne ? 'a 1 written' : `a ${action.at}`;
  if (action.kind === 'pop') return `${when} takes from ${map.fifos[action.fifo]!.name}`;
  if (action.kind === 'push') return `${when} adds to ${map.fifos[action.fifo]!.name}`;
  if (action.kind === 'copy') return `${when} copies it to ${action.target.path}`;
  if (action.kind !== 'count') return `${when} ${action.kind}s ${action.target.path}`;
  return `${when} counts ${action.target.path} ${action.step < 0 ? 'down' : 'up'} by ${Math.abs(action.step)}, ${action.saturates ? 'saturating' : 'wrapping'}`;
}

function more(map: BankModel, register: RegisterModel, field: FieldModel): string {
  const names = field.names.map(([name, value]) => `${value} ${name}`).join(', ');
  const locks = field.locks.map((lock) => `writable while ${lock.path} is ${lock.value}`);
  const expect = field.expect === undefined ? [] : [`write ${hexText(field.expect)}`];
  const effects = register.actions.filter((action) => action.own === field.mask).map((action) => effectText(map, action));
  return [...(field.doc === undefined ? [] : [field.doc]), ...(names === '' ? [] : [names]), ...locks, ...expect, ...effects].join('; ');
}

function registerSection(map: BankModel, { first, all }: { first: RegisterModel; all: readonly RegisterModel[] }): string[] {
  const remarks = [
    `${first.bits} bits at ${offsetText(first, all)}`,
    ...(first.tear === 'none' ? [] : [`halves: ${first.tear}`]),
    ...first.actions.filter((action) => first.fields.every((field) => field.mask !== action.own)).map((action) => effectText(map, action)),
    ...(first.notify ? ['each write leaves a record'] : []),
    ...(first.port === undefined ? [] : [`data port: ${first.port.index.path} x ${hexText(first.port.stride)} from ${hexText(first.port.from)}, ${first.port.count} places`]),
  ];
  const fields = [...first.fields].reverse().map((field) => [rangeText(field), field.name, accessText(field), hexText(field.reset), more(map, first, field)]);
  return ['', `## ${nameText(first, all)}`, '', ...(first.doc === undefined ? [] : [first.doc, '']), `${remarks.join('; ')}.`, ...(fields.length === 0 ? [] : ['', ...table(['bits', 'field', 'access', 'reset', ''], fields)])];
}

/**
 * A map as a Markdown document.
 *
 * @param map - A map.
 */
export function markdownOf(map: BankModel): string {
  const entries = entriesOf(map.registers);
  const access = `${map.access.join(', ')} bytes`;
  const lines = [
    `# ${map.name}`,
    '',
    ...(map.doc === undefined ? [] : [map.doc, '']),
    `${hexText(map.bytes)} bytes, ${map.endian}-endian. Accesses of ${access}; one that is not exactly one register is ${map.split === 'fault' ? 'refused' : 'served in lanes'}.`,
    '',
    ...table(['offset', 'register', 'bits', 'reset', ''], entries.map(({ first, all }) => [offsetText(first, all), nameText(first, all), `${first.bits}`, hexText(first.reset, first.bytes * 2), first.doc ?? ''])),
    ...entries.flatMap((entry) => registerSection(map, entry)),
  ];
  const level = (interrupt: BankModel['interrupts'][number]): string => interrupt.pairs.map(({ status, mask }) => `${status.path}${mask === undefined ? '' : ` & ${interrupt.disables ? 'not ' : ''}${mask.path}`}`).join(' or ');
  if (map.interrupts.length > 0) lines.push('', '## Interrupts', '', ...table(['line', 'name', 'kind', 'when'], map.interrupts.map((one) => [`${one.line}`, one.name, one.edge ? 'edge' : 'level', level(one)])));
  if (map.fifos.length > 0) lines.push('', '## FIFOs', '', ...table(['name', 'entries', 'level'], map.fifos.map((fifo) => [fifo.name, `${fifo.depth}`, fifo.level?.path ?? ''])));
  return `${lines.join('\n')}\n`;
}

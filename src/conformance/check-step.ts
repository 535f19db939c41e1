// Steps of a table that say what none can, or that cannot fail.

import type { Step } from './table.ts';

type Word = 'out' | 'lines' | 'in';

/** Events of a device that are compared with what the step says, or do something with it, and which word says it. */
const COMPARED: Readonly<Record<string, Word>> = {
  registers: 'out',
  bytes: 'out',
  token: 'out',
  poke: 'in',
  cycles: 'lines',
  arcs: 'lines',
  masters: 'lines',
  faults: 'lines',
  messages: 'lines',
  unmapped: 'lines',
  'dma read': 'out',
  'dma write': 'in',
};

/** What an event is compared by; `undefined` for one that is not. */
function comparedBy({ do: kind, event = '', returns }: Step): { readonly name: string; readonly word: Word } | undefined {
  const words = event.split(' ');
  const name = words[0] === 'dma' ? words.slice(0, 2).join(' ') : words[0]!;
  if (kind !== 'device' || !Object.hasOwn(COMPARED, name)) return undefined;
  // A transfer that fails has no bytes.
  if (name === 'dma read' && typeof returns === 'string') return undefined;
  return { name, word: COMPARED[name]! };
}

/** What is wrong with an ioctl's argument: it has more than one. */
function argument({ do: kind, text, value, in: bytes, argument: place }: Step): string[] {
  if (kind !== 'ioctl') return [];
  const said = Object.entries({ value, text, in: bytes, argument: place }).flatMap(([word, one]) => (one === undefined ? [] : [word]));
  return said.length > 1 ? [`${said.join(' and ')}: an ioctl has one argument`] : [];
}

/** Why a step cannot fail, does nothing, or cannot be made. */
export function vacuous(step: Step): string[] {
  const { times = 1 } = step;
  const found = argument(step);
  if (!Number.isInteger(times) || times < 1) found.push(`it is made ${times} times; expected 1 or more`);
  const compared = comparedBy(step);
  // No lines are an answer, too; no bytes are none.
  if (compared !== undefined && (step[compared.word] === undefined || step[compared.word] === '')) found.push(`${compared.name} without ${compared.word} ${compared.word === 'in' ? 'changes' : 'compares'} nothing`);
  return found;
}

/** Words of a value that it cannot have. */
export function strangeWords(what: string, value: object, words: readonly string[]): string[] {
  return Object.keys(value)
    .filter((key) => !words.includes(key))
    .map((key) => `${what}: ${key} is nothing that it can say`);
}

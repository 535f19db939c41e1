// The states of a litmus program: how far the processor is, what waits in line buffers, what the device has. And the steps between them: those that the device
// sees - transactions - and those that it does not.
//
//   processor --store--> line buffers --drain--> device        a drain may happen at any time, of any run of words of any line
//             --uc store------------------------->

import type { Step } from './program.ts';
import { runText, stepText } from './program.ts';

/** Words by place: the line or register, then the word. */
type Words = ReadonlyMap<number, number>;

const WORDS = 8;

/** One state. Nothing in it changes. */
export interface State {
  /** Index of the next step. */
  readonly next: number;
  /** What waits: line * 8 + word -> value. */
  readonly waiting: Words;
  readonly wc: Words;
  readonly uc: Words;
  /** What the reads so far have read, in program order. */
  readonly reads: readonly number[];
}

/** One transaction and the state after it. */
export interface Arrival {
  readonly text: string;
  readonly state: State;
}

/** What holds for all programs of one exploration. */
export interface Rules {
  readonly program: readonly Step[];
  /** How many lines can wait at a time. */
  readonly buffers: number;
  /** Both mappings are onto one device: an uncached access waits until nothing waits (rule W-same-device). */
  readonly sameDevice: boolean;
}

const NOTHING: Words = new Map();

/** Nothing has happened. */
export const START: State = { next: 0, waiting: NOTHING, wc: NOTHING, uc: NOTHING, reads: [] };

function text(words: Words): string {
  return [...words].sort(([a], [b]) => a - b).join(' ');
}

/** The same text for the same state, and only for it. */
export function keyOf(state: State): string {
  return `${state.next};${text(state.waiting)};${text(state.wc)};${text(state.uc)};${state.reads.join(' ')}`;
}

/** Whether nothing more can happen. */
export function isEnd({ program }: Rules, state: State): boolean {
  return state.next === program.length && state.waiting.size === 0;
}

function linesOf(waiting: Words): number[] {
  return [...new Set([...waiting.keys()].map((at) => Math.floor(at / WORDS)))].sort((a, b) => a - b);
}

/** The state after the next step, when that is a step that the device does not see and that can be made now. */
export function silently({ program, buffers }: Rules, state: State): State | undefined {
  const step = program[state.next];
  const next = state.next + 1;
  if (step?.do === 'fence') return state.waiting.size === 0 ? { ...state, next } : undefined;
  if (step?.do !== 'store' || step.to !== 'wc') return undefined;
  const lines = linesOf(state.waiting);
  if (!lines.includes(step.line) && lines.length === buffers) return undefined;
  return { ...state, next, waiting: new Map(state.waiting).set(step.line * WORDS + step.word, step.value) };
}

/** Longest runs of neighbouring words of one line. */
function runs(waiting: Words): { readonly first: number; readonly values: readonly number[] }[] {
  const found: { first: number; values: number[] }[] = [];
  for (const [at, value] of [...waiting].sort(([a], [b]) => a - b)) {
    const run = found.at(-1);
    if (run !== undefined && at % WORDS !== 0 && run.first + run.values.length === at) run.values.push(value);
    else found.push({ first: at, values: [value] });
  }
  return found;
}

/** What waits, as the reports write it. */
export function waitingTexts(state: State): string[] {
  return runs(state.waiting).map(({ first, values }) => runText(Math.floor(first / WORDS), first % WORDS, values));
}

/** Every transaction that can be the next one. */
export function arrivals(rules: Rules, state: State): Arrival[] {
  const found = runs(state.waiting).map(({ first, values }): Arrival => {
    const waiting = new Map(state.waiting);
    const wc = new Map(state.wc);
    values.forEach((value, i) => {
      waiting.delete(first + i);
      wc.set(first + i, value);
    });
    return { text: runText(Math.floor(first / WORDS), first % WORDS, values), state: { ...state, waiting, wc } };
  });
  const step = rules.program[state.next];
  if (step === undefined || step.do === 'fence') return found;
  const next = state.next + 1;
  const isCombining = step.do === 'store' ? step.to === 'wc' : step.from === 'wc';
  if ((isCombining || rules.sameDevice) && state.waiting.size > 0) return found;
  if (step.do === 'read') {
    const value = (step.from === 'wc' ? state.wc.get(step.line * WORDS + step.word) : state.uc.get(step.register)) ?? 0;
    found.push({ text: `${stepText(step)} -> ${value}`, state: { ...state, next, reads: [...state.reads, value] } });
  } else if (step.to === 'uc') {
    found.push({ text: stepText(step), state: { ...state, next, uc: new Map(state.uc).set(step.register, step.value) } });
  }
  return found;
}

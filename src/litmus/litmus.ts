// Litmus: a small program of stores, fences and reads, explored over every order in which its transactions can reach the device.
//
//   orders are told apart by what the device sees only. States that the same transactions have led to are kept together:
//
//   {a, b, c} --"wc line 0 <- 1"--> {d, e}        so each order is one path, and the first broken one is a shortest
//             --"uc 0 <- 1"-------> {f}

import type { Writer } from './program.ts';
import { stepText, steps } from './program.ts';
import type { Rules, State } from './state.ts';
import { START, arrivals, isEnd, keyOf, silently, waitingTexts } from './state.ts';

const WORDS = 8;

/** What the device has when a check is asked. */
export interface Device {
  readonly wc: { /** The value of a word (0 to 7, default 0) of a line; 0 when nothing has arrived there. */ load(line: number, word?: number): number };
  readonly uc: { /** The value of a register; 0 when nothing has arrived there. */ load(register: number): number };
  /** What the processor's reads have read so far, in program order. */
  readonly reads: readonly number[];
}

/** True or undefined: good. False, or a sentence that says what is wrong: broken. */
export type Verdict = boolean | string | undefined;

/** A litmus test as data. */
export interface LitmusTest {
  /** What the processor does. */
  program(writer: Writer): void;
  /** Asked after each transaction, when the device may act on what it has. */
  check?(device: Device): Verdict;
  /** Asked when everything has arrived. */
  end?(device: Device): Verdict;
  /** Both mappings belong to one device (rule W-same-device): as on processors whose uncached accesses drain. Default false: as on those where they do not. */
  readonly sameDevice?: boolean;
  /** How many lines can wait at a time, 1 to 64. Default 4. */
  readonly buffers?: number;
  /** How many states to look at before giving up. Default 200,000. */
  readonly maxStates?: number;
}

/** What an exploration found. */
export interface LitmusReport {
  readonly holds: boolean;
  /** How many different orders of transactions there are, all of them good; undefined when one is broken. */
  readonly orders: bigint | undefined;
  /** A shortest order that breaks a check. */
  readonly broken: { readonly message: string; readonly transactions: readonly string[]; /** What had not arrived yet. */ readonly waiting: readonly string[] } | undefined;
  /** All of it, to be read: lines without a last line end. */
  readonly text: string;
}

interface Node {
  /** Closed under steps that the device does not see. */
  readonly states: readonly State[];
  readonly transactions: readonly string[];
  /** How many orders lead here. */
  readonly orders: bigint;
}

function deviceOf({ wc, uc, reads }: State): Device {
  return { wc: { load: (line, word = 0) => wc.get(line * WORDS + word) ?? 0 }, uc: { load: (register) => uc.get(register) ?? 0 }, reads };
}

/** The states and all that follow without the device seeing anything. */
function closed(rules: Rules, from: Iterable<State>): State[] {
  const found = new Map<string, State>();
  for (const first of from) {
    for (let state: State | undefined = first; state !== undefined; state = silently(rules, state)) found.set(keyOf(state), state);
  }
  return [...found.values()];
}

function messageOf(verdict: Verdict): string | undefined {
  if (verdict === undefined || verdict === true) return undefined;
  return verdict === false ? 'the check failed' : verdict;
}

/** Where the transactions that can come next lead. */
function following(rules: Rules, node: Node): Map<string, State[]> {
  const after = new Map<string, State[]>();
  for (const state of node.states) {
    for (const { text, state: next } of arrivals(rules, state)) after.set(text, [...(after.get(text) ?? []), next]);
  }
  return after;
}

function rulesOf(test: LitmusTest): Rules {
  if (typeof (test as Partial<LitmusTest> | null | undefined)?.program !== 'function') throw new TypeError('litmus: expected a test with a program');
  const { buffers = 4, sameDevice = false } = test;
  if (!Number.isInteger(buffers) || buffers < 1 || buffers > 64) throw new RangeError(`litmus: buffers is ${String(buffers)}; expected 1 to 64`);
  return { program: steps((writer) => test.program(writer)), buffers, sameDevice };
}

/**
 * Explores every order in which the stores of a small program can reach its device.
 *
 * @param name - For the report.
 * @returns Whether all checks hold in all orders; if not, a shortest order that breaks one.
 * @throws RangeError for numbers out of range, and when the program has more states than `maxStates`; what a check throws.
 * @example
 * ```ts
 * const report = litmus('doorbell', {
 *   program({ wc, uc }) {
 *     wc.store(0, 1); // the queue entry
 *     uc.store(0, 1); // the doorbell
 *   },
 *   check: ({ wc, uc }) => uc.load(0) === 0 || wc.load(0) === 1,
 * });
 * report.holds; // false: nothing makes the entry arrive first
 * ```
 */
export function litmus(name: string, test: LitmusTest): LitmusReport {
  const rules = rulesOf(test);
  const maxStates = test.maxStates ?? 200_000;
  let seen = 0;
  let orders = 0n;
  let layer: Node[] = [{ states: closed(rules, [START]), transactions: [], orders: 1n }];
  while (layer.length > 0) {
    const next = new Map<string, Node>();
    for (const node of layer) {
      seen += node.states.length;
      if (seen > maxStates) throw new RangeError(`litmus ${name}: more than ${maxStates} states; a litmus program is a few stores long`);
      const [state] = node.states as [State, ...State[]];
      const isOver = node.states.some((one) => isEnd(rules, one));
      const message = (node.transactions.length === 0 ? undefined : messageOf(test.check?.(deviceOf(state)))) ?? (isOver ? messageOf(test.end?.(deviceOf(state))) : undefined);
      if (message !== undefined) return brokenReport(name, rules, node, message);
      if (isOver) orders += node.orders;
      for (const [text, states] of following(rules, node)) {
        const all = closed(rules, states);
        const key = all.map(keyOf).sort().join('\n');
        const same = next.get(key);
        next.set(key, { states: all, transactions: same?.transactions ?? [...node.transactions, text], orders: node.orders + (same?.orders ?? 0n) });
      }
    }
    layer = [...next.values()];
  }
  const count = orders === 1n ? 'its only order' : `all ${orders.toString()} orders`;
  return { holds: true, orders, broken: undefined, text: `litmus ${name}: holds in ${count}\n${programText(rules)}`.trimEnd() };
}

/** Every order of transactions of a program, each once, in no particular order. RangeError when there are more than `limit`. */
export function litmusOrders(test: LitmusTest, limit = 10_000): string[][] {
  const rules = rulesOf(test);
  const found: string[][] = [];
  const stack: Node[] = [{ states: closed(rules, [START]), transactions: [], orders: 1n }];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node.states.some((state) => isEnd(rules, state))) found.push([...node.transactions]);
    if (found.length > limit) throw new RangeError(`litmusOrders: more than ${limit} orders`);
    for (const [text, states] of following(rules, node)) stack.push({ states: closed(rules, states), transactions: [...node.transactions, text], orders: 1n });
  }
  return found;
}

function numbered(label: string, lines: readonly string[]): string {
  return lines.map((line, i) => `  ${(i === 0 ? label : '').padEnd(9)}${String(i + 1).padStart(2)}  ${line}\n`).join('');
}

function programText({ program }: Rules): string {
  return numbered('program', program.map(stepText));
}

function brokenReport(name: string, rules: Rules, node: Node, message: string): LitmusReport {
  // Of the ways that led here the one where the processor has done least.
  const [state] = [...node.states].sort((a, b) => a.next - b.next) as [State, ...State[]];
  const waiting = waitingTexts(state);
  const { transactions } = node;
  const late = waiting.map((line, i) => `  ${(i === 0 ? 'waiting' : '').padEnd(9)}    ${line}\n`).join('');
  const text = `litmus ${name}: BROKEN, ${message}\n${programText(rules)}${numbered('device', transactions)}${late}`.trimEnd();
  return { holds: false, orders: undefined, broken: { message, transactions, waiting }, text };
}

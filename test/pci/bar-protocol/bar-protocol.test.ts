// The BAR protocol by vectors: every scenario holds for PciFunction, and BARs as one writes them first fail many of them.
import { describe, expect, test } from '@jest/globals';
import { LiveSubject } from './live-subject.ts';
import { NaiveSubject } from './naive-subject.ts';
import { type BarSubject, type Scenario, type Step, allScenarios } from './scenario.ts';

type Refusal = (bus: string, first: bigint, last: bigint) => boolean;

function refusalOf(text: string | null): Refusal {
  if (text === null) return () => false;
  if (text === 'everything') return () => true;
  const [bus, range] = text.split(' ') as [string, string];
  const [low, high] = range.split('-').map(BigInt) as [bigint, bigint];
  return (on, first, last) => on === bus && first <= high && last >= low;
}

/** Runs one step; what differs from what it expects, or undefined. */
function run(subject: BarSubject, step: Step): { expected: unknown; seen: unknown } | undefined {
  const compare = (expected: unknown, seen: unknown): { expected: unknown; seen: unknown } | undefined =>
    JSON.stringify(expected) === JSON.stringify(seen) ? undefined : { expected, seen };
  const hex = (value: number): string => `0x${value.toString(16)}`;
  switch (step[0]) {
    case 'write':
      return void subject.write(Number(step[1]), step[2], Number(step[3]));
    case 'read':
      return compare(step[3], hex(subject.read(Number(step[1]), step[2])));
    case 'decodes':
      return compare(step[1], subject.decodes());
    case 'shows': {
      const [bus, address] = step[1].split(' ') as ['memory' | 'ports', string];
      return compare(step[2], subject.shows(bus, BigInt(address)));
    }
    case 'refuse':
      return void subject.refuse(refusalOf(step[1]));
    case 'refusals':
    case 'transactions':
      return compare(step[1], subject[step[0]]());
    case 'reset':
      return void subject.reset(step[1]);
  }
}

/** The first step that does not hold, in words; undefined when all do. */
function failure(subject: BarSubject, { steps }: Scenario): string | undefined {
  try {
    for (const [i, step] of steps.entries()) {
      const wrong = run(subject, step);
      if (wrong !== undefined) return `step ${i} ${JSON.stringify(step)}: expected ${JSON.stringify(wrong.expected)}, seen ${JSON.stringify(wrong.seen)}`;
    }
    return undefined;
  } finally {
    subject.close();
  }
}

const scenarios = allScenarios();

describe('a PciFunction', () => {
  test.each(scenarios.map((scenario): [string, Scenario] => [`${scenario.file}: ${scenario.name} (${scenario.bug ?? scenario.rule})`, scenario]))('%s', (_, scenario) => {
    expect(failure(new LiveSubject(scenario.function), scenario)).toBeUndefined();
  });
});

describe('the vectors', () => {
  test('are at least 24, each with a name of its own and the bug or the rule that it is for', () => {
    expect(scenarios.length).toBeGreaterThanOrEqual(24);
    expect(new Set(scenarios.map(({ file, name }) => `${file} ${name}`)).size).toBe(scenarios.length);
    for (const { bug, rule } of scenarios) expect((bug ?? rule)!.length).toBeGreaterThan(5);
    expect(scenarios.filter(({ bug }) => bug !== undefined).length).toBeGreaterThanOrEqual(24);
  });

  test('find what is wrong with naive BARs: sizing, refusals, pairs, decoding that is off', () => {
    const failed = scenarios.filter((scenario) => failure(new NaiveSubject(scenario.function).start(), scenario) !== undefined);
    expect(failed.length).toBeGreaterThanOrEqual(10);
    for (const file of ['sizing.json', 'large.json', 'relocation.json', 'refusal.json', 'rom.json', 'reset.json']) expect(failed.map((one) => one.file)).toContain(file);
    // And it is not a straw man: what is easy works.
    expect(failed.length).toBeLessThan(scenarios.length);
  });
});

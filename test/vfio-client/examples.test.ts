// The examples of the client's docstrings run, and where one says in a comment what an expression gives, it gives that.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import * as ts from 'typescript';
import { REGION_FLAGS, VfioClient, flagNames } from '../../src/vfio-client/index.ts';
import { HotResetSet, MAP_SHARED, type OpenOptions, PROT_READ, Process, type VfioDevice } from '../../src/vfio/index.ts';
import { TestModel } from '../vfio/migration-model.ts';
import { PAGE, World, outcome } from '../vfio/support.ts';

const folder = join(__dirname, '../../src/vfio-client');

interface Example {
  readonly file: string;
  /** The line of what is documented. */
  readonly of: string;
  readonly code: string;
}

function examplesOf(file: string): Example[] {
  const text = readFileSync(join(folder, file), 'utf8');
  return [...text.matchAll(/^ *\/\*\*\n((?: *\*(?!\/).*\n)*) *\*\/\n *(.*)$/gm)].flatMap(([, doc, of]) =>
    [...doc!.matchAll(/^ *\* ```ts\n([\s\S]*?)^ *\* ```$/gm)].map(([, code]) => ({ file, of: of!.replace(/[({;].*/, '').trim(), code: code!.replaceAll(/^ *\* ?/gm, '') })),
  );
}

/** What a comment says, where that is a value. */
function said(comment: string): [unknown] | undefined {
  try {
    return [new Function(`return (${comment})`)()];
  } catch {
    return undefined;
  }
}

/** The code with `told` where an expression has a comment that is a value. */
function checked(code: string): string {
  const lines = code.split('\n').map((line) => {
    const [, expression, comment] = /^ *(?!const |let |for |if )(\S.*?);\s*\/\/ (.+)$/.exec(line) ?? [];
    return expression === undefined || said(comment!) === undefined ? line : `told.push([${expression}, ${comment!}]);`;
  });
  return ts.transpileModule(`{\n${lines.join('\n')}\n}`, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.None } }).outputText;
}

const EXAMPLES = readdirSync(folder).flatMap(examplesOf);

/** The number of the proposal is another feature's in v7.2. */
const opens = (file: string): OpenOptions => (file === 'alias-region.ts' ? { proposals: { aliasRegions: true } } : { uapi: 'v7.2' });

/** A display that can be reset alone and with its bus, copied and logged. */
function make(world: World): VfioDevice {
  const migration = new TestModel();
  migration.last = [new Uint8Array(10)];
  const memory = world.ram(4 * PAGE);
  return world.device({ 0: { region: memory }, 7: { region: world.ram(0x100) } }, {
    reset: true,
    interrupts: { intx: true, msi: 4 },
    migration,
    dmaLogging: { start: (_, pageSize) => pageSize, stop: () => undefined, report: () => undefined },
    display: { kind: 'dma-buf', plane: () => ({ format: 0x3432_5258, width: 32, height: 64, stride: 128, size: 2 * PAGE, region: memory, position: PAGE }) },
  });
}

test('there are examples, and some say what they give', () => {
  expect(EXAMPLES.length).toBeGreaterThan(20);
  expect(EXAMPLES.filter(({ code }) => checked(code).includes('told.push')).length).toBeGreaterThan(10);
});

test.each(EXAMPLES)('$file: $of', ({ file, code }) => {
  const world = new World();
  const own: Process[] = [];
  class Own extends Process {
    constructor(...args: ConstructorParameters<typeof Process>) {
      super(...args);
      own.push(this);
    }
  }
  const [device, second] = [make(world), make(world)];
  new HotResetSet([{ bus: 1, devfn: 0, group: 7, device }]);
  const process = world.open(device, opens(file));
  const client = new VfioClient(process, 3);
  // The first question makes the buffer.
  expect(outcome(() => client.display.plane('dma-buf'))).toBe('ENOMEM');
  const other = new VfioClient(world.open(second), 3);
  const told: [unknown, unknown][] = [];
  const names = { told, engine: world.engine, Process: Own, VfioClient, REGION_FLAGS, flagNames, PROT_READ, MAP_SHARED, device, process, client, other };
  try {
    new Function(...Object.keys(names), checked(code))(...Object.values(names));
  } finally {
    for (const one of own) one.exit();
    world.end();
  }
  for (const [value, want] of told) expect(value).toEqual(want);
});

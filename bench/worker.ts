// A process that measures one side of one comparison, when the harness says so.

import { comparisons } from './comparisons.ts';
import { sample } from './runner.ts';

/** What the harness asks: the answer to the common inputs, or a sample on the inputs of a round. */
export type Request = { readonly type: 'digest' } | { readonly type: 'sample'; readonly round: number };

const [name, sideName] = process.argv.slice(2);
const source = comparisons.find((comparison) => comparison.name === name)?.sides.find((side) => side.name === sideName);
if (source === undefined || process.send === undefined) throw new Error(`worker: no side ${sideName} of ${name}, or not started by the harness`);

const side = await source.load();
process.on('message', (request: Request) => {
  try {
    process.send!(request.type === 'digest' ? { digest: side.digest?.() ?? null } : sample(side, request.round));
  } catch (error) {
    process.send!({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
process.send({ ready: true });

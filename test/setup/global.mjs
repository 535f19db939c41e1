// Before the first test: the core is compiled, and for coverage a second build of it that marks its statements.
import { buildCore } from '../../scripts/build-core.mjs';

export default async function setup() {
  await buildCore();
  if (process.env.MAPLEBAR_COVERAGE !== '1') return;
  const { buildMarkedCore } = await import('../assembly/marked-core.mjs');
  await buildMarkedCore();
}

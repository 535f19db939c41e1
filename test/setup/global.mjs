// Before the first test: the core and the package are built where stale, and for coverage a second core that marks its statements.
import { build } from '../../scripts/build.mjs';

export default async function setup() {
  await build({ ifStale: true });
  if (process.env.MAPLEBAR_COVERAGE !== '1') return;
  const { buildMarkedCore } = await import('../assembly/marked-core.mjs');
  await buildMarkedCore();
}

// Before the first test: package, core and AssemblyScript cases are built; for coverage, core and cases from sources that mark their statements.
import { build } from '../../scripts/build.mjs';
import { buildCases } from '../assembly/build-cases.mjs';
import { buildMarkedCore } from '../assembly/marked-core.mjs';

export default async function setup() {
  const marked = process.env.MAPLEBAR_COVERAGE === '1';
  await build({ ifStale: true });
  if (marked) await buildMarkedCore();
  await buildCases(marked);
}

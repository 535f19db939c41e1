// Before the first test: package, core and AssemblyScript cases are built; for coverage, core and cases from sources that mark their statements.
import { build } from '../../scripts/build.mjs';
import { buildCases } from '../assembly/build-cases.mjs';
import { buildMarkedCore } from '../assembly/marked-core.mjs';

export default async function setup() {
  const marked = process.env.MAPLEBAR_COVERAGE === '1';
  // The marked cases are compiled beside the marked core, which is made anew.
  await Promise.all([build({ ifStale: true }), marked ? buildMarkedCore() : buildCases(false)]);
  if (marked) await buildCases(true);
}

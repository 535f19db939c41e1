// Before the first test: the core and the AssemblyScript cases are compiled; for coverage both from sources that mark their statements.
import { buildCore } from '../../scripts/build-core.mjs';
import { buildCases } from '../assembly/build-cases.mjs';
import { buildMarkedCore } from '../assembly/marked-core.mjs';

export default async function setup() {
  const marked = process.env.MAPLEBAR_COVERAGE === '1';
  await buildCore();
  if (marked) await buildMarkedCore();
  await buildCases(marked);
}

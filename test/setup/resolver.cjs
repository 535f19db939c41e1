// For runs that are not the usual: modules that come from somewhere else. Of coverage, a room's inlined binaries are those that mark their statements (test/assembly/marked-core.mjs).
/* global __dirname, process */
const { basename, resolve } = require('node:path');

const isMarked = process.env.MAPLEBAR_COVERAGE === '1';
const hasRuns = process.env.MAPLEBAR_RUNS !== undefined;

module.exports = (request, options) => {
  if (hasRuns && request === 'fast-check' && options.basedir !== __dirname) return resolve(__dirname, 'property-runs.cjs');
  if (isMarked && request.endsWith('wasm.generated.ts')) return resolve(__dirname, `../../build/coverage/${basename(options.basedir)}/${basename(request)}`);
  return options.defaultResolver(request, options);
};

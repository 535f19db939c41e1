// Modules that come from somewhere else. fast-check is that of properties.cjs; for coverage, a room's inlined binaries are those that mark their statements (test/assembly/marked-core.mjs).
/* global __dirname, process */
const { basename, resolve } = require('node:path');

const isMarked = process.env.MAPLEBAR_COVERAGE === '1';

module.exports = (request, options) => {
  if (request === 'fast-check' && options.basedir !== __dirname) return resolve(__dirname, 'properties.cjs');
  if (isMarked && request.endsWith('wasm.generated.ts')) return resolve(__dirname, `../../build/coverage/${basename(options.basedir)}/${basename(request)}`);
  return options.defaultResolver(request, options);
};

// For coverage: a room that asks for its inlined binaries gets those that mark their statements (test/assembly/marked-core.mjs).
/* global __dirname */
const { basename, resolve } = require('node:path');

module.exports = (request, options) => {
  if (!request.endsWith('wasm.generated.ts')) return options.defaultResolver(request, options);
  return resolve(__dirname, `../../build/coverage/${basename(options.basedir)}/${basename(request)}`);
};

// Runs a test file as jest does, with a quicker `expect` in what `@jest/globals` gives.
const runner = require('jest-circus/runner');
const { quickExpect } = require('./quick-expect.cjs');

const run = runner.default ?? runner;

module.exports = (globalConfig, config, environment, runtime, ...rest) => {
  const give = runtime.setGlobalsForRuntime.bind(runtime);
  runtime.setGlobalsForRuntime = (globals) => give({ ...globals, expect: quickExpect(globals.expect, environment.global.Error) });
  return run(globalConfig, config, environment, runtime, ...rest);
};

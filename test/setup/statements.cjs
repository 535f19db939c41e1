// After each test file: keeps which statements of the marked core ran in it.
/* global afterAll, process, __dirname */
const { writeFileSync } = require('node:fs');

let files = 0;
afterAll(() => {
  writeFileSync(`${__dirname}/../../build/coverage/hits/${process.pid}-${process.hrtime.bigint()}-${files++}.json`, JSON.stringify([...globalThis.__statements]));
});

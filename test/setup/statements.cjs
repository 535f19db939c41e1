// After each test file: keeps which statements of the marked core ran in it.
/* global afterAll, process, __dirname */
const { writeFileSync } = require('node:fs');

let files = 0;
afterAll(() => {
  const ran = globalThis.__statements;
  const numbers = [];
  for (let n = 0; n < ran.length; n++) if (ran[n] === 1) numbers.push(n);
  writeFileSync(`${__dirname}/../../build/coverage/hits/${process.pid}-${process.hrtime.bigint()}-${files++}.json`, JSON.stringify(numbers));
});

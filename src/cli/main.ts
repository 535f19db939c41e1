#!/usr/bin/env node
// The entry of the `maplebar` command.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EXIT, runProgram } from './program.ts';
import { loadModule } from './typescript-loading.ts';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string };

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that goes away early, as `head` does, is no fault of ours.
    if (error.code === 'EPIPE') return;
    process.stderr.write(`maplebar: cannot write: ${error.message}\n`);
    process.exit(EXIT.failed);
  });
}

process.exitCode = await runProgram(
  process.argv.slice(2),
  {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    interactive: process.stderr.isTTY,
    get columns() {
      return process.stderr.columns;
    },
  },
  version,
  { rows: fileURLToPath(new URL('../../../test/conformance/rows', import.meta.url)), load: loadModule },
);

// What takes the types off for fuzzers and guests, by several threads of one process at once.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';

const THREADS = 4;
const FILES = 40;

test('threads that meet the same new texts at the same time all get them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'maplebar-hooks-'));
  try {
    // Texts that nobody has met before: what came of them is not kept yet.
    for (let i = 0; i < FILES; i++) writeFileSync(join(folder, `${i}.ts`), `export const found: string = ${JSON.stringify(`${folder} ${i}`)};\n`);
    const program = `
      import { register } from 'node:module';
      import { Worker, isMainThread, workerData } from 'node:worker_threads';
      import { fileURLToPath } from 'node:url';
      if (isMainThread) {
        const arrived = new Int32Array(new SharedArrayBuffer(4 * ${FILES}));
        for (let i = 0; i < ${THREADS}; i++) new Worker(fileURLToPath(import.meta.url), { workerData: arrived });
      } else {
        register(${JSON.stringify(pathToFileURL(join(__dirname, 'typescript-hooks.mjs')).href)});
        for (let i = 0; i < ${FILES}; i++) {
          if (Atomics.add(workerData, i, 1) === ${THREADS - 1}) Atomics.notify(workerData, i);
          else for (let n; (n = Atomics.load(workerData, i)) < ${THREADS}; ) Atomics.wait(workerData, i, n, 100);
          const { found } = await import(${JSON.stringify(pathToFileURL(folder).href)} + '/' + i + '.ts');
          if (!found.endsWith(' ' + i)) throw new Error(found);
        }
      }
    `;
    const path = join(folder, 'threads.mjs');
    writeFileSync(path, program);
    const { status, stderr } = spawnSync(process.execPath, [path], { encoding: 'utf8' });
    expect([stderr, status]).toEqual(['', 0]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

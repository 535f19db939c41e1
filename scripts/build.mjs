// `npm run build`: the Wasm modules, then the library as ES modules and as CommonJS, into dist/. `--if-stale` skips a step whose output is newer than its input.
import { cpSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { buildCore, builds, modules } from './build-core.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));

function newest(folder) {
  return Math.max(...readdirSync(folder, { recursive: true }).map((name) => statSync(`${folder}/${name}`).mtimeMs));
}

function isFresh() {
  try {
    return statSync(`${root}dist/built`).mtimeMs >= Math.max(newest(`${root}src`), ...['package.json', 'tsconfig.json', 'tsconfig.build.json', 'tsconfig.cjs.json'].map((name) => statSync(root + name).mtimeMs));
  } catch {
    return false;
  }
}

async function tsc(project, ...options) {
  const [status] = await once(spawn(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}${project}`, ...options], { stdio: 'inherit' }), 'exit');
  if (status !== 0) throw new Error(`tsc -p ${project} failed`);
}

export async function build({ ifStale = false } = {}) {
  await buildCore();
  if (ifStale && isFresh()) return;
  if (ifStale) process.stderr.write('building ...\n');
  rmSync(`${root}dist`, { recursive: true, force: true });
  // The same sources twice: one check says all.
  await Promise.all([tsc('tsconfig.build.json'), tsc('tsconfig.cjs.json', '--noCheck')]);
  mkdirSync(`${root}dist/cjs`, { recursive: true });
  writeFileSync(`${root}dist/cjs/package.json`, '{ "type": "commonjs" }\n');
  for (const { name } of modules) for (const { suffix } of Object.values(builds)) cpSync(`${root}build/${name}${suffix}`, `${root}dist/${name}${suffix}`);
  writeFileSync(`${root}dist/built`, '');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build({ ifStale: process.argv.includes('--if-stale') });

// `npm run test:package`: packs the library, installs it in an empty folder, and reads a register from everywhere it is meant to work.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as buildLibrary } from '../../scripts/build.mjs';
import { findChromium, reportOf } from './browser.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'maplebar-package-'));
const WANTED = 'register cafe';
const run = (command, args, options = {}) => execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...options }).trim();

function chromium() {
  const path = findChromium();
  if (path === undefined) throw new Error('Chromium is not installed: run `sh scripts/install-system.sh` as root, or set CHROMIUM to its path');
  return path;
}

async function viteBundle() {
  const { build } = await import('vite');
  await build({ root: folder, logLevel: 'error', build: { outDir: 'bundle', target: 'es2022', minify: true } });
  return reportOf(chromium(), join(folder, 'bundle'), 'index.html');
}

const cases = {
  'Node, ES module, core inlined and from its file': () => run(process.execPath, ['register.esm.mjs']),
  'Node, CommonJS': () => run(process.execPath, ['register.cjs']),
  'TypeScript, no DOM, no Node, declarations checked': () => {
    run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder]);
    return WANTED;
  },
  'the maplebar command': () => (run(process.execPath, ['node_modules/.bin/maplebar', '--version']) === '0.1.0' ? WANTED : 'another version'),
  'the conformance table, from the installed package': () => (/^total +[1-9]\d* +[1-9]\d* +0$/m.test(run(process.execPath, ['node_modules/.bin/maplebar', 'conformance'])) ? WANTED : 'rows that fail'),
  'a bare page in Chromium': () => reportOf(chromium(), folder, 'page.html'),
  'a vite bundle in Chromium': viteBundle,
};

/** A lock file for the empty folder: what the package needs, in the versions that are tested, so that npm asks the registry for nothing that `npm ci` has fetched. */
function lockOf(tarballName) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const { name, version, dependencies, bin, engines, peerDependencies, peerDependenciesMeta } = packages[''];
  const locked = { '': { name: 'consumer', dependencies: { [name]: `file:${tarballName}` } }, [`node_modules/${name}`]: { version, resolved: `file:${tarballName}`, dependencies, bin, engines, peerDependencies, peerDependenciesMeta } };
  const add = (path, wanted) => {
    for (const one of Object.keys(wanted ?? {})) {
      // As Node looks for it: beside who wants it, then one folder further out.
      let from = path;
      while (from !== '' && packages[`${from}node_modules/${one}`] === undefined) from = from.slice(0, from.lastIndexOf('node_modules/', from.length - 2));
      const at = `${from}node_modules/${one}`;
      if (locked[at] !== undefined) continue;
      if (packages[at] === undefined) throw new Error(`package-lock.json has no ${one}, which ${path || 'the package'} depends on: run npm install`);
      locked[at] = { ...packages[at], dev: undefined, peer: undefined };
      add(`${at}/`, { ...packages[at].dependencies, ...packages[at].optionalDependencies });
    }
  };
  add('', dependencies);
  return { name: 'consumer', lockfileVersion: 3, requires: true, packages: locked };
}

await buildLibrary({ ifStale: true });
const tarball = run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root });
cpSync(join(root, 'test/package/consumer'), folder, { recursive: true });
writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, dependencies: { maplebar: `file:${tarball}` } }));
writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lockOf(tarball)));
const options = { module: 'nodenext', target: 'es2022', lib: ['es2022'], types: [], strict: true, skipLibCheck: false, noEmit: true };
writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['register.ts'] }));
run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--silent']);

let failed = 0;
for (const [name, one] of Object.entries(cases)) {
  let answer;
  try {
    answer = await one();
  } catch (error) {
    answer = `${error.message}\n${error.stdout ?? ''}${error.stderr ?? ''}`.trim();
  }
  if (answer !== WANTED) failed++;
  console.log(`${answer === WANTED ? 'ok    ' : 'FAILED'} ${name}${answer === WANTED ? '' : `: ${answer}`}`);
}
rmSync(folder, { recursive: true, force: true });
console.log(`${Object.keys(cases).length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

// `npm run demo`: bundles the page and serves it, with v86.wasm from its package and what guest/ has.
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildCore } from './build-core.mjs';
import { scriptOptions } from './script-options.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const built = join(root, 'build/demo');
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.wasm': 'application/wasm', '.json': 'application/json' };
/** No eval, nothing inline: WebAssembly is all that is compiled. v86 keeps time in a worker that it makes of a blob. */
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src 'self'; worker-src blob:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

const newest = (folder) => Math.max(...readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs));

/** Bundles the page, unless what is there is newer than all that it is made of. */
export async function buildDemo({ force = false } = {}) {
  await buildCore();
  const page = join(built, 'index.html');
  if (!force && existsSync(page) && statSync(page).mtimeMs >= Math.max(newest(join(root, 'src')), newest(join(root, 'demo')))) return;
  process.stderr.write('bundling the page ...\n');
  const { build } = await import('vite');
  await build({ configFile: join(root, 'demo/vite.config.mjs') });
}

/** The file that a path of the server stands for; undefined for none. */
function fileFor(path) {
  if (path === '/v86.wasm') return join(dirname(createRequire(import.meta.url).resolve('v86')), 'v86.wasm');
  const name = path === '/' ? 'index.html' : path.slice(1);
  if (!/^[\w-]+(\/[\w-]+)*(\.[\w-]+)*$/.test(name)) return undefined;
  const file = name.startsWith('guest/') ? join(root, name) : join(built, name);
  return existsSync(file) && statSync(file).isFile() ? file : undefined;
}

/**
 * Serves the page on this machine only.
 *
 * @param {number} port 0 for any that is free.
 * @returns {Promise<{ address: string, close: () => void }>}
 */
export async function serveDemo(port) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const file = fileFor(pathname);
    const headers = { 'Content-Security-Policy': POLICY, 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-cache' };
    if (file === undefined && pathname === '/guest/guest.json') {
      // There is no guest: that is no mistake of the page.
      response.writeHead(200, { ...headers, 'Content-Type': TYPES['.json'] }).end('{}');
      return;
    }
    if (file === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(file === undefined ? 404 : 405, headers).end();
      return;
    }
    response.writeHead(200, { ...headers, 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream', 'Content-Length': statSync(file).size });
    if (request.method === 'HEAD') response.end();
    else createReadStream(file).pipe(response);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return { address: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const usage = `usage: npm run demo -- [--port N] [--build]
  Bundles the demo page when it is stale, serves it on this machine, and prints its address.
  --port N  default 8686; 0 for any that is free
  --build   only bundles it, anew, into build/demo
exit codes: 0 bundled, or ended by Ctrl+C, 1 it failed, 2 arguments`;
  const asked = scriptOptions(usage, { port: [8686, 0, 65535] }, {}, ['build']);
  try {
    await buildDemo({ force: asked.build });
    if (!asked.build) {
      const { address } = await serveDemo(asked.port);
      console.log(asked.json ? JSON.stringify({ address }) : `${address}   (Ctrl+C ends it)`);
      if (!existsSync(join(root, 'guest/guest.json'))) console.error('There is no Linux guest: the page runs its built-in one. `npm run guest -- --state` makes it.');
    }
  } catch (error) {
    console.error(`npm run demo: ${error.message}`);
    process.exitCode = 1;
  }
}

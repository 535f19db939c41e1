// A page in headless Chromium, served from a folder, that reports by POST /report.
import { spawn } from 'node:child_process';
import { createReadStream, existsSync, mkdtempSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm', '.css': 'text/css' };
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];

/** Chromium's path, or undefined when there is none. */
export function findChromium() {
  return [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path));
}

/** Opens `page` of `folder`, served with `headers`, in Chromium and answers what it reports; throws when nothing comes within `seconds`. */
export async function reportOf(chromium, folder, page, { seconds = 60, headers = {} } = {}) {
  let reported;
  const report = new Promise((resolve) => (reported = resolve));
  const server = createServer((request, response) => {
    if (request.method === 'POST' && request.url === '/report') {
      let body = '';
      request.on('data', (chunk) => (body += chunk)).on('end', () => (response.end(), reported(body)));
      return;
    }
    const path = join(folder, normalize(new URL(request.url, 'http://localhost').pathname));
    if (!path.startsWith(folder) || !existsSync(path) || !statSync(path).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { ...headers, 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' });
    createReadStream(path).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const profile = mkdtempSync(join(tmpdir(), 'maplebar-chromium-'));
  const browser = spawn(chromium, [...FLAGS, `--user-data-dir=${profile}`, `http://127.0.0.1:${server.address().port}/${page}`], { stdio: 'ignore', detached: true });
  const timeout = new Promise((_, reject) => setTimeout(() => reject(new Error(`no report from ${page} within ${seconds} s`)), seconds * 1000).unref());
  try {
    return await Promise.race([report, timeout]);
  } finally {
    const ended = new Promise((resolve) => browser.once('exit', resolve));
    // The whole group: Chromium's other processes would go on writing to the profile.
    process.kill(-browser.pid, 'SIGKILL');
    await ended;
    server.closeAllConnections();
    server.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

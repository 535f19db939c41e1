// The soak in headless Chromium: a page that is cross-origin isolated, bundled, with its three workers; and what a page that is not isolated is told.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findChromium, reportOf } from '../../package/browser.mjs';

const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

async function bundle(folder) {
  const { build } = await import('vite');
  await build({
    root: fileURLToPath(new URL('page', import.meta.url)),
    configFile: false,
    logLevel: 'error',
    worker: { format: 'es' },
    build: { outDir: folder, emptyOutDir: true, target: 'es2022', minify: false, modulePreload: false },
  });
}

/** The soak's report, with `crossOriginIsolated`, `browser` and, as `refused`, the error on a page without the headers. */
export async function soakInBrowser(options) {
  const chromium = findChromium();
  if (chromium === undefined) throw new Error('Chromium is not installed: run `sh scripts/install-system.sh` as root, or set CHROMIUM to its path');
  const folder = mkdtempSync(join(tmpdir(), 'maplebar-soak-'));
  try {
    await bundle(folder);
    const page = `index.html?options=${encodeURIComponent(JSON.stringify(options))}`;
    const refused = JSON.parse(await reportOf(chromium, folder, page));
    const report = JSON.parse(await reportOf(chromium, folder, page, { seconds: 3600, headers: ISOLATED }));
    return { ...report, refused: refused.error };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

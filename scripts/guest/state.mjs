// Boots the guest once and saves the machine while its shell waits: v86 restores that in about a second.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire, register } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildCore } from '../build-core.mjs';
import { described, writeManifest } from './image.mjs';

const FILES = ['state.bin', 'state.bin.gz'];
// Behind its prompt the shell asks the terminal where the cursor is.
const PROMPT = new RegExp(`# (${String.fromCharCode(27)}\\[6n)?$`);

/** The version of v86 that is installed: another one's machines are not restored. */
const v86Version = () => JSON.parse(readFileSync(join(dirname(createRequire(import.meta.url).resolve('v86')), '../package.json'), 'utf8')).version;

/** Whether a guest has a saved machine that the installed v86 made. */
export const stateIn = (folder, manifest) => manifest.state?.v86 === v86Version() && FILES.every((name) => name in manifest.files);

/**
 * Boots a guest from its kernel, and saves it.
 *
 * @param {{ folder: string, manifest: object, tell: (line: string) => void }} parts
 * @returns {Promise<object>} The manifest with the state in it.
 */
export async function saveState({ folder, manifest, tell }) {
  await buildCore();
  register('../../test/fuzz/typescript-hooks.mjs', import.meta.url);
  const { Guest } = await import('../../test/guest/guest.ts');
  tell('booting the guest to save it; this takes 10 to 60 seconds on a machine that does nothing else');
  const guest = await Guest.start({ folder, limit: { seconds: 900 } });
  try {
    await guest.output('echo 3 > /proc/sys/vm/drop_caches');
    // A new shell for whoever comes: it echoes and prompts.
    const from = guest.line.heard.length;
    guest.line.send('stty sane; exit\n');
    await guest.line.waitFor(PROMPT, {}, from);
    await guest.emulator.stop();
    const state = new Uint8Array(await guest.emulator.save_state());
    writeFileSync(join(folder, 'state.bin'), state);
    tell(`packing ${state.length} bytes`);
    writeFileSync(join(folder, 'state.bin.gz'), gzipSync(state, { level: 6 }));
    const files = Object.fromEntries(FILES.map((name) => [name, described(join(folder, name))]));
    const next = { ...manifest, state: { v86: v86Version() }, files: { ...manifest.files, ...files } };
    writeManifest(folder, next);
    return next;
  } finally {
    await guest.stop();
  }
}

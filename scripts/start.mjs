// `npm start`: builds what is stale, replays the bundled trace, and says what to try next. Arguments replace the replay: `npm start -- inspect --help`.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
await build({ ifStale: true });

const traces = 'test/fixtures/traces';
const replay = ['replay', `${traces}/nvme.trace.gz`, '--iomem', `${traces}/nvme.iomem`, '--lspci', `${traces}/nvme.lspci-xxxx`, '--lspci', `${traces}/nvme.lspci-vv`];
const given = process.argv.slice(2);
const { status } = spawnSync(process.execPath, [`${root}dist/esm/cli/main.js`, ...(given.length > 0 ? given : replay)], { cwd: root, stdio: 'inherit' });
process.exitCode = status ?? 1;

if (given.length === 0 && status === 0) {
  console.log(`
What you saw: an unmodified Debian kernel booted and used an NVMe disk; its recorded accesses went through simulated regions.

Next:
  npm start -- inspect --lspci ${traces}/nvme.lspci-xxxx --lspci ${traces}/nvme.lspci-vv --slot 00:01.0
  npm start -- ${replay.join(' ')} --via vfio --offsets scattered
  npm start -- --help
  README.md: a device with one BAR, opened as a VFIO file, in twenty lines`);
}

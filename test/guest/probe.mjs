// Runs functions of scripts/guest/ and scripts/qemu/ for tests, which are no ES modules: calls come as JSON on standard input, answers leave as JSON. Bytes are `{ "hex": "..." }` both ways.
import { readFileSync } from 'node:fs';
import { debianSources, mirrorOf, mirrorSources, newestKernel } from '../../scripts/guest/apt.mjs';
import { cpio } from '../../scripts/guest/cpio.mjs';
import { initramfs } from '../../scripts/guest/initramfs.mjs';
import { guestIn, writeManifest } from '../../scripts/guest/image.mjs';
import { modprobeFiles, moduleInfo, modulesFor } from '../../scripts/guest/kernel-modules.mjs';
import { RECIPE } from '../../scripts/guest/recipe.mjs';
import { qemuIn } from '../../scripts/qemu/image.mjs';
import { isNewEnough, qemuCommand } from '../../scripts/qemu/install.mjs';
import { RECIPE as QEMU_RECIPE } from '../../scripts/qemu/recipe.mjs';
import { whyNoQemu } from '../../scripts/qemu/tools.mjs';

const functions = {
  cpio, debianSources, guestIn, initramfs, isNewEnough, mirrorOf, mirrorSources, modprobeFiles, moduleInfo, modulesFor, newestKernel, qemuCommand, qemuIn, writeManifest,
  recipe: () => RECIPE,
  qemuRecipe: () => QEMU_RECIPE,
  // A compiler is there or it is not, whatever this machine has.
  whyNoQemu: ({ hasCompiler, ...parts }) => whyNoQemu({ ...parts, isMissing: () => !hasCompiler }),
};
const isBytes = (value) => value !== null && typeof value === 'object' && Object.keys(value).join() === 'hex';
const calls = JSON.parse(readFileSync(0, 'utf8'), (_, value) => (isBytes(value) ? Buffer.from(value.hex, 'hex') : value));
const answers = calls.map(([name, ...args]) => {
  try {
    return { value: functions[name](...args) };
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  }
});
// A Buffer's own toJSON comes before a replacer.
delete Buffer.prototype.toJSON;
process.stdout.write(JSON.stringify(answers, (_, value) => (value instanceof Uint8Array ? { hex: Buffer.from(value).toString('hex') } : value)));

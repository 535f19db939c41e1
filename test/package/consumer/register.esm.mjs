// In Node as an ES module: the inlined core, then the core from its file.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readRegister } from './register.mjs';

const fromFile = readRegister({ wasm: readFileSync(fileURLToPath(import.meta.resolve('maplebar/core.wasm'))) });
if (fromFile !== readRegister()) throw new Error(`the core from its file answers ${fromFile}`);
console.log(fromFile);

// In Node as an ES module: the inlined core, then the core from its file.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RangeArena, RangeMap } from 'maplebar/range-map';
import { RangeMap as SharedMap, SharedRangeArena, SharedRangeReader } from 'maplebar/range-map/shared';
import { compileBank, registerMap, rw } from 'maplebar/registers';
import { readRegister } from './register.mjs';

const file = (name) => readFileSync(fileURLToPath(import.meta.resolve(`maplebar/${name}`)));
const fromFile = readRegister({ wasm: file('core.wasm') });
if (fromFile !== readRegister()) throw new Error(`the core from its file answers ${fromFile}`);
if (readRegister({ wasm: file('core.simd.wasm') }) !== fromFile) throw new Error('the core with vectors answers something else');
for (const name of ['range-map.wasm', 'range-map.simd.wasm']) {
  const map = new RangeMap([[1, 2, 3]], { arena: new RangeArena({ module: new WebAssembly.Module(file(name)) }) });
  if (map.get(2) !== 3) throw new Error(`${name} answers ${map.get(2)}`);
}
for (const name of [undefined, 'range-map.shared.wasm', 'range-map.shared.simd.wasm']) {
  const arena = new SharedRangeArena(name && { module: new WebAssembly.Module(file(name)) });
  const map = new SharedMap([[1, 2, 3]], { arena });
  const seen = new SharedRangeReader(arena.openReader()).map(arena.share(map)).get(2);
  if (seen !== 3) throw new Error(`a reader of ${name ?? 'the inlined shared build'} sees ${seen}`);
}
if (compileBank(registerMap('one', { bytes: 4 }, { A: { at: 0, fields: { a: rw(0) } } })).length !== 256) throw new Error('a bank of one register is not a header and a row');
console.log(fromFile);

// Writes layout.json, the one table of numbers that both sides of the Wasm border need, into both sides.
// `node scripts/generate.mjs --check` only says whether the files on disk are what it would write.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const table = JSON.parse(readFileSync(new URL('layout.json', root), 'utf8'));

const head = (says) => `// ${says}\n// Generated from layout.json by scripts/generate.mjs; edit the table, not this file.\n`;
const entries = (line, wanted = Object.keys(table.groups)) =>
  Object.entries(table.groups)
    .filter(([group]) => wanted.includes(group))
    .map(([group, { comment, values }]) => `\n// ${comment}\n` + Object.entries(values).map((entry) => line(group, ...entry)).join('\n') + '\n')
    .join('');

// In the core an errno is signed, because it is returned negative; everything else is not.
const coreType = (group) => (group === 'errno' ? 'i32' : 'u32');
const constant = (_group, name, value) => `/** @internal */\nexport const ${name} = ${value};`;
export const files = {
  'assembly/layout.generated.ts': head('Numbers shared with src/core, as the core sees them.') + entries((group, name, value) => `export const ${name}: ${coreType(group)} = ${value};`),
  'src/core/layout.generated.ts': head('Numbers shared with assembly/, as the façade sees them.') + entries(constant),
  'src/range-map/layout.generated.ts': head('Numbers shared with assembly/, as the range map sees them.') + entries(constant, ['errno', 'walk', 'treeBatch', 'cell', 'count']),
};

const stale = Object.entries(files).filter(([path, text]) => {
  try {
    return readFileSync(new URL(path, root), 'utf8') !== text;
  } catch {
    return true;
  }
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--check')) {
    for (const [path] of stale) console.error(`${path} is not what layout.json says: run node scripts/generate.mjs`);
    process.exitCode = stale.length === 0 ? 0 : 1;
  } else {
    for (const [path, text] of stale) writeFileSync(new URL(path, root), text);
  }
}

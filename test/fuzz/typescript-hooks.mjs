// Module hooks that let Node import the TypeScript of this project as it stands: types are taken off, nothing is checked. What came of a text is kept in build/typescript/, under its checksum.
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** Another one makes other files of the same texts. */
const FORM = 2;
const OPTIONS = { target: 'ES2022', module: 'ESNext', verbatimModuleSyntax: true };
const { version } = createRequire(import.meta.url)('typescript/package.json');
const folder = fileURLToPath(new URL('../../build/typescript/', import.meta.url));
mkdirSync(folder, { recursive: true });

async function withoutTypes(text) {
  const path = `${folder}${createHash('sha256').update(`${FORM} ${version} ${JSON.stringify(OPTIONS)} ${text}`).digest('hex')}.mjs`;
  const kept = await readFile(path, 'utf8').catch(() => undefined);
  if (kept !== undefined) return kept;
  const { default: ts } = await import('typescript');
  const { outputText } = ts.transpileModule(text, { compilerOptions: { ...OPTIONS, target: ts.ScriptTarget[OPTIONS.target], module: ts.ModuleKind[OPTIONS.module] } });
  // Under jest the same files are CommonJS, which has the name.
  const source = outputText.includes('__dirname') ? `const __dirname = import.meta.dirname;\n${outputText}` : outputText;
  // Another process, or another thread of this one, may read it while it is written, and may write it, too.
  const fresh = `${path}.${randomUUID()}`;
  writeFileSync(fresh, source);
  renameSync(fresh, path);
  return source;
}

export async function load(url, context, nextLoad) {
  if (!url.endsWith('.ts')) return nextLoad(url, context);
  return { format: 'module', source: await withoutTypes(await readFile(fileURLToPath(url), 'utf8')), shortCircuit: true };
}

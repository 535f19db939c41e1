// Module hooks that let Node import the TypeScript of this project as it stands: types are taken off, nothing is checked.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export async function load(url, context, nextLoad) {
  if (!url.endsWith('.ts')) return nextLoad(url, context);
  const text = await readFile(fileURLToPath(url), 'utf8');
  const { outputText } = ts.transpileModule(text, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true } });
  // Under jest the same files are CommonJS, which has the name.
  const source = outputText.includes('__dirname') ? `const __dirname = import.meta.dirname;\n${outputText}` : outputText;
  return { format: 'module', source, shortCircuit: true };
}

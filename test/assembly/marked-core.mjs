// A second build of the Wasm modules that says which of its statements ran: a copy of assembly/ with `mark(n);` in front of every statement.
//
// AssemblyScript parses as TypeScript, so the copy is made with the TypeScript parser. The first time a statement runs in an instance the import
// `hit` of module `coverage` hears of it; test/setup/realm.mjs supplies that.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { compileModules, inline, modules } from '../../scripts/build-core.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const out = `${root}build/coverage/`;

const COVERAGE = `// What ran: the host hears of each statement once.
export declare function hit(n: u32): void;

const known = <u32>memory.data(8192);

export function mark(n: u32): void {
  if (load<u8>(known + n) != 0) return;
  store<u8>(known + n, 1);
  hit(n);
}
`;

const isFunction = (node) => ts.isFunctionDeclaration(node) || ts.isArrowFunction(node) || ts.isFunctionExpression(node) || ts.isMethodDeclaration(node);

/** Single statements that stand where a block could: they get braces. */
function needsBraces(node) {
  const { parent } = node;
  if (ts.isBlock(node)) return false;
  if (ts.isIfStatement(parent)) return node === parent.thenStatement || (node === parent.elseStatement && !ts.isIfStatement(node));
  return (ts.isForStatement(parent) || ts.isWhileStatement(parent) || ts.isDoStatement(parent)) && node === parent.statement;
}

/** The text with its marks; `table` gets file:line for each number given out. */
export function mark(file, text, table) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const insertions = [];
  const insert = (at, what, order) => insertions.push({ at, what, order });
  const visit = (node, inside) => {
    const listed = inside && (ts.isBlock(node.parent ?? source) || ts.isCaseOrDefaultClause(node.parent ?? source)) && ts.isStatement(node);
    const braces = inside && node.parent !== undefined && needsBraces(node);
    if ((listed || braces) && !ts.isBlock(node)) {
      const start = node.getStart(source);
      const n = table.length;
      table.push([file, source.getLineAndCharacterOfPosition(start).line + 1]);
      insert(start, `${braces ? '{ ' : ''}mark(${n}); `, insertions.length);
      if (braces) insert(node.getEnd(), ' }', -insertions.length);
    }
    ts.forEachChild(node, (child) => visit(child, inside || isFunction(node)));
  };
  visit(source, false);
  insertions.sort((a, b) => b.at - a.at || b.order - a.order);
  let marked = text;
  for (const { at, what } of insertions) marked = marked.slice(0, at) + what + marked.slice(at);
  return marked;
}

/** Writes a marked copy of assembly/ to build/coverage/assembly/; answers the table of its statements. */
function copyMarked() {
  const table = [];
  for (const found of readdirSync(`${root}assembly`, { recursive: true, withFileTypes: true })) {
    if (!found.isFile() || !found.name.endsWith('.ts')) continue;
    const path = `${found.parentPath ?? found.path}/${found.name}`;
    const file = relative(root, path);
    // A module that is compiled without marks, and what lies beside it, has none to count: its tests are those of what calls it.
    if (modules.some(({ entry, isUnmarked }) => isUnmarked && dirname(file) === `assembly/${dirname(entry)}`)) continue;
    const text = readFileSync(path, 'utf8');
    const copy = `${out}${file}`;
    const up = relative(dirname(copy), `${out}assembly/coverage.ts`);
    const before = table.length;
    const marked = mark(file, text, table);
    mkdirSync(dirname(copy), { recursive: true });
    writeFileSync(copy, table.length > before ? `import { mark } from '${up.startsWith('.') ? up : `./${up}`}';\n${marked}` : text);
  }
  writeFileSync(`${out}assembly/coverage.ts`, COVERAGE);
  return table;
}

export async function buildMarkedCore() {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(`${out}hits`, { recursive: true });
  const table = copyMarked();
  writeFileSync(`${out}statements.json`, JSON.stringify(table));
  const marked = modules.map(({ name, entry, options, isUnmarked = false }) => ({
    name,
    entry: `${isUnmarked ? '' : 'build/coverage/'}assembly/${entry}`,
    args: ['--config', 'none', '--runtime', 'stub', '-O2', ...options],
  }));
  const binaries = await compileModules('build/coverage/', marked);
  modules.forEach(({ inlined }, i) => {
    mkdirSync(dirname(`${out}${inlined}`), { recursive: true });
    writeFileSync(`${out}${inlined}`, inline(binaries[i]));
  });
}

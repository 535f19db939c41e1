// Lint rules, and the arrows between the rooms of src/: a room may import the faces (index.ts) of rooms to its right.
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

// From docs/architecture.md. A room missing from a list here may not be imported there.
const arrows = {
  cli: ['conformance', 'hosts', 'trace', 'devices', 'pci', 'registers', 'vfio-client', 'vfio', 'core', 'uapi'],
  conformance: ['vfio', 'core', 'uapi'],
  hosts: ['pci', 'registers', 'vfio', 'core', 'uapi'],
  trace: ['pci', 'registers', 'vfio', 'core', 'uapi'],
  devices: ['pci', 'registers', 'vfio', 'core', 'uapi'],
  pci: ['registers', 'vfio', 'core', 'uapi'],
  registers: ['core', 'webassembly', 'uapi'],
  vfio: ['core', 'uapi'],
  'vfio-client': ['uapi'],
  'range-map': ['webassembly', 'uapi'],
  core: ['webassembly', 'uapi'],
  litmus: [],
  webassembly: [],
  uapi: [],
};
const rooms = Object.keys(arrows);

// What a server and its client need of Node: sockets, files. Nothing that runs in a browser imports it.
const ofNode = ['src/hosts/vfio-user/'];

// A room may have folders of its own, one deep: what leads out of the room is one or two steps up; of a host in hosts/, three.
function rulesAt(room, up, files) {
  const steps = up.replaceAll('.', '\\.');
  const forbidden = rooms.filter((other) => other !== room && !arrows[room].includes(other));
  const patterns = [
    { regex: `^${steps}(?!hosts/[a-z0-9-]+/index\\.ts$)(${rooms.join('|')})/(?!index\\.ts$)`, message: `import another room by its face, its index.ts` },
    { regex: `^${steps}index\\.ts$`, message: 'src/index.ts is the public face; rooms import rooms' },
    { regex: `^${steps}\\.\\./`, message: 'a room of src/ imports nothing outside src/' },
  ];
  if (forbidden.length > 0) {
    patterns.push({ regex: `^${steps}(${forbidden.join('|')})/`, message: `no arrow leads from ${room} to there (docs/architecture.md)` });
  }
  const noNode = { regex: '^node:', message: 'only cli/ and hosts/vfio-user/ may need Node: the library also runs in browsers' };
  const needsNode = room === 'cli' || files.some((glob) => ofNode.some((folder) => glob.startsWith(folder)));
  return { files, rules: { 'no-restricted-imports': ['error', { patterns: needsNode ? patterns : [...patterns, noNode] }] } };
}

const roomRules = [
  ...rooms.flatMap((room) => [rulesAt(room, '../', [`src/${room}/*.ts`]), rulesAt(room, '../../', [`src/${room}/*/*.ts`])]),
  ...ofNode.flatMap((folder) => [rulesAt('hosts', '../../', [`${folder}*.ts`]), rulesAt('hosts', '../../../', [`${folder}*/*.ts`])]),
];

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', 'build/', 'coverage/', 'docs/api/', '**/*.generated.ts', 'test/fixtures/'] },
  js.configs.recommended,
  { files: ['**/*.mjs'], languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly', Buffer: 'readonly', WebAssembly: 'readonly', performance: 'readonly', setTimeout: 'readonly', clearTimeout: 'readonly', globalThis: 'readonly' } } },
  // What stands in for a user: scripts of Node and of pages.
  { files: ['test/package/consumer/**'], languageOptions: { globals: { console: 'readonly', document: 'readonly', fetch: 'readonly', require: 'readonly' } } },
  {
    files: ['test/range-map/soak/page/**'],
    languageOptions: { globals: { Worker: 'readonly', location: 'readonly', navigator: 'readonly', fetch: 'readonly', crossOriginIsolated: 'readonly', postMessage: 'readonly', onmessage: 'writable' } },
  },
  {
    files: ['src/**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true, allowAny: false }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-console': 'error',
    },
  },
  // The page: its rooms are the package's faces, which it names as a user does.
  {
    files: ['demo/**/*.ts'],
    extends: [...tseslint.configs.recommended],
    rules: { 'no-restricted-imports': ['error', { patterns: [{ regex: '/src/', message: 'the demo imports the package, as a user does: maplebar, maplebar/v86' }] }] },
  },
  { files: ['test/**/*.ts', 'bench/**/*.ts'], ignores: ['test/assembly/**', 'bench/tree/assembly/**'], extends: [...tseslint.configs.recommended] },
  {
    // Untyped rules only: a typed rule would call the real conversion <u64>x a needless assertion.
    files: ['assembly/**/*.ts', 'test/assembly/**/*.ts', 'bench/tree/assembly/**/*.ts'],
    extends: [...tseslint.configs.recommended],
    languageOptions: { parserOptions: { allowInvalidAST: true } },
    rules: { 'no-loss-of-precision': 'off', 'prefer-const': 'error' },
  },
  { files: ['src/cli/**/*.ts'], rules: { 'no-console': 'off' } },
  ...roomRules,
);

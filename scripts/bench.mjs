// `npm run bench`: builds the release core and the benchmark, then measures. See bench/README.md.
import { launch } from './bench-launch.mjs';

const usage = `usage: npm run bench -- [--quick] [--filter NAME] [--json]

Measures the core against plain JavaScript and against sorted-btree. bench/README.md says how, and how to read the table.

  --quick        one process and few rounds per side: a look, not a result; cases that take a minute each (dma-map-*) only where --filter asks for them
  --filter NAME  only cases with NAME in their name
  --json         one JSON document on standard output and nothing else
  --help         this text

Exit code 0 unless a case could not run; a lost comparison is a result.
`;

await launch({ name: 'bench', usage, flags: ['quick', 'json'], texts: ['filter'], main: 'bench/main.js' });

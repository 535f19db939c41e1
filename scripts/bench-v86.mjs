// `npm run bench:v86`: builds the core and the benchmark, then measures a guest's accesses to cards in v86. See bench/README.md.
import { launch } from './bench-launch.mjs';

const usage = `usage: npm run bench:v86 -- [--quick] [--loop NAME] [--json]

Measures loads and stores of a guest's compiled loops in v86: to an empty handler in JavaScript, to cards through JavaScript and linked, to guest RAM and to a trap-free BAR.

  --quick      one process for each side and 9 rounds: a look, not a result
  --loop NAME  this kind of access only, such as 'read 32'
  --json       one JSON document on standard output and nothing else
  --help       this text

Exit code 0 unless a side could not run; a missed target is a result.
`;

await launch({ name: 'bench:v86', usage, flags: ['quick', 'json'], texts: ['loop'], main: 'bench/v86/main.js' });

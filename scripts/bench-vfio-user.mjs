// `npm run bench:vfio-user`: builds the core and the benchmark, then measures a served device against a small server in C. See bench/README.md.
import { launch } from './bench-launch.mjs';

const usage = `usage: npm run bench:vfio-user -- [--quick] [--messages N] [--json]

Measures reads and posted writes of a client in C: of a device that is served here, and of a server in C that does the least. Both are compiled with gcc; without it there is a message and nothing else.

  --quick       one process for each side, 9 rounds, and no long run: a look, not a result
  --messages N  messages of the long run, after which memory and fds must be what they were; default 10000000, 0 for none
  --json        one JSON document on standard output and nothing else
  --help        this text

Exit code 0 unless a side could not run, or the server grew; 2 for arguments that are none. A missed target is a result.
`;

await launch({ name: 'bench:vfio-user', usage, flags: ['quick', 'json'], texts: ['messages'], main: 'bench/vfio-user/main.js' });

// The machine itself: the kernel that was fetched, its command line, v86's own functions on the bus.
import { expectThat } from '../stage.ts';
import type { Check } from '../stage.ts';

/** v86's host bridge, ISA bridge, power management, VGA, IDE. */
const OWN = ['8086:1237', '8086:7000', '8086:7113', '1234:1111', '8086:7010'];

export const machineChecks: readonly Check[] = [
  {
    name: 'the kernel of the package runs',
    run: async ({ guest }) => {
      const release = await guest.output('uname -r');
      expectThat(release === guest.manifest.kernel, `uname -r says ${release}; expected ${guest.manifest.kernel}`);
      const { status, output } = await guest.run('false');
      expectThat(status === 1 && output === '', `false ended with ${status} and ${JSON.stringify(output)}`);
      return `Linux ${release}`;
    },
  },
  {
    name: 'registers that a driver has claimed may be looked at',
    run: async ({ guest }) => {
      const line = await guest.output('cat /proc/cmdline');
      expectThat(/\biomem=relaxed\b/.test(line), `the command line is ${line}`);
      return 'iomem=relaxed';
    },
  },
  {
    name: "v86's own functions are on the bus, and the kernel has not ejected them",
    run: async (stage) => {
      const ids = (await stage.bus()).map(({ id }) => id);
      const missing = OWN.filter((id) => !ids.includes(id));
      expectThat(missing.length === 0, `missing: ${missing.join(', ')} among ${ids.join(', ')}`);
      return `${ids.length} functions`;
    },
  },
];

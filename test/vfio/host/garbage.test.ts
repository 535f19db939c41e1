// Any bytes for any request of any file of a host: an answer that a kernel could give, and nothing is left.

import { expect, test } from '@jest/globals';
import { Process, VfioHost } from '../../../src/vfio/index.ts';
import { Random } from '../../fuzz/random.ts';
import { PAGE, World } from '../support.ts';

const EIO = -5;
const CALLS = 20_000;

test.each([1, 2, 3])('garbage from seed %i', (seed) => {
  const random = new Random(seed);
  const below = (n: number): number => random.below(n);
  const one = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const world = new World();
  const device = (): ReturnType<World['device']> => world.device({ 0: { region: world.ram(PAGE) } });
  const host = new VfioHost(world.engine, { unsafeNoIommu: true });
  const plugged = [
    host.plug({ slot: '0000:01:00.0', device: device() }),
    host.plug({ slot: 'e3b0c442-98fc-1c14-9afb-f4c8996fb924', emulated: {}, device: device() }),
    host.plug({ slot: '0000:02:00.0', iommu: 'none', device: device() }),
  ];
  const process = new Process(world.engine, { host });
  const memory = process.allocate(0x1_0000);
  const paths = ['/dev/vfio/vfio', '/dev/iommu', '/dev/vfio/0', '/dev/vfio/1', '/dev/vfio/noiommu-2', '/dev/vfio/devices/vfio0', '/dev/vfio/devices/vfio1'];
  const longs = [0n, 1n, 4096n, 8192n, BigInt(memory), BigInt(memory) + 4096n, 0xfee0_0000n, 0xffff_ffff_ffff_ffffn];
  const argument = (): Uint8Array => {
    const bytes = new Uint8Array(below(80)).map(() => one([0, 0, 0, 1, 2, 3, 8, 0x10, 0xff, below(256)]));
    const view = new DataView(bytes.buffer);
    for (let at = 4; at + 4 <= bytes.length; at += 4) if (below(6) === 0) view.setUint32(at, below(8), true);
    for (let at = 8; at + 8 <= bytes.length; at += 8) if (below(3) === 0) view.setBigUint64(at, one(longs), true);
    if (bytes.length >= 4 && below(4) > 0) view.setUint32(0, one([bytes.length, 8, 12, 16, 24, 32, 40, 48]), true);
    return bytes;
  };
  const answers = new Map<number, number>();
  for (let i = 0; i < CALLS; i++) {
    const { fds } = process;
    const kind = below(100);
    const result =
      kind < 4 || fds.length === 0
        ? process.raw.open(one(paths))
        : kind < 7 || fds.length > 40
          ? process.raw.close(one(fds))
          : process.raw.ioctl(one(fds), below(3) === 0 ? 0x3b80 + below(20) : 0x3b64 + below(25), one([argument, argument, argument, () => below(12), () => memory + below(0x1_0000)])());
    const answer = Math.min(result, 0);
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
  }
  // What is no errno comes out as EIO.
  expect(answers.get(EIO)).toBeUndefined();
  expect(answers.get(0)).toBeGreaterThan(CALLS / 50);
  expect(answers.size).toBeGreaterThan(6);
  process.exit();
  for (const each of plugged) expect(host.unplug(each)).toBe(true);
  world.end();
});

// A process's write-combining mapping: stores wait in line buffers, its fence and munmap lose nothing. Rules W of docs/how-an-access-travels.md.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { VFIO_DEVICE_SET_MMAP_ATTRS, VFIO_MMAP_ATTR_WRITE_COMBINE, vfio_mmap_attrs } from '../../src/uapi/index.ts';
import { MAP_SHARED, PROT_READ, PROT_WRITE, type Process, type VfioDevice } from '../../src/vfio/index.ts';
import { PAGE, World, filled, hexOf, message, offsetOf, slot } from './support.ts';

const LINE = 64;

let world: World;
let process: Process;
let device: VfioDevice;
let log: string[];
let before: (position: number) => void;
beforeEach(() => {
  world = new World();
  log = [];
  before = () => undefined;
  device = world.device({ 0: { region: world.hook(new Uint8Array(4 * PAGE), log, (position) => before(position)) } });
  process = world.open(device, { proposals: { mmapAttributes: true } });
});
afterEach(() => world.end());

function combining(pages: number): number {
  offsetOf(process, 0);
  process.ioctl(3, VFIO_DEVICE_SET_MMAP_ATTRS, vfio_mmap_attrs.encode({ offset: slot(0), attrs: VFIO_MMAP_ATTR_WRITE_COMBINE }));
  return process.mmap(pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 3, slot(0));
}

describe('a write-combining mapping of a BAR', () => {
  test('W-fence what the process stores waits until its fence; pread sees what has arrived', () => {
    const at = combining(1);
    process.memory.write32(at, 0x11223344);
    const bytes = filled(4);
    process.pread(3, bytes, slot(0));
    expect([hexOf(bytes), log.splice(0)]).toEqual(['00000000', ['read 4 at 0x0']]);
    process.memory.fence();
    process.pread(3, bytes, slot(0));
    expect([hexOf(bytes), log]).toEqual(['44332211', ['write 4 at 0x0: 0x11223344', 'read 4 at 0x0']]);
  });

  test('W-unmap munmap of a part brings everything to the device, and the rest goes on combining', () => {
    const at = combining(3);
    for (let page = 0; page < 3; page++) process.memory.write8(at + page * PAGE, page + 1);
    process.munmap(at + PAGE, PAGE);
    expect(log).toEqual(['write 1 at 0x0: 0x1', 'write 1 at 0x1000: 0x2', 'write 1 at 0x2000: 0x3']);
    process.memory.write8(at + 2 * PAGE, 9);
    expect([log.length, process.maps().map(({ memoryType }) => memoryType)]).toEqual([3, ['write-combining', 'write-combining']]);
    process.memory.fence();
    expect(log[3]).toBe('write 1 at 0x2000: 0x9');
  });

  test('W-fault what the device throws comes before anything is unmapped; the next munmap gets further', () => {
    const at = combining(2);
    process.memory.write8(at, 1);
    process.memory.write8(at + LINE, 2);
    before = (position) => {
      if (position === 0) throw new Error('not now');
    };
    expect(message(() => process.munmap(at, PAGE))).toBe('not now');
    expect([process.maps().length, log]).toEqual([1, []]);
    process.munmap(at, PAGE);
    expect([process.maps().map(({ address }) => address), log]).toEqual([[at + PAGE], ['write 1 at 0x40: 0x2']]);
  });

  test.each<[string, (at: number) => void]>([
    ['munmap', (at) => process.munmap(at, 2 * PAGE)],
    ['munmap of a part', (at) => process.munmap(at, PAGE)],
    ['zap', () => device.zap()],
  ])('W-unmap %s, and what it brings to the device leads to an munmap of the same pages', (_, call) => {
    const at = combining(2);
    process.memory.write8(at, 1);
    let times = 0;
    before = () => {
      if (times++ === 0) process.munmap(at, 2 * PAGE);
    };
    call(at);
    expect([log, process.maps(), process.memory.windowAt(at)]).toEqual([['write 1 at 0x0: 0x1'], [], undefined]);
    expect(process.allocate(2 * PAGE)).toBe(at);
    process.memory.write8(at, 7);
    expect([process.memory.read8(at), log.length]).toEqual([7, 1]);
  });

  test('W-unmap munmap from inside the device: what waits arrives when the access has ended', () => {
    const at = combining(1);
    let done = false;
    before = () => {
      if (!done) process.munmap(at, PAGE);
      done = true;
    };
    process.memory.write8(at, 1);
    process.memory.write8(at + LINE, 2);
    process.memory.fence();
    expect([process.maps(), log]).toEqual([[], ['write 1 at 0x0: 0x1', 'write 1 at 0x40: 0x2']]);
  });
});

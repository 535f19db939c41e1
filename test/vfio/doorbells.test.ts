// Doorbells of a device's description: which places can be one, and what each of them writes.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import { pciDevice } from '../../src/pci/index.ts';
import { type DoorbellDescription, VfioDevice } from '../../src/vfio/index.ts';

function device(doorbells: readonly DoorbellDescription[]): VfioDevice {
  const engine = createEngine();
  const ram = (size: number) => engine.region({ kind: 'ram', size, name: 'bytes' });
  return new VfioDevice({ name: '0000:00:01.0', regions: { 0: { region: ram(0x1000) }, 2: { region: ram(0x100), ioPorts: true }, 3: { region: ram(0x100), writable: false }, 7: { region: ram(0x100) } }, msix: { bar: 0, offset: 0x800, count: 16 }, doorbells });
}

test.each<[DoorbellDescription, number[]]>([
  [{ region: 0, offset: 4, datamatch: 0x0102_0304 }, [4, 3, 2, 1]],
  [{ region: 0, offset: 0xffcn }, [0, 0, 0, 0]],
  [{ region: 0, offset: 7, size: 1, datamatch: 0xff }, [0xff]],
  [{ region: 2, offset: 0xfe, size: 2, datamatch: 0x1234n }, [0x34, 0x12]],
  [{ region: 0, offset: 0x7f8, size: 8, datamatch: 0xffff_ffff_ffff_fffen }, [0xfe, 255, 255, 255, 255, 255, 255, 255]],
  [{ region: 0, offset: 0x900, size: 0 }, [0, 0, 0, 0]],
])('%j writes %j', (doorbell, bytes) => {
  const { doorbells } = device([doorbell]);
  expect(doorbells.map((one) => [one.region.index, one.offset, [...one.bytes]])).toEqual([[doorbell.region, BigInt(doorbell.offset), bytes]]);
});

describe('is a RangeError that says which one and why', () => {
  test.each<[DoorbellDescription, string]>([
    [{ region: 1, offset: 0 }, 'region 1 is no BAR of the device'],
    [{ region: 7, offset: 0 }, 'region is 7; expected an integer from 0 to 5'],
    [{ region: 3, offset: 0 }, 'BAR 3 is read-only'],
    [{ region: 0, offset: 0x1000 }, '4 bytes at 0x1000 pass the end of BAR 0, 0x1000 bytes'],
    [{ region: 2, offset: 0xfc, size: 8 }, '8 bytes at 0xfc pass the end of BAR 2'],
    [{ region: 0, offset: 0xffff_ffff_ffff_fffcn }, '4 bytes at 0xfffffffffffffffc pass the end of BAR 0'],
    [{ region: 0, offset: 2 }, '4 bytes at 0x2 are not aligned'],
    [{ region: 0, offset: 4, size: 8 }, '8 bytes at 0x4 are not aligned'],
    [{ region: 0, offset: 0x8fc }, '4 bytes at 0x8fc touch the MSI-X table at 0x800 of BAR 0'],
    [{ region: 0, offset: 0, size: 3 as never }, 'size is 3; expected 0, 1, 2, 4 or 8'],
    [{ region: 0, offset: 0, size: 0, datamatch: 1 }, 'datamatch is 0x1 with size 0'],
    [{ region: 0, offset: 0, size: 1, datamatch: 256 }, 'datamatch is 0x100, which 1 bytes do not hold'],
  ])('%j', (doorbell, message) => {
    expect(() => device([{ region: 0, offset: 0x10 }, doorbell])).toThrow(RangeError);
    expect(() => device([{ region: 0, offset: 0x10 }, doorbell])).toThrow(`0000:00:01.0: doorbell 1: ${message}`);
  });

  test('two of the same, and more than one message passes', () => {
    expect(() => device([{ region: 0, offset: 4, datamatch: 1 }, { region: 0, offset: 4, datamatch: 2 }, { region: 0, offset: 4, size: 4, datamatch: 1n }])).toThrow('doorbell 2 is there already: region 0, offset 0x4, size 4, datamatch 0x1');
    expect(() => device(Array.from({ length: 254 }, (_, datamatch) => ({ region: 0, offset: 0, datamatch })))).toThrow('254 doorbells; expected at most 253');
  });
});

test('a card says them with what else VFIO programs find', () => {
  const card = pciDevice(createEngine(), { id: [0x1de5, 1], class: 0x088000, bars: { 2: { memory: 0x1000 } }, vfio: { doorbells: [{ region: 2, offset: 0x40, datamatch: 7 }] } }, {});
  expect(card.vfio.doorbells.map(({ region, offset, datamatch }) => [region.index, offset, datamatch])).toEqual([[2, 0x40n, 7n]]);
});

// Payloads and records: each command both ways, and what the errors of payloads that cannot be say.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { COMMANDS, type CommandName, type Direction, commandName, decodePayload, encodePayload, headSize } from '../../../src/hosts/vfio-user/index.ts';
import { hexOf } from './support.ts';

const NAMES = Object.keys(COMMANDS) as CommandName[];
const DIRECTIONS: readonly Direction[] = ['request', 'reply'];

test('numbers and names are those of the protocol; 14 is nobody\'s', () => {
  expect(NAMES.map((name) => COMMANDS[name])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18]);
  expect([commandName(1), commandName(14), commandName(18), commandName(19), commandName(0)]).toEqual(['VERSION', undefined, 'MIG_DATA_WRITE', undefined, undefined]);
});

test('heads have the sizes of the protocol', () => {
  expect(NAMES.map((name) => [name, headSize(name, 'request'), headSize(name, 'reply')])).toEqual([
    ['VERSION', 4, 4], ['DMA_MAP', 32, 0], ['DMA_UNMAP', 24, 24], ['DEVICE_GET_INFO', 16, 16], ['DEVICE_GET_REGION_INFO', 32, 32], ['DEVICE_GET_REGION_IO_FDS', 16, 16],
    ['DEVICE_GET_IRQ_INFO', 16, 16], ['DEVICE_SET_IRQS', 20, 0], ['REGION_READ', 16, 16], ['REGION_WRITE', 16, 16], ['DMA_READ', 16, 16], ['DMA_WRITE', 16, 16], ['DEVICE_RESET', 0, 0],
    ['REGION_WRITE_MULTI', 8, 8], ['DEVICE_FEATURE', 8, 8], ['MIG_DATA_READ', 8, 8], ['MIG_DATA_WRITE', 8, 0],
  ]);
});

test.each<[CommandName, Direction, object, string]>([
  ['DMA_MAP', 'request', { argsz: 32, flags: 3, offset: 0x10_0000n, addr: 0x10_0000n, size: 0xff0_0000n }, '20000000030000000000100000000000000010000000000000 00f00f00000000'],
  ['DMA_UNMAP', 'request', { argsz: 24, flags: 0, addr: 0xc_0000n, size: 0x2_0000n }, '18000000000000000000 0c00000000000000020000000000'],
  ['DEVICE_GET_INFO', 'reply', { argsz: 16, flags: 3, num_regions: 9, num_irqs: 5 }, '10000000030000000900000005000000'],
  ['DEVICE_GET_IRQ_INFO', 'reply', { argsz: 16, flags: 1, index: 3, count: 1 }, '10000000010000000300000001000000'],
  ['DEVICE_SET_IRQS', 'request', { argsz: 20, flags: 0x22, index: 2, start: 1, count: 2, data: Uint8Array.of(0, 1) }, '14000000220000000200000001000000020000000001'],
  ['REGION_WRITE', 'request', { offset: 4n, region: 7, count: 2, data: Uint8Array.of(3, 5) }, '040000000000000007000000020000000305'],
  ['DMA_WRITE', 'request', { addr: 0x1234_5678_9abcn, count: 1n, data: Uint8Array.of(0xee) }, 'bc9a78563412000001000000 00000000ee'],
  ['MIG_DATA_READ', 'reply', { argsz: 10, size: 2, data: Uint8Array.of(1, 2) }, '0a000000020000000102'],
])('%s %s has its fields where the protocol has them', (command, direction, record, hex) => {
  const payload = encodePayload(command, direction, record as never);
  expect(hexOf(payload)).toBe(hex.replaceAll(' ', ''));
  expect(decodePayload(command, direction, payload)).toEqual({ data: new Uint8Array(0), ...record });
});

test('whatever is decoded is the same bytes again', () => {
  fc.assert(
    fc.property(fc.constantFrom(...NAMES), fc.constantFrom(...DIRECTIONS), fc.uint8Array({ maxLength: 64 }), (command, direction, payload) => {
      let record;
      try {
        record = decodePayload(command, direction, payload);
      } catch (error) {
        expect((error as Error).message).toMatch(new RegExp(`^EINVAL: vfio-user ${command}: .*\\d+ bytes`));
        return;
      }
      const again = encodePayload(command, direction, record as never);
      // What a reader does not look at is not kept.
      expect(hexOf(payload).startsWith(hexOf(again))).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

describe('refused, with the command, the number and its bound', () => {
  test.each<[CommandName, Direction, string, string]>([
    ['DMA_MAP', 'request', '00'.repeat(31), 'EINVAL: vfio-user DMA_MAP: the payload has 31 bytes; expected at least 32'],
    ['DMA_MAP', 'request', '00'.repeat(33), 'EINVAL: vfio-user DMA_MAP: the payload has 33 bytes; expected 32'],
    ['DEVICE_GET_INFO', 'request', '00'.repeat(8), 'EINVAL: vfio-user DEVICE_GET_INFO: the payload has 8 bytes; expected at least 16'],
    ['REGION_WRITE', 'request', '00'.repeat(12) + '05000000' + 'aabb', 'EINVAL: vfio-user REGION_WRITE: count is 5, and 2 bytes of data follow'],
    ['REGION_READ', 'reply', '00'.repeat(12) + '01000000' + 'aabb', 'EINVAL: vfio-user REGION_READ: reply: count is 1, and 2 bytes of data follow'],
    ['DMA_READ', 'reply', '00'.repeat(8) + 'ff'.repeat(8), 'EINVAL: vfio-user DMA_READ: reply: count is 18446744073709551615, and 0 bytes of data follow'],
    ['MIG_DATA_READ', 'reply', '0000000003000000aabb', 'EINVAL: vfio-user MIG_DATA_READ: reply: size is 3, and 2 bytes of data follow'],
    ['DEVICE_RESET', 'request', '00', 'EINVAL: vfio-user DEVICE_RESET: the payload has 1 bytes; expected 0'],
  ])('%s %s %s', (command, direction, hex, message) => {
    expect(() => decodePayload(command, direction, Uint8Array.from(Buffer.from(hex, 'hex')))).toThrow(message);
  });

  test('what asks with room for the answer may be longer', () => {
    for (const command of ['DEVICE_GET_INFO', 'DEVICE_GET_REGION_INFO', 'DEVICE_GET_IRQ_INFO', 'DEVICE_GET_REGION_IO_FDS'] as const) expect(decodePayload(command, 'request', new Uint8Array(4064)).data).toHaveLength(0);
  });

  test('a reply to MIG_DATA_READ may be longer than what was read', () => {
    expect(decodePayload('MIG_DATA_READ', 'reply', Uint8Array.of(10, 0, 0, 0, 1, 0, 0, 0, 0xaa, 0, 0)).data).toEqual(Uint8Array.of(0xaa));
  });

  test('fields that are none, or have no such value', () => {
    expect(() => encodePayload('DMA_MAP', 'request', { address: 1 } as never)).toThrow('address: no such field');
    expect(() => encodePayload('DMA_MAP', 'request', { flags: 2 ** 32 })).toThrow('vfio_user_dma_map.flags: 4294967296 is above 4294967295');
  });
});

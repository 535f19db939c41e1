// Wire cases of the beginning of a session, of its framing, and of what regions, interrupts and doorbells tell of themselves.

import { commandMessage, encodePayload, replyMessage } from '../../../../src/hosts/vfio-user/index.ts';
import { NOTHING, type Row, hex, join, raw, refused, row, step, text, u32, u64, versionStep } from './row.ts';

/** JSON that is none, or says what cannot be; a good VERSION after it is as good as the first. */
const badTexts: readonly (readonly [string, string])[] = [
  ['missing NUL', '{"capabilities":{}}'],
  ['missing closing brace', '{"capabilities":{}\0'],
  ['missing closing quote', '{"capabilities:{}}\0'],
  ['capabilities that are a string', '{"capabilities":"none"}\0'],
  ['max_msg_fds "foo"', '{"capabilities":{"max_msg_fds":"foo"}}\0'],
  ['max_msg_fds -1', '{"capabilities":{"max_msg_fds":-1}}\0'],
  ['max_msg_fds 1025', '{"capabilities":{"max_msg_fds":1025}}\0'],
  ['migration that is a string', '{"capabilities":{"migration":"yes"}}\0'],
  ['pgsize "foo"', '{"capabilities":{"migration":{"pgsize":"foo"}}}\0'],
  ['pgsize 4095', '{"capabilities":{"migration":{"pgsize":4095}}}\0'],
];

const early = { version: false } as const;
const sized = (bytes: Uint8Array, size: number): Uint8Array => {
  new DataView(bytes.buffer).setUint32(4, size, true);
  return bytes;
};

export const negotiate: readonly Row[] = [
  row('negotiate: a header only', [step('VERSION', NOTHING, 'EINVAL'), versionStep()], early),
  row('negotiate: a size above the longest message', [raw(sized(commandMessage(7, 1, new Uint8Array(64)), 0x10_0021), 'EINVAL')], { ...early, isOver: true }),
  row('negotiate: command 999 first', [step(999, NOTHING, 'EINVAL'), versionStep()], early),
  row('negotiate: a command before VERSION', [step('DEVICE_GET_INFO', u32(16, 0, 0, 0), 'EINVAL'), versionStep()], early),
  row('negotiate: major 999', [versionStep(undefined, 'EINVAL', 999), versionStep()], early),
  row('negotiate: VERSION twice', [versionStep(), versionStep(undefined, 'EINVAL'), step('DEVICE_RESET')], early),
  ...badTexts.map(([what, json]) => row(`negotiate: ${what}`, [versionStep(text(json), 'EINVAL'), versionStep()], early)),
  row('negotiate: no JSON', [versionStep(NOTHING), step('DEVICE_RESET')], early),
  row('negotiate: empty JSON', [versionStep(text('{}\0')), step('DEVICE_RESET')], early),
  row('negotiate: JSON', [versionStep(), step('DEVICE_RESET')], early),
  row('negotiate: fds with VERSION', [{ ...versionStep(), fds: ['event', 'memory'] }, step('DEVICE_RESET')], early),
];

const read = (offset: bigint, region: number, count: number): Uint8Array => encodePayload('REGION_READ', 'request', { offset, region, count });
const write = (offset: bigint, region: number, data: Uint8Array, count = data.length): Uint8Array => encodePayload('REGION_WRITE', 'request', { offset, region, count, data });
/** What was written to byte 0 of BAR 0. */
const sees = (byte: number) => step('REGION_READ', read(0n, 0, 1), 'ok', { reply: hex(u64(0n), u32(0, 1), Uint8Array.of(byte)) });
const writes = (byte: number) => write(0n, 0, Uint8Array.of(byte));

export const framing: readonly Row[] = [
  row('request: size 15', [raw(sized(commandMessage(7, 8, NOTHING), 15), 'EINVAL'), step('DEVICE_RESET')]),
  row('request: size 0', [raw(sized(commandMessage(7, 8, NOTHING), 0), 'EINVAL'), step('DEVICE_RESET')]),
  row('request: size 2^32-1', [raw(sized(commandMessage(7, 8, NOTHING), 0xffff_ffff), 'EINVAL')], { isOver: true }),
  row('request: a reply that nobody waits for', [raw(replyMessage({ id: 7, command: 8 }, new Uint8Array(16)), 'EINVAL'), step('DEVICE_RESET')]),
  row('request: a type that is neither', [step('DEVICE_RESET', NOTHING, 'EINVAL', { flags: 2 }), step('DEVICE_RESET')]),
  ...[0, 11, 12, 14, 19, 65535].map((command) => row(`request: command ${command}`, [step(command, new Uint8Array(16), 'EINVAL'), step('DEVICE_RESET')])),
  row('request: SET_IRQS without payload', [step('DEVICE_SET_IRQS', NOTHING, 'EINVAL'), step('DEVICE_RESET')]),
  row('request: fds with a command that takes none', [step('DEVICE_RESET', NOTHING, 'ok', { fds: ['event', 'memory'] }), step('REGION_READ', read(0n, 0, 4), 'ok', { fds: ['event', 'memory'] })]),
  row('request: fds with a command that there is not', step(19, NOTHING, 'EINVAL', { fds: ['memory', 'event', 'event'] })),
  row('request: cut in the middle of a header', raw(commandMessage(7, 13, NOTHING).subarray(0, 9), 'none')),
  row('request: cut in the middle of a payload, with fds', { ...raw(commandMessage(7, 2, new Uint8Array(32)).subarray(0, 30), 'none'), fds: ['memory', 'event'] }),
  row('NO_REPLY: good and bad ones are not answered', [step('REGION_WRITE', writes(0x5a), 'none', { flags: 0x10 }), step('REGION_WRITE', write(0x1000n, 0, Uint8Array.of(1)), 'none', { flags: 0x10 }), step(999, NOTHING, 'none', { flags: 0x10 }), step('DEVICE_SET_IRQS', new Uint8Array(3), 'none', { flags: 0x10, fds: ['event'] }), sees(0x5a)]),
  row('pipelined: a NO_REPLY write is done before the read behind it in the same bytes', [{ ...sees(0x77), bytes: join(commandMessage(1, 10, writes(0x77), 0x10), commandMessage(7, 9, read(0n, 0, 1))) }]),
  row('pipelined: fds belong to the last message of a piece', [{ ...step('DMA_MAP', NOTHING, 'EINVAL', { withoutFds: 'ok' }), bytes: join(commandMessage(1, 10, writes(1), 0x10), commandMessage(7, 2, encodePayload('DMA_MAP', 'request', { argsz: 32, flags: 3, addr: 0x1000, size: 0x1000 }))), fds: ['event'] }]),
];

export const regions: readonly Row[] = [
  ...refused('info', 'DEVICE_GET_INFO', [['8 bytes', u32(16, 0)], ['argsz 8', u32(8, 0, 0, 0)], ['argsz 15', u32(15, 0, 0, 0)]]),
  row('info: argsz 32', step('DEVICE_GET_INFO', u32(32, 0, 0, 0), 'ok', { reply: hex(u32(16, 3, 10, 5)) })),
  ...refused('region info', 'DEVICE_GET_REGION_INFO', [['short', u32(32, 0, 0)], ['argsz 8', u32(8, 0, 0, 0, 0, 0, 0, 0)], ['index beyond the last', u32(32, 0, 10, 0, 0, 0, 0, 0)], ['index 2^32-1', u32(32, 0, 0xffff_ffff, 0, 0, 0, 0, 0)]]),
  row('region info: larger argsz', step('DEVICE_GET_REGION_INFO', u32(80, 0, 0, 0, 0, 0, 0, 0), 'ok', { reply: hex(u32(32, 3, 0, 0), u64(0x1000n, 0n)) })),
  row('region info: a request of 4064 bytes', step('DEVICE_GET_REGION_INFO', join(u32(4064, 0, 2, 0), new Uint8Array(4048)), 'ok', { reply: hex(u32(32, 3, 2, 0), u64(0x100n, 0n)) })),
  row('region info: absent, size 0', step('DEVICE_GET_REGION_INFO', u32(32, 0, 6, 0, 0, 0, 0, 0), 'ok', { reply: hex(u32(32, 0, 6, 0), u64(0n, 0n)) })),
  row('region info: size of configuration space', step('DEVICE_GET_REGION_INFO', u32(32, 0, 7, 0, 0, 0, 0, 0), 'ok', { reply: hex(u32(32, 3, 7, 0), u64(0x100n, 0n)) })),
  row('region info: capabilities without room, no flag for them', step('DEVICE_GET_REGION_INFO', u32(32, 0, 9, 0, 0, 0, 0, 0), 'ok', { reply: hex(u32(48, 3, 9, 0), u64(0x1000n, 0n)) })),
  row('region info: capabilities', step('DEVICE_GET_REGION_INFO', u32(48, 0, 9, 0, 0, 0, 0, 0), 'ok', { reply: hex(u32(48, 0xb, 9, 32), u64(0x1000n, 0n)) + '02000100000000008680008003000000' })),
  row('region info: one to map in part, without room, no fd', step('DEVICE_GET_REGION_INFO', u32(32, 0, 4, 0, 0, 0, 0, 0), 'ok', { reply: hex(u32(64, 7, 4, 0), u64(0x3000n, 0n)), replyWithoutFds: hex(u32(32, 3, 4, 0), u64(0x3000n, 0n)) })),
  row('region info: one to map in part, one fd and one area', step('DEVICE_GET_REGION_INFO', u32(64, 0, 4, 0, 0, 0, 0, 0), 'ok', { brings: 1, reply: hex(u32(64, 0xf, 4, 32), u64(0x3000n, 0n)) + '0100010000000000' + hex(u32(1, 0), u64(0x1000n, 0x1000n)), replyWithoutFds: hex(u32(32, 3, 4, 0), u64(0x3000n, 0n)) })),
  ...refused('irq info', 'DEVICE_GET_IRQ_INFO', [['short', u32(16, 0, 0)], ['argsz 8', u32(8, 0, 0, 0)], ['index 5', u32(16, 0, 5, 0)]]),
  ...[1, 4, 16, 1, 1].map((many, index) => row(`irq info: index ${index}`, step('DEVICE_GET_IRQ_INFO', u32(16, 0, index, 0), 'ok', { reply: hex(u32(16, [7, 9, 9, 9, 9][index]!, index, many)) }))),
  ...refused('io fds', 'DEVICE_GET_REGION_IO_FDS', [['flags', u32(16, 1, 0, 0)], ['count', u32(16, 0, 0, 1)], ['argsz 15', u32(15, 0, 0, 0)], ['argsz above the longest message', u32(0x10_0020, 0, 0, 0)], ['a region that is absent', u32(16, 0, 1, 0)], ['index 512', u32(16, 0, 512, 0)], ['short', u32(16, 0, 0)]]),
  row('io fds: a region without any', step('DEVICE_GET_REGION_IO_FDS', u32(4096, 0, 7, 0), 'ok', { reply: hex(u32(16, 0, 7, 0)) })),
  row('io fds: how much room they need, no fds', step('DEVICE_GET_REGION_IO_FDS', u32(16, 0, 0, 0), 'ok', { reply: hex(u32(96, 0, 0, 0)), replyWithoutFds: hex(u32(16, 0, 0, 0)) })),
  row('io fds: all, twice', Array.from({ length: 2 }, () => step('DEVICE_GET_REGION_IO_FDS', u32(96, 0, 0, 0), 'ok', { brings: 2, reply: hex(u32(96, 0, 0, 2), u64(0x10n, 4n), u32(0, 0, 1, 0), u64(7n), u64(0x20n, 4n), u32(1, 0, 0, 0), u64(0n)), replyWithoutFds: hex(u32(16, 0, 0, 0)) }))),
];

const entry = (offset: bigint, region: number, count: number, data: number[] = []): Uint8Array => join(read(offset, region, count), Uint8Array.of(...data), new Uint8Array(8 - data.length));
const multi = (count: number, ...list: Uint8Array[]): Uint8Array => encodePayload('REGION_WRITE_MULTI', 'request', { wr_cnt: count, data: join(...list) });
const good = entry(0n, 0, 1, [0x42]);

const outside: readonly (readonly [string, bigint, number, number])[] = [
  ['beyond the end', 0x1000n, 0, 1],
  ['over the end', 0xffen, 0, 4],
  ['at an offset that overflows', 0xffff_ffff_ffff_ffffn, 0, 4],
  ['of more than 1 MiB', 0n, 0, 0x10_0001],
  ['of 4 GiB', 0n, 0, 0xffff_ffff],
  ['of a region that is absent', 0n, 1, 1],
  ['of a region that there is not', 0n, 10, 1],
];

export const accesses: readonly Row[] = [
  ...refused('read', 'REGION_READ', [...outside.map(([what, offset, region, count]) => [what, read(offset, region, count)] as const), ['with data', join(read(0n, 0, 4), new Uint8Array(4))], ['short', read(0n, 0, 4).subarray(0, 12)]]),
  ...refused('write', 'REGION_WRITE', [...outside.map(([what, offset, region, count]) => [what, write(offset, region, new Uint8Array(Math.min(count, 8)), count)] as const), ['fewer bytes than count', write(0n, 0, new Uint8Array(3), 4)], ['more bytes than count', write(0n, 0, new Uint8Array(5), 4)], ['short', new Uint8Array(8)]]),
  row('read and write: of no bytes, up to the end', [step('REGION_READ', read(0x1000n, 0, 0)), step('REGION_WRITE', write(0x1000n, 0, NOTHING))]),
  row('read: the whole of configuration space', step('REGION_READ', read(0n, 7, 256))),
  row('read: what was written', [step('REGION_WRITE', writes(0x21)), sees(0x21)]),
  ...refused('write multi', 'REGION_WRITE_MULTI', [['more than are there', multi(2, good)], ['fewer than are there', multi(1, good, good)], ['2^64-1', join(new Uint8Array(8).fill(0xff), good)], ['9 bytes', multi(2, good, entry(0n, 0, 9))], ['beyond the end', multi(2, good, entry(0x1000n, 0, 1))], ['a region that is absent', multi(2, good, entry(0n, 1, 1))], ['an end that overflows', multi(2, good, entry(0xffff_ffff_ffff_fffen, 0, 4))]], [step('REGION_WRITE', writes(0))]),
  row('write multi: none of them when one cannot be', [step('REGION_WRITE', writes(0)), step('REGION_WRITE_MULTI', multi(2, good, entry(0x1000n, 0, 1)), 'EINVAL'), sees(0)]),
  row('write multi: all', [step('REGION_WRITE_MULTI', multi(2, entry(0n, 0, 1, [1]), good), 'ok', { reply: hex(u64(2n)) }), sees(0x42), step('REGION_WRITE_MULTI', multi(0))]),
  row('card: a BAR of 4 KiB tells its size', [step('REGION_WRITE', write(0x10n, 7, new Uint8Array(4).fill(0xff))), step('REGION_READ', read(0x10n, 7, 4), 'ok', { reply: hex(u64(0x10n), u32(7, 4, 0xffff_f000)) })], { device: 'card' }),
  row('card: a BAR of 64 bits tells its size', [step('REGION_WRITE', write(0x18n, 7, new Uint8Array(8).fill(0xff))), step('REGION_READ', read(0x18n, 7, 8), 'ok', { reply: hex(u64(0x18n), u32(7, 8, 0xffff_c00c, 0xffff_ffff)) })], { device: 'card' }),
  row('card: a write to the head of a capability changes nothing', [step('REGION_WRITE', write(0x40n, 7, new Uint8Array(2).fill(0xff))), step('REGION_READ', read(0x40n, 7, 1), 'ok', { reply: hex(u64(0x40n), u32(7, 1), Uint8Array.of(5)) })], { device: 'card' }),
  row('card: a device that throws reads ones, and its write is EIO', [step('REGION_READ', read(0n, 4, 4), 'ok', { reply: hex(u64(0n), u32(4, 4, 0xffff_ffff)) }), step('REGION_WRITE', write(0n, 4, new Uint8Array(4)), 'EIO')], { device: 'card' }),
];

// Steps of a session as lines: what a command asked, by the names of regions, registers and fields, and what it was answered.
//
//      0.001240 > VERSION(0.0 {"capabilities":{"max_msg_fds":16}}) = 0.0 {"capabilities":{"max_msg_fds":16}}
//      0.010311 > REGION_WRITE(BAR 0 0x8 FACTORIAL, 4 bytes, 0x00000005) = posted
//      0.010402 > REGION_READ(BAR 0 0x8 FACTORIAL, 4 bytes) = 0x00000078
//      0.020119 < DMA_READ(0x10000, 4096 bytes) = 4096 bytes
//      0.020345 < INTx
//   seconds     who: the client, the device

import { VFIO_DEVICE_FEATURE_GET, VFIO_DEVICE_FEATURE_MASK, VFIO_DEVICE_FEATURE_PROBE, VFIO_DEVICE_FEATURE_SET, VFIO_IRQ_SET_ACTION_MASK, VFIO_IRQ_SET_ACTION_TRIGGER, VFIO_IRQ_SET_ACTION_UNMASK, VFIO_IRQ_SET_DATA_BOOL, VFIO_IRQ_SET_DATA_EVENTFD, VFIO_IRQ_SET_DATA_NONE, errnoName } from '../../../uapi/index.ts';
import { DMA_MAP_READABLE, DMA_MAP_WRITEABLE, DMA_UNMAP_ALL, commandName, commandText } from '../codec/commands.ts';
import type { CommandName } from '../codec/commands.ts';
import { FLAG_NO_REPLY } from '../codec/header.ts';
import { vfio_user_write_multi_entry as ENTRY } from '../codec/layouts.ts';
import { decodePayload } from '../codec/messages.ts';
import type { Direction, PayloadOf } from '../codec/messages.ts';
import { RegisterNames, interruptName, regionName } from './names.ts';
import { hasFailed } from './steps.ts';
import type { CommandStep, SessionStep } from './steps.ts';

const NOTHING = new Uint8Array(0);
const FEATURES: Readonly<Record<number, string>> = { 1: 'MIGRATION', 2: 'MIG_DEVICE_STATE', 6: 'DMA_LOGGING_START', 7: 'DMA_LOGGING_STOP', 8: 'DMA_LOGGING_REPORT' };
const IRQ_FLAGS = { NONE: VFIO_IRQ_SET_DATA_NONE, BOOL: VFIO_IRQ_SET_DATA_BOOL, EVENTFD: VFIO_IRQ_SET_DATA_EVENTFD, MASK: VFIO_IRQ_SET_ACTION_MASK, UNMASK: VFIO_IRQ_SET_ACTION_UNMASK, TRIGGER: VFIO_IRQ_SET_ACTION_TRIGGER };
const FEATURE_FLAGS = { GET: VFIO_DEVICE_FEATURE_GET, SET: VFIO_DEVICE_FEATURE_SET, PROBE: VFIO_DEVICE_FEATURE_PROBE };

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
const bytesOf = (count: number | bigint): string => `${count.toString()} byte${count == 1 ? '' : 's'}`;

function bitsText(flags: number, names: Readonly<Record<string, number>>): string {
  const known = Object.entries(names).filter(([, bit]) => (flags & bit) !== 0);
  const rest = known.reduce((left, [, bit]) => left & ~bit, flags);
  return [...known.map(([name]) => name), ...(rest !== 0 ? [hex(rest >>> 0)] : [])].join('|') || '0';
}

const jsonText = (data: Uint8Array): string => (data.length === 0 ? '' : ` ${Buffer.from(data).toString('utf8').replace(/\0$/, '')}`);

type Texts<D extends Direction> = { readonly [C in CommandName]: (payload: PayloadOf<C, D>, names: RegisterNames, request?: Uint8Array) => string };

const none = (): string => '';
const done = (): string => '0';

const REQUESTS: Texts<'request'> = {
  VERSION: ({ major, minor, data }) => `${major}.${minor}${jsonText(data)}`,
  DMA_MAP: ({ addr, size, flags, offset }) => `${hex(addr)}+${hex(size)}, ${(flags & DMA_MAP_READABLE) !== 0 ? 'r' : '-'}${(flags & DMA_MAP_WRITEABLE) !== 0 ? 'w' : '-'}${offset === 0n ? '' : `, offset ${hex(offset)}`}`,
  DMA_UNMAP: ({ addr, size, flags }) => ((flags & DMA_UNMAP_ALL) !== 0 ? 'all' : `${hex(addr)}+${hex(size)}${flags === 0 ? '' : `, flags ${hex(flags)}`}`),
  DEVICE_GET_INFO: none,
  DEVICE_GET_REGION_INFO: ({ index }) => regionName(index),
  DEVICE_GET_REGION_IO_FDS: ({ index }) => regionName(index),
  DEVICE_GET_IRQ_INFO: ({ index }) => interruptName(index, 0).replace(/ 0$/, ''),
  DEVICE_SET_IRQS: ({ index, start, count, flags, data }) => `${interruptName(index, 0).replace(/ 0$/, '')}, ${bitsText(flags, IRQ_FLAGS)}, start ${start}, count ${count}${data.length === 0 ? '' : `, ${Buffer.from(data).toString('hex')}`}`,
  REGION_READ: ({ region, offset, count }, names) => `${names.access(region, offset, NOTHING).place}, ${bytesOf(count)}`,
  REGION_WRITE: ({ region, offset, count, data }, names) => {
    const { place, value } = names.access(region, offset, data);
    return `${place}, ${bytesOf(count)}, ${value}`;
  },
  DMA_READ: ({ addr, count }) => `${hex(addr)}, ${bytesOf(count)}`,
  DMA_WRITE: ({ addr, count }) => `${hex(addr)}, ${bytesOf(count)}`,
  DEVICE_RESET: none,
  REGION_WRITE_MULTI: ({ wr_cnt, data }, names) => {
    const writes = Array.from({ length: Math.floor(data.length / ENTRY.size) }, (_, i) => ENTRY.decode(data, i * ENTRY.size));
    const texts = writes.map(({ region, offset, count, data: value }) => names.access(region, offset, value.subarray(0, count)));
    return [wr_cnt.toString(), ...texts.map(({ place, value }) => `${place} ${value}`)].join(', ');
  },
  DEVICE_FEATURE: ({ flags, data }) => {
    const feature = flags & VFIO_DEVICE_FEATURE_MASK;
    return `${FEATURES[feature] ?? `feature ${feature}`}, ${bitsText(flags & ~VFIO_DEVICE_FEATURE_MASK, FEATURE_FLAGS)}${data.length === 0 ? '' : `, ${Buffer.from(data).toString('hex')}`}`;
  },
  MIG_DATA_READ: ({ size }) => bytesOf(size),
  MIG_DATA_WRITE: ({ size }) => bytesOf(size),
};

const REPLIES: Texts<'reply'> = {
  VERSION: ({ major, minor, data }) => `${major}.${minor}${jsonText(data)}`,
  DMA_MAP: done,
  DMA_UNMAP: ({ data }) => (data.length === 0 ? '0' : bytesOf(data.length)),
  DEVICE_GET_INFO: ({ flags, num_regions, num_irqs }) => `flags ${hex(flags)}, ${num_regions} regions, ${num_irqs} interrupts`,
  DEVICE_GET_REGION_INFO: ({ size, flags, argsz }) => `size ${hex(size)}, flags ${hex(flags)}${argsz > 32 ? `, argsz ${argsz}` : ''}`,
  DEVICE_GET_REGION_IO_FDS: ({ count }) => `count ${count}`,
  DEVICE_GET_IRQ_INFO: ({ count, flags }) => `count ${count}, flags ${hex(flags)}`,
  DEVICE_SET_IRQS: done,
  REGION_READ: ({ region, offset, data }, names) => names.access(region, offset, data).value || '0',
  REGION_WRITE: done,
  DMA_READ: ({ data }) => bytesOf(data.length),
  DMA_WRITE: done,
  DEVICE_RESET: done,
  REGION_WRITE_MULTI: ({ wr_cnt }) => wr_cnt.toString(),
  DEVICE_FEATURE: ({ data }) => (data.length === 0 ? '0' : Buffer.from(data.subarray(0, 32)).toString('hex')),
  MIG_DATA_READ: ({ size }) => bytesOf(size),
  MIG_DATA_WRITE: done,
};

/** What a payload says; how it cannot be read, where it cannot. */
function payloadText(command: number, direction: Direction, payload: Uint8Array, names: RegisterNames): string {
  const name = commandName(command);
  if (name === undefined) return bytesOf(payload.length);
  try {
    const text = (direction === 'request' ? REQUESTS : REPLIES)[name] as (record: object, names: RegisterNames) => string;
    return text(decodePayload(name, direction, payload), names);
  } catch (error) {
    return `? ${(error as Error).message}`;
  }
}

/** A command and its reply: `REGION_READ(BAR 0 0x8 FACTORIAL, 4 bytes) = 0x00000078`. */
export function commandLine({ command: { header, payload }, reply, fds }: Pick<CommandStep, 'command' | 'reply' | 'fds'>, names: RegisterNames): string {
  const asked = [payloadText(header.command, 'request', payload, names), ...(fds === 0 ? [] : [`${fds} fd${fds === 1 ? '' : 's'}`])].filter((text) => text !== '');
  return `${commandText(header.command)}(${asked.join(', ')}) = ${replyText(header, reply, names)}`;
}

function replyText({ command, flags }: CommandStep['command']['header'], reply: CommandStep['reply'], names: RegisterNames): string {
  if (reply === undefined) return (flags & FLAG_NO_REPLY) !== 0 ? 'posted' : '?';
  if (hasFailed(reply)) return `-1 ${errnoName(reply.header.errno) ?? `errno ${reply.header.errno}`}`;
  return payloadText(command, 'reply', reply.payload, names);
}

/** What a step says, without its time. */
export function stepText(step: SessionStep, names: RegisterNames): string {
  switch (step.kind) {
    case 'client':
      return '> connected';
    case 'client-gone':
      return '> gone';
    case 'interrupt':
      return `< ${interruptName(step.index, step.vector)}`;
    case 'transfer': {
      const { writes, fd, offset, address, bytes } = step;
      return `< DMA ${writes ? 'write' : 'read'} ${address === undefined ? '?' : hex(address)}, ${bytes.length === 0 ? 'failed' : bytesOf(bytes.length)}, fd ${fd} at ${hex(offset)}`;
    }
    case 'command':
      return `${step.from === 'client' ? '>' : '<'} ${commandLine(step, names)}`;
  }
}

/** Seconds with six digits behind the point. */
export function secondsText(ns: number): string {
  return (ns / 1e9).toFixed(6);
}

/** A step as a line, without its end. */
export function stepLine(step: SessionStep, names: RegisterNames): string {
  return `${secondsText(step.at).padStart(12)} ${stepText(step, names)}`;
}

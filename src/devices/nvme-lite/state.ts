// What is migrated of a controller, as bytes (pci/migration/state-bytes.ts): version 1.
//
//   registers   CC, CSTS, INTMS, INTMC, AQA, ASQ, ACQ, doorbells that nobody has looked at
//   delays      what follows a change of CC, and when
//   powered     since when, health, the store's blocks apart
//   controller  when it is enabled: queues, commands that run, completions that wait, features, events
//
// All of it is looked at before anything is taken: a state that no controller can have is EINVAL.

import { StateReader, StateWriter } from '../../pci/index.ts';
import { COMMAND_BYTES, decodeCommand } from './command.ts';
import type { AsyncEventsState } from './events.ts';
import type { FeaturesState } from './features.ts';
import { ASYNC_EVENT_LIMIT, ERROR_LOG_ENTRIES } from './identify.ts';
import type { HealthState } from './log-pages.ts';
import { NVME_IO_QUEUES } from './registers.ts';

/** The version of these bytes. */
export const STATE_VERSION = 1;
/** What follows a change of CC. */
export const DELAYED = ['ready', 'disabled', 'shut down'] as const;

const MAX_ENTRIES = 4096;
const MAX_WAITING = 1 << 16;
const MAX_NS = BigInt(Number.MAX_SAFE_INTEGER);

/** A completion queue. */
export interface CompletionQueueState {
  readonly id: number;
  readonly address: bigint;
  readonly size: number;
  readonly vector: number;
  readonly interrupts: boolean;
  readonly head: number;
  readonly tail: number;
  readonly phase: number;
  /** `isLive`: the submission queue is there, and its head moves on. */
  readonly waiting: readonly { readonly queue: number; readonly queueHead: number; readonly isLive: boolean; readonly command: number; readonly status: number; readonly result: number }[];
}

/** A submission queue. */
export interface SubmissionQueueState {
  readonly id: number;
  readonly address: bigint;
  readonly size: number;
  readonly completions: number;
  readonly head: number;
  readonly tail: number;
  /** 64 bytes each. */
  readonly running: readonly Uint8Array[];
}

/** A controller that is enabled. */
export interface ControllerState {
  readonly lastFetched: number;
  readonly completion: readonly CompletionQueueState[];
  readonly submission: readonly SubmissionQueueState[];
  readonly features: FeaturesState;
  readonly events: AsyncEventsState;
}

/** The whole. */
export interface NvmeState {
  readonly cc: number;
  readonly csts: number;
  readonly intms: number;
  readonly intmc: number;
  readonly aqa: number;
  readonly asq: bigint;
  readonly acq: bigint;
  readonly doorbells: readonly { readonly pair: number; readonly isTail: boolean; readonly value: number }[];
  readonly delays: readonly { readonly kind: (typeof DELAYED)[number]; readonly left: number }[];
  readonly poweredNs: bigint;
  readonly health: HealthState;
  readonly controller: ControllerState | null;
}

function writeController(to: StateWriter, { lastFetched, completion, submission, features, events }: ControllerState): void {
  to.u16(lastFetched)
    .list(completion, (queue, { id, address, size, vector, interrupts, head, tail, phase, waiting }) =>
      queue.u16(id).u64(address).u16(size).u16(vector).flag(interrupts).u16(head).u16(tail).u8(phase).list(waiting, (one, ended) =>
        one.u16(ended.queue).u16(ended.queueHead).flag(ended.isLive).u16(ended.command).u16(ended.status).u32(ended.result)))
    .list(submission, (queue, { id, address, size, completions, head, tail, running }) =>
      queue.u16(id).u64(address).u16(size).u16(completions).u16(head).u16(tail).list(running, (one, raw) => one.block(raw)))
    .list(features.plain, (one, [id, value]) => one.u8(id).u32(value))
    .list(features.quietVectors, (one, vector) => one.u16(vector))
    .u16(features.over).u16(features.under)
    .list(events.requests, (one, id) => one.u16(id))
    .list(events.waiting, (one, event) => one.u32(event))
    .flag(events.isMasked);
}

function readCompletionQueue(from: StateReader): CompletionQueueState {
  const id = from.u16(NVME_IO_QUEUES);
  const address = from.u64();
  const size = from.u16(MAX_ENTRIES);
  if (size < 2) from.refuse(`completion queue ${id} has ${size} entries`);
  return {
    id,
    address,
    size,
    vector: from.u16(NVME_IO_QUEUES),
    interrupts: from.flag(),
    head: from.u16(size - 1),
    tail: from.u16(size - 1),
    phase: from.u8(1),
    waiting: from.list(MAX_WAITING, (one) => ({ queue: one.u16(NVME_IO_QUEUES), queueHead: one.u16(), isLive: one.flag(), command: one.u16(), status: one.u16(0x7fff), result: one.u32() })),
  };
}

function readSubmissionQueue(from: StateReader): SubmissionQueueState {
  const id = from.u16(NVME_IO_QUEUES);
  const address = from.u64();
  const size = from.u16(MAX_ENTRIES);
  if (size < 2) from.refuse(`submission queue ${id} has ${size} entries`);
  const queue = { id, address, size, completions: from.u16(NVME_IO_QUEUES), head: from.u16(size - 1), tail: from.u16(size - 1), running: from.list(MAX_ENTRIES, (one) => one.block(COMMAND_BYTES)) };
  if (queue.running.some((raw) => raw.length !== COMMAND_BYTES)) from.refuse(`a command of queue ${id} is cut off`);
  if (new Set(queue.running.map((raw) => decodeCommand(raw).id)).size !== queue.running.length) from.refuse(`queue ${id} runs two commands of one identifier`);
  return queue;
}

function readController(from: StateReader): ControllerState {
  const lastFetched = from.u16(NVME_IO_QUEUES);
  const completion = from.list(NVME_IO_QUEUES + 1, readCompletionQueue);
  const submission = from.list(NVME_IO_QUEUES + 1, readSubmissionQueue);
  const [completions, submissions] = [new Set(completion.map(({ id }) => id)), new Set(submission.map(({ id }) => id))];
  if (completions.size !== completion.length || submissions.size !== submission.length || !completions.has(0) || !submissions.has(0)) from.refuse('queues have one number each, and the admin queues 0');
  for (const queue of submission) if (!completions.has(queue.completions) || (queue.id === 0) !== (queue.completions === 0)) from.refuse(`submission queue ${queue.id} has completion queue ${queue.completions}`);
  for (const { waiting } of completion) for (const { queue, isLive } of waiting) if (isLive && !submissions.has(queue)) from.refuse(`a completion is of submission queue ${queue}, which there is not`);
  return {
    lastFetched,
    completion,
    submission,
    features: {
      plain: from.list(0xff, (one) => [one.u8(), one.u32()] as const),
      quietVectors: from.list(NVME_IO_QUEUES + 1, (one) => one.u16(NVME_IO_QUEUES)),
      over: from.u16(),
      under: from.u16(),
    },
    events: { requests: from.list(ASYNC_EVENT_LIMIT, (one) => one.u16()), waiting: from.list(0xff, (one) => one.u32()), isMasked: from.flag() },
  };
}

/** A state as bytes. */
export function encodeState(state: NvmeState): Uint8Array {
  const { health, controller } = state;
  const to = new StateWriter()
    .u32(state.cc).u32(state.csts).u32(state.intms).u32(state.intmc).u32(state.aqa).u64(state.asq).u64(state.acq)
    .list(state.doorbells, (one, { pair, isTail, value }) => one.u16(pair).flag(isTail).u16(value))
    .list(state.delays, (one, { kind, left }) => one.u8(DELAYED.indexOf(kind)).u64(BigInt(left)))
    .u64(state.poweredNs)
    .u64(health.reads.commands).u64(health.reads.bytes).u64(health.writes.commands).u64(health.writes.bytes).u64(health.errorCount)
    .list(health.errors, (one, { number, queue, command, status, block, namespace }) => one.u64(number).u16(queue).u16(command).u16(status).u64(block).u32(namespace))
    .flag(controller !== null);
  if (controller !== null) writeController(to, controller);
  return to.bytes();
}

/** The state that bytes are, of a controller with pages of up to 4 KiB << `largest`. VfioError EINVAL when they are none. */
export function decodeState(bytes: Uint8Array, largest: number): NvmeState {
  const from = new StateReader('nvmeLite', bytes);
  const state: NvmeState = {
    cc: from.u32(),
    csts: from.u32(),
    intms: from.u32(),
    intmc: from.u32(),
    aqa: from.u32(),
    asq: from.u64(),
    acq: from.u64(),
    doorbells: from.list(2 * (NVME_IO_QUEUES + 1), (one) => ({ pair: one.u16(NVME_IO_QUEUES), isTail: one.flag(), value: one.u16() })),
    delays: from.list(0xff, (one) => ({ kind: DELAYED[one.u8(DELAYED.length - 1)]!, left: Number(one.u64(MAX_NS)) })),
    poweredNs: from.u64(),
    health: {
      reads: { commands: from.u64(), bytes: from.u64() },
      writes: { commands: from.u64(), bytes: from.u64() },
      errorCount: from.u64(),
      errors: from.list(ERROR_LOG_ENTRIES, (one) => ({ number: one.u64(), queue: one.u16(), command: one.u16(), status: one.u16(), block: one.u64(), namespace: one.u32() })),
    },
    controller: from.flag() ? readController(from) : null,
  };
  from.end();
  const page = (state.cc >>> 7) & 0xf;
  if (page > largest) from.refuse(`CC.MPS is ${page}; the most is ${largest}`);
  return state;
}

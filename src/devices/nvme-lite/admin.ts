// Commands of the admin queue: who the controller is, its settings, its logs, and the queues.
//
// Source: NVM Express 1.4, 5

import type { Command, Ending, Result } from './command.ts';
import { checkFlags, wide } from './command.ts';
import type { Controller } from './controller.ts';
import { ALL_NAMESPACES, IDENTIFY_BYTES, MAX_TRANSFER_LOG2, NAMESPACE, identifyPage } from './identify.ts';
import { LOG, effectsPage, firmwarePage, partOf } from './log-pages.ts';
import { ADMIN } from './opcodes.ts';
import { CompletionQueue, SubmissionQueue } from './queues.ts';
import type { QueuePlace } from './queues.ts';
import { NVME_IO_QUEUES, nvmeRegisters } from './registers.ts';
import { STATUS, fail } from './status.ts';

const MAX_TRANSFER = 4096 << MAX_TRANSFER_LOG2;
const MAX_ENTRIES = Number(nvmeRegisters.registers.find(({ name }) => name === 'CAP')!.reset & 0xffffn) + 1;
const CONTIGUOUS = 1 << 0;
const INTERRUPTS = 1 << 1;
const RETAIN_EVENT = 1 << 15;
const NOT_ABORTED = 1;

/** What runs the commands of the admin queue. */
export class AdminCommands {
  private readonly controller: Controller;

  constructor(controller: Controller) {
    this.controller = controller;
  }

  /** Runs a command: what needs no memory at once. Throws, or rejects with, CommandFailed. */
  run(command: Command): Ending | Promise<Ending> {
    checkFlags(command);
    const { features, events, memory, parts, submission, completion } = this.controller;
    switch (command.opcode) {
      case ADMIN.DELETE_SUBMISSION_QUEUE:
        return this.deleteSubmissionQueue(command.dw10 & 0xffff);
      case ADMIN.CREATE_SUBMISSION_QUEUE:
        return this.createSubmissionQueue(command);
      case ADMIN.GET_LOG_PAGE:
        return this.logPage(command);
      case ADMIN.DELETE_COMPLETION_QUEUE:
        return this.deleteCompletionQueue(command.dw10 & 0xffff);
      case ADMIN.CREATE_COMPLETION_QUEUE:
        return this.createCompletionQueue(command);
      case ADMIN.IDENTIFY:
        return memory.write(command, identifyPage(command, parts.identity, parts.store).subarray(0, IDENTIFY_BYTES)).then(() => 0);
      case ADMIN.ABORT:
        return this.abort(command.dw10 & 0xffff, command.dw10 >>> 16);
      case ADMIN.SET_FEATURES:
        return features.set(command, submission.size > 1 || completion.size > 1);
      case ADMIN.GET_FEATURES:
        return features.get(command);
      case ADMIN.ASYNC_EVENT_REQUEST:
        events.request(command.id);
        return undefined;
      default:
        return fail('INVALID_OPCODE', 'there is no such command');
    }
  }

  /** What both kinds of queue are made of: number, size, place. */
  private place({ dw10, dw11, prp1 }: Command, queues: ReadonlyMap<number, unknown>): QueuePlace {
    const id = dw10 & 0xffff;
    const size = (dw10 >>> 16) + 1;
    if (id === 0 || id > NVME_IO_QUEUES || queues.has(id)) fail('INVALID_QUEUE_IDENTIFIER', `queue ${id}; expected one of 1 to ${NVME_IO_QUEUES} that there is not`);
    if (size < 2 || size > MAX_ENTRIES) fail('INVALID_QUEUE_SIZE', `${size} entries; expected 2 to ${MAX_ENTRIES}`);
    if ((dw11 & CONTIGUOUS) === 0) fail('INVALID_FIELD', 'the queue is not contiguous, which CAP.CQR demands');
    if ((prp1 & BigInt(this.controller.parts.pageBytes - 1)) !== 0n) fail('INVALID_PRP_OFFSET', `a queue at 0x${prp1.toString(16)} does not begin with a page`);
    return { id, size, address: prp1 };
  }

  private createCompletionQueue(command: Command): Result {
    const { completion, parts } = this.controller;
    const place = this.place(command, completion);
    const vector = command.dw11 >>> 16;
    if (!parts.entrySizes().completion) fail('INVALID_QUEUE_SIZE', 'CC.IOCQES is not 4: 16 bytes an entry');
    if (vector >= parts.vectors()) fail('INVALID_INTERRUPT_VECTOR', `vector ${vector}; there are ${parts.vectors()}`);
    completion.set(place.id, new CompletionQueue(place, { vector, interrupts: (command.dw11 & INTERRUPTS) !== 0 }));
    return 0;
  }

  private createSubmissionQueue(command: Command): Result {
    const { completion, submission, parts } = this.controller;
    const id = command.dw11 >>> 16;
    const completions = completion.get(id);
    if (id === 0 || completions === undefined) return fail('COMPLETION_QUEUE_INVALID', `there is no I/O completion queue ${id}`);
    const place = this.place(command, submission);
    if (!parts.entrySizes().submission) fail('INVALID_QUEUE_SIZE', 'CC.IOSQES is not 6: 64 bytes an entry');
    submission.set(place.id, new SubmissionQueue(place, completions));
    return 0;
  }

  private async deleteSubmissionQueue(id: number): Promise<Ending> {
    const { submission } = this.controller;
    const queue = submission.get(id);
    if (id === 0 || queue === undefined) return fail('INVALID_QUEUE_IDENTIFIER', `there is no I/O submission queue ${id}`);
    if (queue.isDeleted) fail('INVALID_QUEUE_IDENTIFIER', `queue ${id} is being deleted`);
    queue.isDeleted = true;
    await queue.idle();
    return () => {
      submission.delete(id);
      return 0;
    };
  }

  private deleteCompletionQueue(id: number): Result {
    const { completion, submission } = this.controller;
    const queue = completion.get(id);
    if (id === 0 || queue === undefined) return fail('INVALID_QUEUE_IDENTIFIER', `there is no I/O completion queue ${id}`);
    if ([...submission.values()].some(({ completions }) => completions === queue)) fail('INVALID_QUEUE_DELETION', `submission queues use completion queue ${id}`);
    completion.delete(id);
    this.controller.forget(queue);
    return 0;
  }

  /** Commands are not taken back once they run: only an Async Event Request is. */
  private abort(queue: number, command: number): Result {
    const { submission, events } = this.controller;
    if (!submission.has(queue)) fail('INVALID_FIELD', `there is no submission queue ${queue}`);
    if (queue !== 0 || !events.abort(command)) return NOT_ABORTED;
    this.controller.end(submission.get(0)!, command, STATUS.ABORT_REQUESTED);
    return 0;
  }

  private async logPage(command: Command): Promise<Ending> {
    const { dw10, dw11, dw12, dw13, namespace } = command;
    const { memory, events } = this.controller;
    const log = dw10 & 0xff;
    const bytes = (((dw11 & 0xffff) * 2 ** 16) + (dw10 >>> 16) + 1) * 4;
    const offset = wide(dw12, dw13);
    const page = this.page(log);
    if (namespace !== 0 && namespace !== ALL_NAMESPACES && (namespace !== NAMESPACE || log === LOG.HEALTH)) fail('INVALID_FIELD', `log page ${log} of namespace ${namespace}`);
    if ((offset & 3n) !== 0n) fail('INVALID_FIELD', `log offset ${offset} is no multiple of 4`);
    if (bytes > MAX_TRANSFER) fail('INVALID_FIELD', `${bytes} bytes at once; the most is ${MAX_TRANSFER}`);
    await memory.write(command, partOf(page, offset, bytes));
    return () => {
      if (log === LOG.ERRORS && (dw10 & RETAIN_EVENT) === 0) events.errorsRead();
      return 0;
    };
  }

  private page(log: number): Uint8Array {
    const { parts } = this.controller;
    switch (log) {
      case LOG.ERRORS:
        return parts.health.errorPage();
      case LOG.HEALTH:
        return parts.health.healthPage(parts.poweredNs());
      case LOG.FIRMWARE:
        return firmwarePage(parts.identity);
      case LOG.CHANGED_NAMESPACES:
        return new Uint8Array(4096);
      case LOG.EFFECTS:
        return effectsPage(parts.store.deallocate !== undefined);
      default:
        return fail('INVALID_LOG_PAGE', `there is no log page 0x${log.toString(16)}`);
    }
  }
}

// The controller between two resets: it fetches commands, has them run, and posts how they ended.
//
//   doorbell --> fetch, queue by queue in turn --> run: admin or I/O, many at once --> wait for room --> post --> interrupt
//
//   a queue is not fetched from while its completion queue is full, or while as many commands run as may;
//   a command that cannot be fetched, or whose end cannot be posted, is told by CSTS.CFS: there is no other way left
//
// Source: NVM Express 1.4, 4.1, 4.13 (round robin), 7.2 and 9.5 (fatal status)

import type { BusMaster } from '../../pci/index.ts';
import { AdminCommands } from './admin.ts';
import { COMMAND_BYTES, decodeCommand } from './command.ts';
import type { Command, Ending, Result } from './command.ts';
import { AsyncEvents, ERROR_EVENT } from './events.ts';
import { Features } from './features.ts';
import type { NvmeIdentity } from './identify.ts';
import { IoCommands } from './io.ts';
import type { Health } from './log-pages.ts';
import { DataMemory } from './prp.ts';
import { CompletionQueue, SubmissionQueue } from './queues.ts';
import { CommandFailed, DO_NOT_RETRY, STATUS } from './status.ts';
import type { ControllerState } from './state.ts';
import type { CheckedStore } from './store.ts';

/** What a controller is given. */
export interface NvmeParts {
  readonly dma: BusMaster;
  readonly store: CheckedStore;
  readonly identity: NvmeIdentity;
  readonly health: Health;
  /** Bytes of a page, as CC.MPS said when it was enabled. */
  readonly pageBytes: number;
  /** Interrupt vectors that queues may name. */
  vectors(): number;
  /** Whether CC says what entries of I/O queues are. */
  entrySizes(): { readonly submission: boolean; readonly completion: boolean };
  poweredNs(): bigint;
  /** The entries of a completion queue changed; `posted`: some were added. */
  interrupt(queue: CompletionQueue, posted: boolean): void;
  /** Whether there is no device any more. */
  isGone(): boolean;
  /** Nothing works from now on. */
  fatal(): void;
  guestError(message: string): void;
  onStoreError(error: unknown): void;
}

/** Where the admin queues are. */
export interface AdminQueues {
  readonly submission: { readonly address: bigint; readonly size: number };
  readonly completion: { readonly address: bigint; readonly size: number };
}

/** Commands of I/O queues that may run at once, and with them at most so many times the largest transfer in bytes. */
const MOST_RUNNING = 128;
/** Likewise of the admin queue. */
const MOST_ADMIN_RUNNING = 32;

/** A controller that was enabled. */
export class Controller {
  readonly parts: NvmeParts;
  readonly memory: DataMemory;
  readonly features = new Features();
  readonly events: AsyncEvents;
  /** By their numbers; 0 is the admin queue. */
  readonly submission = new Map<number, SubmissionQueue>();
  readonly completion = new Map<number, CompletionQueue>();
  private readonly admin: AdminCommands;
  private readonly io: IoCommands;
  private readonly tasks = new Set<Promise<void>>();
  private runningIo = 0;
  private isStopped = false;
  private isFetching = false;
  private lastFetched = 0;
  /** Commands that ran when the controller was migrated: they run from their beginning, as nobody was told of their end. */
  private again: { readonly queue: SubmissionQueue; readonly raw: Uint8Array }[] = [];

  constructor(parts: NvmeParts, queues: AdminQueues) {
    this.parts = parts;
    this.memory = new DataMemory(parts.dma, parts.pageBytes, () => this.isOver);
    const completions = new CompletionQueue({ id: 0, ...queues.completion }, { vector: 0, interrupts: true });
    const admin = new SubmissionQueue({ id: 0, ...queues.submission }, completions);
    this.completion.set(0, completions);
    this.submission.set(0, admin);
    this.events = new AsyncEvents((command, result) => this.end(this.submission.get(0)!, command, STATUS.SUCCESS, result));
    this.admin = new AdminCommands(this);
    this.io = new IoCommands(parts, this.memory, this.features);
  }

  /** Starts nothing more, and tells nobody how what runs ends. */
  stop(): void {
    this.isStopped = true;
  }

  private get isOver(): boolean {
    return this.isStopped || this.parts.isGone();
  }

  /** Resolves once nothing runs: no command, no transfer. */
  async idle(): Promise<void> {
    while (this.tasks.size > 0) await Promise.all(this.tasks);
  }

  /** The host moved the tail of a submission queue. */
  movedTail(id: number, tail: number): void {
    if (this.isOver) return;
    const queue = this.submission.get(id);
    if (queue === undefined) {
      this.badDoorbell(ERROR_EVENT.INVALID_DOORBELL_REGISTER, `tail of submission queue ${id}, which there is not`);
    } else if (queue.moveTail(tail)) {
      this.fetch();
    } else {
      this.badDoorbell(ERROR_EVENT.INVALID_DOORBELL_VALUE, `tail ${tail} of submission queue ${id}, which has ${queue.size} entries`);
    }
  }

  /** The host moved the head of a completion queue. */
  movedHead(id: number, head: number): void {
    if (this.isOver) return;
    const queue = this.completion.get(id);
    if (queue === undefined) {
      this.badDoorbell(ERROR_EVENT.INVALID_DOORBELL_REGISTER, `head of completion queue ${id}, which there is not`);
    } else if (queue.moveHead(head)) {
      // What is on its way to memory shows the interrupt when it has arrived.
      if (!queue.isPosting) this.parts.interrupt(queue, false);
      this.post(queue);
      this.fetch();
    } else {
      this.badDoorbell(ERROR_EVENT.INVALID_DOORBELL_VALUE, `head ${head} of completion queue ${id}, of whose ${queue.size} entries ${queue.unread} from ${queue.head} on are to be taken`);
    }
  }

  private badDoorbell(event: number, what: string): void {
    this.parts.guestError(`doorbell: ${what}`);
    this.parts.health.log({ queue: 0xffff, command: 0xffff, status: 0, block: 0n, namespace: 0 });
    this.events.error(event);
  }

  /** A completion queue is no more: nor are its completions. */
  forget(queue: CompletionQueue): void {
    queue.isDeleted = true;
    queue.waiting.length = 0;
    this.parts.interrupt(queue, false);
  }

  /** A command of a queue ended. */
  end(queue: SubmissionQueue, command: number, status: number, result = 0): void {
    const { completions } = queue;
    if (this.isOver || completions.isDeleted) return;
    completions.waiting.push({ queue, command, status, result });
    this.post(completions);
  }

  private track(run: () => Promise<void>): void {
    const task = run();
    this.tasks.add(task);
    void task.finally(() => this.tasks.delete(task));
  }

  private fatal(what: string, error: unknown): void {
    if (this.isOver) return;
    this.isStopped = true;
    this.parts.fatal();
    this.parts.guestError(`${what}: ${(error as Error).message}`);
  }

  private post(queue: CompletionQueue): void {
    if (queue.isPosting || queue.waiting.length === 0 || queue.room === 0) return;
    this.track(async () => {
      queue.isPosting = true;
      while (queue.waiting.length > 0 && queue.room > 0) {
        const { address, bytes } = queue.take();
        try {
          await this.parts.dma.write(address, bytes);
        } catch (error) {
          this.fatal(`completion queue ${queue.id}`, error);
        }
        if (this.isOver || queue.isDeleted) return;
        queue.posting = null;
      }
      queue.isPosting = false;
      // Whoever hears of it may take the device away: nothing of it is touched after that.
      this.parts.interrupt(queue, true);
      this.fetch();
    });
  }

  private mayFetch({ id, contiguous, isDeleted, completions, running }: SubmissionQueue): boolean {
    if (isDeleted || contiguous === 0 || completions.room === 0) return false;
    return id === 0 ? running.size < MOST_ADMIN_RUNNING : this.runningIo < MOST_RUNNING;
  }

  /** The queue whose turn it is. */
  private next(): SubmissionQueue | undefined {
    const ready = [...this.submission.values()].filter((queue) => this.mayFetch(queue)).sort((a, b) => a.id - b.id);
    return ready.find(({ id }) => id > this.lastFetched) ?? ready[0];
  }

  private fetch(): void {
    if (this.isFetching || this.isOver) return;
    const first = this.next();
    if (first === undefined) return;
    this.isFetching = true;
    this.track(async () => {
      for (let queue: SubmissionQueue | undefined = first; queue !== undefined; queue = this.next()) {
        this.lastFetched = queue.id;
        const allowed = queue.id === 0 ? MOST_ADMIN_RUNNING - queue.running.size : MOST_RUNNING - this.runningIo;
        const count = Math.min(queue.contiguous, allowed, this.features.burst);
        let bytes: Uint8Array;
        try {
          bytes = await this.parts.dma.read(queue.address + BigInt(COMMAND_BYTES * queue.head), COMMAND_BYTES * count);
        } catch (error) {
          this.fatal(`submission queue ${queue.id}`, error);
          return;
        }
        if (this.isOver) return;
        if (queue.isDeleted) continue;
        queue.fetched(count);
        for (let i = 0; i < count; i++) this.start(queue, bytes.slice(COMMAND_BYTES * i, COMMAND_BYTES * (i + 1)));
      }
      this.isFetching = false;
    });
  }

  private start(queue: SubmissionQueue, raw: Uint8Array): void {
    const { id } = decodeCommand(raw);
    if (queue.running.has(id)) {
      this.parts.guestError(`queue ${queue.id}: command identifier ${id} is in use`);
      this.end(queue, id, STATUS.COMMAND_ID_CONFLICT);
      return;
    }
    queue.running.set(id, raw);
    if (queue.id !== 0) this.runningIo++;
    this.run(queue, decodeCommand(raw));
  }

  private run(queue: SubmissionQueue, command: Command): void {
    let ending: Ending | Promise<Ending>;
    try {
      ending = (queue.id === 0 ? this.admin : this.io).run(command);
    } catch (error) {
      this.ends(queue, command, () => fails(error));
      return;
    }
    if (!(ending instanceof Promise)) {
      const ended = ending;
      this.ends(queue, command, () => ended);
      return;
    }
    this.track(async () => {
      let finish: () => Ending;
      try {
        const ended = await ending;
        finish = () => ended;
      } catch (error) {
        finish = () => fails(error);
      }
      this.ends(queue, command, finish);
    });
  }

  /** All that a command's end changes, in one step. */
  private ends(queue: SubmissionQueue, command: Command, finish: () => Ending): void {
    let status: number = STATUS.SUCCESS;
    let result: Result | undefined = 0;
    try {
      const ended = finish();
      result = typeof ended === 'function' ? ended() : ended;
    } catch (error) {
      status = error instanceof CommandFailed ? error.status : STATUS.INTERNAL_ERROR;
      if (!this.isOver) this.failed(queue, command, status, error as Error);
    }
    if (queue.id !== 0) this.runningIo--;
    if (result !== undefined) this.end(queue, command.id, status, result);
    queue.ended(command.id);
    this.fetch();
  }

  private failed(queue: SubmissionQueue, command: Command, status: number, { message }: Error): void {
    const isHosts = (status & DO_NOT_RETRY) !== 0 || status === STATUS.DATA_TRANSFER_ERROR;
    if (isHosts && status !== STATUS.COMPARE_FAILURE) this.parts.guestError(`queue ${queue.id}, command ${command.id}, opcode 0x${command.opcode.toString(16)}: ${message}`);
    if (!isHosts) this.parts.health.log({ queue: queue.id, command: command.id, status, block: (BigInt(command.dw11) << 32n) | BigInt(command.dw10), namespace: command.namespace });
  }

  /** What is to be migrated. Commands and completions that are on their way are told as not begun. */
  save(): ControllerState {
    return {
      lastFetched: this.lastFetched,
      completion: [...this.completion.values()].map(({ id, address, size, vector, interrupts, head, tail, phase, posting, waiting }) => ({
        id,
        address,
        size,
        vector,
        interrupts,
        head,
        tail: posting?.tail ?? tail,
        phase: posting?.phase ?? phase,
        waiting: [...(posting?.entries ?? []), ...waiting].map(({ queue, command, status, result }) => ({ queue: queue.id, queueHead: queue.head, isLive: this.submission.get(queue.id) === queue, command, status, result })),
      })),
      submission: [...this.submission.values()].map(({ id, address, size, completions, head, tail, running }) => ({ id, address, size, completions: completions.id, head, tail, running: [...running.values()] })),
      features: this.features.save(),
      events: this.events.save(),
    };
  }

  /** Becomes what was saved; it goes on with {@link Controller.resumed}. */
  load(state: ControllerState): void {
    this.lastFetched = state.lastFetched;
    this.features.load(state.features);
    this.events.load(state.events);
    for (const saved of state.completion) {
      const queue = new CompletionQueue(saved, saved);
      Object.assign(queue, { head: saved.head, tail: saved.tail, phase: saved.phase });
      this.completion.set(saved.id, queue);
    }
    for (const saved of state.submission) {
      const queue = new SubmissionQueue(saved, this.completion.get(saved.completions)!);
      Object.assign(queue, { head: saved.head, tail: saved.tail });
      this.submission.set(saved.id, queue);
      for (const raw of saved.running) {
        queue.running.set(decodeCommand(raw).id, raw);
        if (queue.id !== 0) this.runningIo++;
        this.again.push({ queue, raw });
      }
    }
    for (const { id, waiting } of state.completion) {
      for (const { queue, queueHead, isLive, ...ended } of waiting) {
        this.completion.get(id)!.waiting.push({ ...ended, queue: isLive ? this.submission.get(queue)! : { id: queue, head: queueHead } });
      }
    }
  }

  /** Goes on after it was stopped, or loaded. */
  resumed(): void {
    if (this.isOver) return;
    for (const { queue, raw } of this.again.splice(0)) this.run(queue, decodeCommand(raw));
    for (const queue of [...this.completion.values()]) this.post(queue);
    this.fetch();
  }
}

function fails(error: unknown): never {
  throw error;
}

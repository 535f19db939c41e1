// Two streams of steps beside each other, what was recorded and what is replayed: where they differ.

import type { CommandStep, SessionStep, SteppedMessage } from './steps.ts';

/** Something that came out otherwise than then, or then alone, or now alone. */
export interface SessionDifference {
  readonly recorded: SessionStep | undefined;
  readonly replayed: SessionStep | undefined;
}

/** What is compared, each with its own: replies to the client, what the device's server asks of it, signals of eventfds, DMA by fds. */
export type Channel = 'replies' | 'asked' | 'interrupts' | 'transfers';

function channelOf(step: SessionStep): Channel | undefined {
  if (step.kind === 'interrupt') return 'interrupts';
  if (step.kind === 'transfer') return 'transfers';
  if (step.kind !== 'command') return undefined;
  return step.from === 'client' ? 'replies' : 'asked';
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

function sameMessage(a: SteppedMessage | undefined, b: SteppedMessage | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const [one, other] = [a.header, b.header];
  return one.id === other.id && one.command === other.command && one.flags === other.flags && one.errno === other.errno && one.size === other.size && same(a.payload, b.payload);
}

const sameCommand = (a: CommandStep, b: CommandStep): boolean => sameMessage(a.command, b.command) && sameMessage(a.reply, b.reply);

function sameStep(a: SessionStep, b: SessionStep): boolean {
  if (a.kind === 'command' && b.kind === 'command') return sameCommand(a, b);
  if (a.kind === 'interrupt' && b.kind === 'interrupt') return a.fd === b.fd;
  if (a.kind === 'transfer' && b.kind === 'transfer') return a.fd === b.fd && a.writes === b.writes && a.offset === b.offset && same(a.bytes, b.bytes);
  return a.kind === b.kind;
}

/** Two streams of steps, each kind compared in its own order: which of two kinds came first is not the device's to say. */
export class Comparison {
  readonly counts: Record<Channel, number> = { replies: 0, asked: 0, interrupts: 0, transfers: 0 };
  readonly differences: SessionDifference[] = [];
  differing = 0;
  private readonly most: number;
  private readonly channels: readonly Channel[];
  private readonly waiting = { recorded: new Map<Channel, SessionStep[]>(), replayed: new Map<Channel, SessionStep[]>() };

  /**
   * @param most - How many differences are kept.
   * @param channels - What the recorder has told of.
   */
  constructor(most: number, channels: readonly Channel[]) {
    this.most = most;
    this.channels = channels;
  }

  add(side: 'recorded' | 'replayed', step: SessionStep): void {
    const channel = channelOf(step);
    if (channel === undefined || !this.channels.includes(channel)) return;
    const other = this.waiting[side === 'recorded' ? 'replayed' : 'recorded'].get(channel)?.shift();
    if (other === undefined) {
      const own = this.waiting[side].get(channel) ?? [];
      own.push(step);
      this.waiting[side].set(channel, own);
      return;
    }
    this.counts[channel]++;
    const [recorded, replayed] = side === 'recorded' ? [step, other] : [other, step];
    if (!sameStep(recorded, replayed)) this.differ({ recorded, replayed });
  }

  private differ(difference: SessionDifference): void {
    this.differing++;
    if (this.differences.length < this.most) this.differences.push(difference);
  }

  /** What one side has alone. Of a session that was cut nobody knows what came behind. */
  end(isCut: boolean): void {
    for (const recorded of [...this.waiting.recorded.values()].flat()) this.differ({ recorded, replayed: undefined });
    if (!isCut) for (const replayed of [...this.waiting.replayed.values()].flat()) this.differ({ recorded: undefined, replayed });
  }
}

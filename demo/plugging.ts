// Cards that come and go: plugged into the machine that runs, found by its guest, driven, pulled.

import { attachV86 } from 'maplebar/v86';
import type { InterruptStorm, V86Access } from 'maplebar/v86';
import type { AnyMachine, CardKind, Plugged } from './cards/card.ts';
import { STORM_CAP } from './panels/interrupts.ts';

const DRIVE_EVERY_MS = 60;

/** Who is told of what. */
export interface Listeners {
  readonly trace: (access: V86Access) => void;
  readonly storm: (storm: InterruptStorm) => void;
  /** What a card, its driver or the guest did wrong, in a line. */
  readonly wrong: (message: string) => void;
  /** Cards came or went. */
  readonly changed: () => void;
}

const devfnOf = ({ card }: Pick<Plugged, 'card'>): number => Number.parseInt(card.slot.slice(3, 5), 16) << 3;

/** The cards of one machine. */
export class Plugging {
  readonly machine: AnyMachine;
  /** Whether memory that can lie in the guest's RAM does. */
  isDirect = false;
  private isTraced: boolean;
  private readonly listeners: Listeners;
  private cards: Plugged[] = [];
  /** Gives v86 back when no other card is there to do so. */
  private pulled: Plugged['card'] | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private isPaused = false;
  private isOver = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(machine: AnyMachine, listeners: Listeners) {
    this.machine = machine;
    this.listeners = listeners;
    this.isTraced = !machine.isLinked;
    this.again();
  }

  get plugged(): readonly Plugged[] {
    return this.cards;
  }

  /** One after the other: a guest that scans its bus is not to find a card that is being pulled. */
  private inTurn<Result>(what: () => Promise<Result>): Promise<Result> {
    const next = this.queue.then(what);
    this.queue = next.catch(() => undefined);
    return next;
  }

  /** Plugs a card in, and has the guest find it. Rejects with what the device threw; nothing is plugged in then. */
  plug(kind: CardKind): Promise<void> {
    return this.inTurn(async () => {
      if (this.find(kind.key) === undefined) await this.insert(kind);
    });
  }

  /** Pulls a card. */
  unplug(key: string): Promise<void> {
    return this.inTurn(async () => {
      const one = this.find(key);
      if (one === undefined) return;
      await this.pull(one);
      this.listeners.changed();
      await this.missed();
    });
  }

  /** Pulls a card, if it is there, and plugs it in anew, in one turn: nothing comes between, and nobody is told that it is away. */
  replug(kind: CardKind): Promise<void> {
    return this.inTurn(async () => {
      const one = this.find(kind.key);
      try {
        if (one !== undefined) {
          await this.pull(one);
          await this.missed();
        }
        await this.insert(kind);
      } finally {
        this.listeners.changed();
      }
    });
  }

  private find(key: string): Plugged | undefined {
    return this.cards.find(({ kind }) => kind.key === key);
  }

  private async insert(kind: CardKind): Promise<void> {
    const face = kind.face(this.machine);
    const { machine, listeners } = this;
    const isDirect = this.isDirect && kind.directBar !== undefined && machine.reserved !== null;
    const card = attachV86(machine.emulator, face.make, {
      engine: machine.engine,
      storm: STORM_CAP,
      onStorm: listeners.storm,
      ...(this.isTraced && { trace: listeners.trace }),
      onMistake: (error) => listeners.wrong(`${kind.title}: ${(error as Error).message}`),
      onGuestError: (message) => listeners.wrong(`driver: ${message}`),
      onDmaFault: (fault) => listeners.wrong(`DMA: ${fault.message}`),
      ...(isDirect && { direct: { 0: machine.reserved.start } }),
    });
    this.cards = [...this.cards, { kind, face, card }];
    listeners.changed();
    await machine.rescan();
    if (machine.kind === 'linux') await face.linux?.(machine, card.slot);
    listeners.changed();
  }

  private async pull(one: Plugged): Promise<void> {
    await this.machine.release(one.card.slot);
    this.cards = this.cards.filter((other) => other !== one);
    one.card.unplug();
    this.pulled = one.card;
  }

  /** Has a guest that is not told so find that a card is gone. */
  private async missed(): Promise<void> {
    if (this.machine.kind === 'built-in') await this.machine.rescan();
  }

  /** Whether accesses are told to the trace from now on. */
  setTraced(isTraced: boolean): void {
    this.isTraced = isTraced;
    for (const { card } of this.cards) card.trace(isTraced ? this.listeners.trace : undefined);
  }

  /** Has the built-in guest put a card's BARs elsewhere, between two of its rounds. */
  move(key: string): Promise<void> {
    return this.inTurn(async () => {
      const one = this.find(key);
      if (one === undefined || this.machine.kind !== 'built-in') return;
      await this.machine.move(devfnOf(one));
    });
  }

  /** Runs `what` while the built-in guest drives nothing. */
  quietly<Result>(what: () => Promise<Result>): Promise<Result> {
    return this.inTurn(async () => {
      this.isPaused = true;
      try {
        return await what();
      } finally {
        this.isPaused = false;
      }
    });
  }

  private again(): void {
    this.timer = setTimeout(() => {
      void this.inTurn(() => this.drive()).catch((error: unknown) => this.listeners.wrong((error as Error).message)).finally(() => {
        if (!this.isOver) this.again();
      });
    }, DRIVE_EVERY_MS);
  }

  /** Has the built-in guest drive each card once. */
  private async drive(): Promise<void> {
    const { machine } = this;
    if (machine.kind !== 'built-in' || this.isPaused || document.hidden) return;
    for (const { card, face } of this.cards) {
      const found = machine.found.find(({ devfn }) => devfn === devfnOf({ card }));
      if (found !== undefined) await face.drive?.(machine, found);
    }
  }

  /** Pulls all cards and ends the machine. */
  async end(): Promise<void> {
    this.isOver = true;
    clearTimeout(this.timer);
    await this.queue;
    for (const { card } of this.cards.splice(0)) card.detach();
    this.pulled?.detach();
    await this.machine.end();
  }
}

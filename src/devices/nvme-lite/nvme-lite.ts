// An NVM Express 1.4 controller with one namespace, as the nvme driver of Linux and firmware drive it: the PCI function, its registers, and what enabling and resetting do.
//
//   registers.ts   BAR 0                     controller.ts  from doorbell to interrupt            store.ts  where blocks are
//   queues.ts      rings in guest memory     command.ts, status.ts, opcodes.ts  what is said in them
//   prp.ts         data in guest memory      admin.ts, io.ts  commands      identify.ts, features.ts, log-pages.ts, events.ts  what they tell
//   state.ts       what is migrated, with the blocks of an array
//
//   CC.EN  _____/-----------------\______      CSTS.RDY follows in at most CAP.TO * 500 ms; here in 1 ms, once
//   RDY    _______/-----------------\____      nothing runs any more of what was begun before
//
// Source: NVM Express 1.4, 3.1, 7.3 and 7.6; identity of QEMU docs/system/devices/nvme.rst and its 1b36:0010

import type { Engine } from '../../core/index.ts';
import { StateWriter, capability, pciDevice, registerBar, streamedMigration } from '../../pci/index.ts';
import type { BarOf, DeviceHost, PciDevice } from '../../pci/index.ts';
import { Controller } from './controller.ts';
import { CompletionInterrupts } from './interrupts.ts';
import { Health } from './log-pages.ts';
import { checkedIdentity } from './options.ts';
import type { NvmeLiteOptions } from './options.ts';
import { NVME_IO_QUEUES, nvmeRegisters } from './registers.ts';
import { DELAYED, STATE_VERSION, decodeState, encodeState } from './state.ts';
import type { NvmeState } from './state.ts';
import { checkedStore } from './store.ts';

/** From a write of CC to what CSTS says of it, in ns. */
const FOLLOW_NS = 1_000_000;
const DEFAULT_BYTES = 1 << 20;
const VENDOR = 0x1b36;
const DEVICE = 0x0010;
const COMMAND_SETS = { NVM: 0, ALL: 6, ADMIN: 7 } as const;

/** Something that follows a change of CC. */
interface Delay {
  readonly kind: (typeof DELAYED)[number];
  /** The change. */
  readonly mine: number;
  readonly cancel: () => void;
}

/** An NVMe controller. */
export type NvmeLite = PciDevice<{ readonly 0: BarOf<typeof nvmeRegisters> }>;

function messages(kind: 'msix' | 'msi' | 'pin'): ReturnType<typeof capability.msi>[] {
  if (kind === 'msix') return [capability.msix({ at: 0x40, vectors: NVME_IO_QUEUES + 1, table: { bar: 0, offset: 0x2000 }, pending: { bar: 0, offset: 0x3000 } })];
  return kind === 'msi' ? [capability.msi({ at: 0x40 })] : [];
}

/**
 * Makes one: 1b36:0010, class 010802, 16 KiB of registers in BAR 0 (64 bits), with the MSI-X table in them. Needs `host.clock` and `host.dma`, and a host that calls
 * `Engine.pump`, by which it learns of doorbells.
 *
 * @param engine where its regions live.
 * @param host what runs it.
 * @param options blocks and names.
 * @throws RangeError, TypeError for a store or names that cannot be.
 * @example
 * ```ts
 * const disk = new Uint8Array(64 << 20);
 * const bench = createTestbench();
 * const card = bench.plug((engine, host) => nvmeLite(engine, host, { store: disk }));
 * bench.memory.read32(bench.addressOf(card, 0) + 0x08); // 0x10400: version 1.4
 * ```
 */
export function nvmeLite(engine: Engine, host: DeviceHost = {}, options: NvmeLiteOptions = {}): NvmeLite {
  const { interrupts = 'msix', onStoreError = () => undefined } = options;
  const store = checkedStore(options.store ?? new Uint8Array(DEFAULT_BYTES), options.blockSize);
  const identity = checkedIdentity(host.slot ?? '00:00.0', options);
  let health = new Health();
  let controller: Controller | null = null;
  /** Ends when nothing runs any more of the controllers that were. */
  let drained: Promise<unknown> = Promise.resolve();
  /** Counts changes of CC.EN: an answer to an older one is none. */
  let changes = 0;

  const registers = () => card.bar(0).regs;
  const poweredNs = (): bigint => card.now() + poweredBefore;

  /** What is to follow a change of CC, until it has. */
  const delays = new Set<Delay>();
  let poweredBefore = 0n;

  const afterwards = {
    ready: () => {
      registers().CSTS.RDY.set();
      lookAtAll();
    },
    disabled: () => registers().CSTS.poke(0),
    'shut down': async () => {
      const mine = changes;
      await controller?.idle();
      try {
        await store.flush?.();
      } catch (error) {
        onStoreError(error);
      }
      if (!card.isGone && mine === changes) registers().CSTS.SHST.poke('complete');
    },
  } as const;

  /** What follows happens when its time has come and nothing runs any more of what was before, unless CC.EN has changed again. */
  const follow = (kind: Delay['kind'], left = FOLLOW_NS): void => {
    const mine = changes;
    const run = async (): Promise<void> => {
      await drained;
      if (!card.isGone && mine === changes) await afterwards[kind]();
      delays.delete(delay);
    };
    const delay: Delay = { kind, mine, cancel: card.after(left, () => void run()) };
    delays.add(delay);
  };

  const forgetDoorbells = (): void => {
    for (const { SQ_TAIL, CQ_HEAD } of registers().DOORBELL) {
      SQ_TAIL.poke(0);
      CQ_HEAD.poke(0);
    }
  };

  const stop = (): void => {
    if (controller === null) return;
    controller.stop();
    drained = Promise.all([drained, controller.idle()]);
    controller = null;
  };

  /** Looks at the doorbells of a pair of queues; they wait while the controller is not ready yet. */
  const look = (pair: number): void => {
    if (card.isPaused) return;
    const { DOORBELL, CC, CSTS } = registers();
    const { SQ_TAIL, CQ_HEAD } = DOORBELL[pair]!;
    if (CC.EN.get() === 1 && CSTS.RDY.get() === 0) return;
    const take = (doorbell: typeof SQ_TAIL | typeof CQ_HEAD): number | undefined => {
      if (doorbell.RUNG.get() === 0) return undefined;
      const value = doorbell.value.get();
      doorbell.poke(0);
      if (controller === null) card.guestError(`doorbell of queue pair ${pair} while the controller is not enabled`);
      return value;
    };
    const head = take(CQ_HEAD);
    const tail = take(SQ_TAIL);
    if (head !== undefined) controller?.movedHead(pair, head);
    if (tail !== undefined) controller?.movedTail(pair, tail);
  };

  const lookAtAll = (): void => {
    for (let pair = 0; pair <= NVME_IO_QUEUES; pair++) look(pair);
  };

  /** Why the controller cannot be enabled as the registers are; undefined when it can. */
  const complaint = (pageBytes: number): string | undefined => {
    const { CC, AQA, ASQ, ACQ, CAP } = registers();
    if (CC.MPS.get() > CAP.MPSMAX.get()) return `CC.MPS is ${CC.MPS.get()}; the most is ${CAP.MPSMAX.get()}`;
    if (CC.AMS.get() !== 0) return `CC.AMS is ${CC.AMS.get()}; there is round robin alone`;
    if (!(Object.values(COMMAND_SETS) as number[]).includes(CC.CSS.get())) return `CC.CSS is ${CC.CSS.get()}`;
    if (AQA.ASQS.get() === 0 || AQA.ACQS.get() === 0) return 'AQA: an admin queue has 2 entries at least';
    if (((ASQ.peek() | ACQ.peek()) & BigInt(pageBytes - 1)) !== 0n) return 'ASQ, ACQ: an admin queue does not begin with a page';
    return undefined;
  };

  const enable = (): void => {
    const { CC, CSTS } = registers();
    const pageBytes = 4096 << CC.MPS.get();
    changes++;
    CSTS.poke(0);
    forgetDoorbells();
    const wrong = complaint(pageBytes);
    if (wrong !== undefined) {
      CSTS.CFS.set();
      card.guestError(wrong);
      return;
    }
    controller = made(pageBytes);
    follow('ready');
  };

  const made = (pageBytes: number): Controller => {
    const { CC, CSTS, AQA, ASQ, ACQ } = registers();
    return new Controller({
      dma: card.dma,
      store,
      identity,
      health,
      pageBytes,
      vectors: () => (card.function.msixVectors?.enabled === true ? card.function.msixVectors.count : 1),
      entrySizes: () => ({ submission: CC.IOSQES.get() === 6, completion: CC.IOCQES.get() === 4 }),
      poweredNs,
      interrupt: (queue, posted) => lines.show(queue, posted),
      isGone: () => card.isGone,
      fatal: () => CSTS.CFS.set(),
      guestError: (message) => card.guestError(message),
      onStoreError,
    }, {
      submission: { address: ASQ.peek(), size: AQA.ASQS.get() + 1 },
      completion: { address: ACQ.peek(), size: AQA.ACQS.get() + 1 },
    });
  };

  const disable = (): void => {
    const { INTMS, INTMC } = registers();
    changes++;
    stop();
    lines.clear();
    if (card.isGone) return;
    forgetDoorbells();
    INTMS.poke(0);
    INTMC.poke(0);
    follow('disabled');
  };

  const shutDown = (): void => {
    registers().CSTS.SHST.poke('under_way');
    follow('shut down');
  };

  const save = (): NvmeState => {
    const { CC, CSTS, INTMS, INTMC, AQA, ASQ, ACQ, DOORBELL } = registers();
    const doorbells = [...DOORBELL].flatMap(({ SQ_TAIL, CQ_HEAD }, pair) => [
      { pair, isTail: false, register: CQ_HEAD },
      { pair, isTail: true, register: SQ_TAIL },
    ]);
    return {
      cc: CC.peek(),
      csts: CSTS.peek(),
      intms: INTMS.peek(),
      intmc: INTMC.peek(),
      aqa: AQA.peek(),
      asq: ASQ.peek(),
      acq: ACQ.peek(),
      doorbells: doorbells.filter(({ register }) => register.RUNG.get() === 1).map(({ pair, isTail, register }) => ({ pair, isTail, value: register.value.get() })),
      delays: [...delays].filter(({ mine }) => mine === changes).map(({ kind, cancel }) => ({ kind, left: card.timeLeft(cancel) ?? 0 })),
      poweredNs: poweredNs(),
      health: health.save(),
      controller: controller?.save() ?? null,
    };
  };

  /** Becomes what was saved, as far as that needs nobody outside; the rest comes with `resumed`. */
  const become = (state: NvmeState): void => {
    const { CC, CSTS, INTMS, INTMC, AQA, ASQ, ACQ, DOORBELL } = registers();
    changes++;
    stop();
    lines.clear();
    forgetDoorbells();
    for (const [register, value] of [[CC, state.cc], [CSTS, state.csts], [INTMS, state.intms], [INTMC, state.intmc], [AQA, state.aqa]] as const) register.poke(value);
    for (const [register, value] of [[ASQ, state.asq], [ACQ, state.acq]] as const) register.poke(value);
    for (const { pair, isTail, value } of state.doorbells) {
      const register = DOORBELL[pair]![isTail ? 'SQ_TAIL' : 'CQ_HEAD'];
      register.value.poke(value);
      register.RUNG.set();
    }
    health = new Health();
    health.load(state.health);
    poweredBefore = state.poweredNs - card.now();
    if (state.controller !== null) {
      controller = made(4096 << CC.MPS.get());
      controller.load(state.controller);
      adopted = controller;
    }
    for (const { kind, left } of state.delays) follow(kind, left);
  };

  /** A controller that was loaded, and has not run. */
  let adopted: Controller | null = null;

  const resumed = (): void => {
    if (adopted === controller && adopted !== null) for (const queue of adopted.completion.values()) lines.adopt(queue);
    adopted = null;
    controller?.resumed();
    lookAtAll();
  };


  const card: NvmeLite = pciDevice(engine, {
    id: [VENDOR, DEVICE],
    subsystem: [0x1af4, 0x1100],
    class: 0x010802,
    revision: 0x02,
    pin: 'A',
    names: { class: 'Non-Volatile memory controller', device: 'QEMU NVM Express Controller' },
    capabilities: [...messages(interrupts), capability.express({ at: 0x80, port: 'integrated-endpoint' }), capability.powerManagement({ at: 0x60, keepsState: true })],
    bars: {
      0: registerBar(nvmeRegisters, {
        kind: 'mem64',
        size: 0x4000,
        doorbell: ({ indices }) => look(indices[0]!),
        doorbellsLost: lookAtAll,
        hooks: {
          CC: {
            afterWrite: ({ old, value }) => {
              const isEnabled = (value & 1) === 1;
              if (isEnabled !== ((old & 1) === 1)) {
                if (isEnabled) enable();
                else disable();
              }
              const notification = (value >>> 14) & 3;
              if (notification !== 0 && !card.isGone && notification !== ((old >>> 14) & 3)) shutDown();
            },
          },
        },
      }),
    },
    migration: streamedMigration({
      name: 'nvmeLite',
      id: [VENDOR, DEVICE],
      version: STATE_VERSION,
      identity: () => [identity.serial, identity.model, identity.firmware, interrupts].reduce((to, text) => to.block(new TextEncoder().encode(text)), new StateWriter().u32(store.blockSize).u64(BigInt(store.blocks))).bytes(),
      save: () => encodeState(save()),
      load: (bytes) => {
        const state = decodeState(bytes, registers().CAP.MPSMAX.get());
        return () => become(state);
      },
      ...(store.memory !== undefined && { memory: store.memory }),
      resumed,
    }),
    onReset: () => {
      changes++;
      stop();
      lines.clear();
      health = new Health();
      poweredBefore = 0n;
      adopted = null;
      delays.clear();
    },
  }, host);
  const lines = new CompletionInterrupts(card);
  return card;
}

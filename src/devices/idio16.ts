// The ACCES PCI-IDIO-16: sixteen isolated inputs, sixteen FET outputs, and an interrupt when an input changes. Eight bytes of registers.
//
//        read                                write
//   0    outputs 0-7                         outputs 0-7
//   1    inputs 0-7                          clears the interrupt, whatever is written
//   2    enables interrupts                  disables interrupts, whatever is written
//   3    filters all inputs                  filters none of them, whatever is written
//   4    outputs 8-15                        outputs 8-15
//   5    inputs 8-15
//   6    bit 0, 1: an input of 0-7, of 8-15 changed; bit 2: interrupt
//   7    which of inputs 0-7 are filtered    the same, while not all are
//
// A filtered input is seen when it has been stable for 5 ms. A change is latched while interrupts are enabled, and stays latched when they are disabled.
//
//   state     registers 0 to 7 as they are | n, then n times: u16 the bit of an input that settles, u64 ns left
//
// What is at the connector is the world's, not the state's: a card that goes on with a state sees what has changed at its own connector.
//
// Source: ACCES PCI-IDIO-16 manual, chapter 4; Linux drivers/gpio/gpio-pci-idio-16.c (6.1) and gpio-idio-16.c (6.6) for the bits of register 6

import { integer } from '../core/index.ts';
import type { Engine } from '../core/index.ts';
import { StateReader, StateWriter, pciDevice, registerBar, streamedMigration } from '../pci/index.ts';
import type { BarKind, BarOf, DeviceHost, PciDevice } from '../pci/index.ts';
import { clears, irq, lock, registerMap, ro, rw, sets } from '../registers/index.ts';

/** A bit that any read sets and any write clears. */
const readSetsWriteClears = { msb: 0, lsb: 0, sw: 'rw', onRead: 'rset', onWrite: 'wclr' } as const;

/** The registers of BAR 2. */
export const idio16Registers = registerMap('idio16', { bytes: 8, access: [1], doc: 'ACCES PCI-IDIO-16' }, {
  OUT_0_7: { at: 0, bits: 8, doc: 'Outputs 0-7', fields: { pins: rw(7, 0) } },
  IN_0_7: { at: 1, bits: 8, doc: 'Inputs 0-7; any write clears the interrupt', fields: { pins: ro(7, 0) } },
  IRQ_CONTROL: { at: 2, bits: 8, doc: 'Any read enables interrupts, any write disables them', fields: { IRQ: readSetsWriteClears } },
  FILTER_CONTROL: {
    at: 3, bits: 8, doc: 'Any read filters all inputs, any write none',
    fields: { ALL: { ...readSetsWriteClears, afterRead: [sets('FILTER.pins', 'any')], afterWrite: [clears('FILTER.pins', 'any')] } },
  },
  OUT_8_15: { at: 4, bits: 8, doc: 'Outputs 8-15', fields: { pins: rw(7, 0) } },
  IN_8_15: { at: 5, bits: 8, doc: 'Inputs 8-15', fields: { pins: ro(7, 0) } },
  INTERRUPT_STATUS: { at: 6, bits: 8, doc: 'What has changed since the interrupt was cleared', fields: { CHANGED_0_7: ro(0), CHANGED_8_15: ro(1), IRQ: ro(2) } },
  FILTER: { at: 7, bits: 8, doc: 'Which of inputs 0-7 are filtered', fields: { pins: lock(rw(7, 0), 'FILTER_CONTROL.ALL', 0) } },
}, { irq: [irq('change', { line: 0, status: 'INTERRUPT_STATUS', mask: 'IRQ_CONTROL' })] });

/** How long a filtered input must be stable, in ns. */
export const IDIO16_FILTER_NS = 5_000_000;

const VENDOR = 0x494f;
const DEVICE = 0x0dc8;
const STATE_VERSION = 1;
const INPUTS = 16;
/** By register, the bits that it can hold. */
const STATE_BITS = [0xff, 0xff, 0x01, 0x01, 0xff, 0xff, 0x07, 0xff] as const;

/** What an idio16 can be asked to be. */
export interface Idio16Options {
  /** Is told all sixteen outputs, output 0 in bit 0, whenever one of them changed. */
  readonly onOutputs?: (outputs: number) => void;
  /** What BAR 2 is: 8 ports as on the card, or 16 bytes of memory for a machine that has no ports to give. Linux' driver takes either. Default `io`. */
  readonly kind?: BarKind;
}

/** The card's connector. */
export interface Idio16Connector {
  /**
   * Energizes inputs: input 0 in bit 0. Filtered ones are seen 5 ms later, if they stay so; that needs `host.clock`.
   *
   * @param inputs 0 to 0xffff.
   * @throws RangeError for another number.
   */
  setInputs(inputs: number): void;
  /** What the outputs are now: output 0 in bit 0. */
  outputs(): number;
}

/** A PCI-IDIO-16. */
export type Idio16 = PciDevice<{ readonly 2: BarOf<typeof idio16Registers> }> & Idio16Connector;

/**
 * Makes one: 494f:0dc8, its registers in BAR 2, INTx.
 *
 * @param engine where its region lives.
 * @param host what runs it.
 * @example
 * ```ts
 * const bench = createTestbench();
 * const card = bench.plug((engine, host) => idio16(engine, host, { onOutputs: (outputs) => console.log(outputs.toString(2)) }));
 * bench.ports.write8(bench.addressOf(card, 2), 0x05); // 101
 * card.setInputs(0x0100);
 * bench.ports.read8(bench.addressOf(card, 2) + 5); // 1
 * ```
 */
export function idio16(engine: Engine, host: DeviceHost = {}, options: Idio16Options = {}): Idio16 {
  const { onOutputs, kind = 'io' } = options;
  let connected = 0;
  let driven = 0;
  const settling = new Map<number, () => void>();
  /** Of inputs that were about to be seen when the state was saved: ns. */
  let left: ReadonlyMap<number, number> = new Map();

  const outputs = (): number => card.bar(2).regs.OUT_0_7.peek() | (card.bar(2).regs.OUT_8_15.peek() << 8);
  const seen = (): number => card.bar(2).regs.IN_0_7.peek() | (card.bar(2).regs.IN_8_15.peek() << 8);
  const filtered = (): number => card.bar(2).regs.FILTER.peek() | (card.bar(2).regs.FILTER_CONTROL.ALL.get() === 1 ? 0xff00 : 0);

  const show = (inputs: number): void => {
    card.bar(2).regs.IN_0_7.poke(inputs & 0xff);
    card.bar(2).regs.IN_8_15.poke(inputs >> 8);
  };

  const see = (inputs: number): void => {
    const { INTERRUPT_STATUS, IRQ_CONTROL } = card.bar(2).regs;
    const changed = seen() ^ inputs;
    show(inputs);
    if (changed === 0 || IRQ_CONTROL.IRQ.get() === 0) return;
    INTERRUPT_STATUS.poke(INTERRUPT_STATUS.peek() | 0x4 | ((changed & 0xff) === 0 ? 0 : 0x1) | (changed >> 8 === 0 ? 0 : 0x2));
  };

  const settle = (bit: number): void => {
    settling.delete(bit);
    see((seen() & ~bit) | (connected & bit));
  };

  /** What is at the connector comes to be seen: now, or when it has settled. */
  const look = (moved: number): void => {
    // One that settles goes on to, though its filter is gone since.
    const late = [...left.keys()].reduce((bits, bit) => bits | bit, filtered());
    for (let bit = 1; bit < 0x1_0000; bit <<= 1) {
      if ((moved & bit) === 0) continue;
      settling.get(bit)?.();
      settling.delete(bit);
      if ((late & bit) !== 0) settling.set(bit, card.after(left.get(bit) ?? IDIO16_FILTER_NS, () => settle(bit)));
    }
    const atOnce = moved & ~late;
    see((seen() & ~atOnce) | (connected & atOnce));
  };

  const setInputs = (inputs: number): void => {
    integer('idio16 setInputs: inputs', inputs, 0, 0xffff);
    if (card.isGone) return;
    const moved = connected ^ inputs;
    connected = inputs;
    if (!card.isPaused) look(moved);
  };

  const tell = (): void => {
    const now = outputs();
    if (now === driven) return;
    driven = now;
    onOutputs?.(now);
  };

  const registers = (): readonly { peek(): number; poke(value: number): void }[] => {
    const { OUT_0_7, IN_0_7, IRQ_CONTROL, FILTER_CONTROL, OUT_8_15, IN_8_15, INTERRUPT_STATUS, FILTER } = card.bar(2).regs;
    return [OUT_0_7, IN_0_7, IRQ_CONTROL, FILTER_CONTROL, OUT_8_15, IN_8_15, INTERRUPT_STATUS, FILTER];
  };

  const save = (): Uint8Array => {
    const to = registers().reduce((state, register) => state.u8(register.peek()), new StateWriter());
    const waiting = [...settling].flatMap(([bit, cancel]) => {
      const ns = card.timeLeft(cancel);
      return ns === undefined ? [] : [{ bit, ns }];
    });
    return to.list(waiting, (state, { bit, ns }) => state.u16(bit).u64(BigInt(ns))).bytes();
  };

  const load = (bytes: Uint8Array): (() => void) => {
    const from = new StateReader('idio16: load', bytes);
    const values = registers().map((_, at) => from.u8(STATE_BITS[at]));
    const waiting = from.list(INPUTS, (state) => {
      const bit = state.u16();
      if (bit === 0 || (bit & (bit - 1)) !== 0) state.refuse(`an input that settles is 0x${bit.toString(16)}; expected one bit`);
      return [bit, Number(state.u64(BigInt(IDIO16_FILTER_NS)))] as const;
    });
    from.end();
    return () => {
      for (const cancel of settling.values()) cancel();
      settling.clear();
      // The old latch under the new mask would be an interrupt that nothing caused.
      card.bar(2).regs.INTERRUPT_STATUS.poke(0);
      for (const [at, register] of registers().entries()) register.poke(values[at]!);
      left = new Map(waiting);
    };
  };

  const resumed = (): void => {
    const settles = [...settling.keys()].reduce((bits, bit) => bits | bit, 0);
    look((seen() ^ connected) & ~settles);
    left = new Map();
    tell();
  };

  const card: Idio16 = Object.assign(
    pciDevice(engine, {
      id: [VENDOR, DEVICE],
      // Class 0 is that of cards older than classes, and Linux gives those no addresses when they are plugged in while it runs.
      class: 0xff0000,
      pin: 'A',
      names: { class: 'Unassigned class [ff00]', device: 'ACCES I/O Products, Inc. PCI-IDIO-16 Isolated Digital Input / FET Output Card' },
      bars: {
        2: registerBar(idio16Registers, {
          kind,
          hooks: {
            OUT_0_7: { afterWrite: tell },
            OUT_8_15: { afterWrite: tell },
            IN_0_7: { afterWrite: () => card.bar(2).regs.INTERRUPT_STATUS.poke(0) },
          },
        }),
      },
      migration: streamedMigration({ name: 'idio16', id: [VENDOR, DEVICE], version: STATE_VERSION, identity: () => new Uint8Array(), save, load, resumed }),
      onReset: () => {
        settling.clear();
        left = new Map();
        show(connected);
        tell();
      },
    }, host),
    { setInputs, outputs },
  );
  return card;
}

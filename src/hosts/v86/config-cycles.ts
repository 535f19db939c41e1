// Configuration space of cards: reads and writes of v86's configuration mechanism, carried to the function.
//
//   out 0xcf8, address          pci_query()            the answer is made ready, in the copy that v86 keeps of each space
//   in  0xcfc + n               -> made ready anew     a register that has changed since shows it
//   out 0xcfc + n, value        pci_write8/16/32(address | n, value) -> the function's rules -> the copy
//
//   address  31       24 23   16 15    8 7      0
//           | (enable) |  bus  | devfn  | offset |
//
// A byte or word written to a function that is not there is dropped; v86 alone would fail on it, and a driver does that when its card is pulled.

import type { PciFunction } from '../../pci/index.ts';
import type { ShownBits } from './enhanced-allocation.ts';
import type { V86Pci, V86Port } from './internals.ts';
import type { Overrides } from './override.ts';

const DATA_PORTS = [0xcfc, 0xcfd, 0xcfe, 0xcff] as const;
/** The PCI-to-ISA bridge, and its four registers that route the pins to interrupt lines. */
const ISA_BRIDGE = 0x08;
const PIN_ROUTES = { first: 0x60, last: 0x63 } as const;

/** A function on v86's bus. */
export interface ConfigTarget {
  readonly function: PciFunction;
  /** v86's copy. */
  readonly copy: Int32Array;
  /** What the copy says beyond the function. */
  readonly shown: ShownBits;
  /** Is told what the function threw. */
  readonly failed: (error: unknown) => void;
  /** Is told of every write, when the function has taken it. */
  readonly written: (offset: number, value: number) => void;
}

/** What the cycles need to know. */
export interface ConfigCycles {
  /** The card of a device and function number on bus 0. */
  readonly at: (devfn: number) => ConfigTarget | undefined;
  /** Is called around a write that changes where interrupt pins lead. */
  readonly rerouting: (write: () => void) => void;
}

/** Makes a dword of v86's copy what the function says. */
export function refreshDword({ function: one, copy, shown }: Pick<ConfigTarget, 'function' | 'copy' | 'shown'>, offset: number): void {
  copy[offset >> 2] = one.peek(offset & 0xfc, 4) | (shown.get(offset & 0xfc) ?? 0);
}

/** Makes all of v86's copy what the function says. */
export function refreshCopy(target: Pick<ConfigTarget, 'function' | 'copy' | 'shown'>): void {
  for (let offset = 0; offset < 256; offset += 4) refreshDword(target, offset);
}

function write({ function: one, failed, written }: ConfigTarget, offset: number, width: 1 | 2 | 4, value: number): void {
  try {
    if (width === 1) one.config.write8(offset, value & 0xff);
    else if (width === 2) one.config.write16(offset, value & 0xffff);
    else one.config.write32(offset, value >>> 0);
    written(offset, value);
  } catch (error) {
    failed(error);
  }
}

/** Carries configuration cycles to the cards that `cycles` knows, until `overrides` are restored. */
export function overrideConfigCycles(pci: V86Pci, ports: V86Port[], cycles: ConfigCycles, overrides: Overrides): void {
  const selected = (): ConfigTarget | undefined => cycles.at((pci.pci_addr[2]! << 8) | pci.pci_addr[1]!);

  const writer = (width: 1 | 2 | 4) => (original: (address: number, value: number) => void) => (address: number, value: number): void => {
    const devfn = (address >> 8) & 0xffff;
    const offset = address & 0xff;
    const card = cycles.at(devfn);
    if (card !== undefined) {
      write(card, offset, width, value);
      refreshDword(card, offset);
    } else if (pci.device_spaces[devfn] !== undefined) {
      const route = devfn === ISA_BRIDGE && offset + width > PIN_ROUTES.first && offset <= PIN_ROUTES.last;
      if (route) cycles.rerouting(() => original(address, value));
      else original(address, value);
    }
  };
  overrides.replace(pci, 'pci_write8', writer(1));
  overrides.replace(pci, 'pci_write16', writer(2));
  overrides.replace(pci, 'pci_write32', writer(4));

  overrides.replace(pci, 'pci_query', (original) => () => {
    const card = selected();
    if (card !== undefined) refreshDword(card, pci.pci_addr[0]! & 0xfc);
    original();
  });

  for (const port of DATA_PORTS) {
    const before = ports[port]!;
    const fresh = <Width extends number>(read: (this: unknown, port: Width) => number) =>
      function (this: unknown, at: Width): number {
        if (selected() !== undefined) pci.pci_query();
        return read.call(this, at);
      };
    const ours: V86Port = { ...before, read8: fresh(before.read8), read16: fresh(before.read16), read32: fresh(before.read32) };
    ports[port] = ours;
    overrides.add(() => {
      if (ports[port] === ours) ports[port] = before;
    });
  }
}

// Configuration space that behaves: bytes, the rules for writing them, and what a write sets off.
//
//   write of 1, 2 or 4 bytes, in one dword
//     -> rules         each byte takes the bits that it may (config-rules.ts)
//     -> power state   to D0 or deeper, and to one that is there; D3hot -> D0 resets, unless the function says that it does not
//     -> decode        COMMAND, BARs, ROM, power: one transaction (decode.ts). Refused: the register goes back to what it held
//     -> reset         function-level, from the Express or the AF capability; those bits read 0
//     -> observers     interrupts look at what changed
//
// Source: PCI Local Bus 3.0, 6.2; PCI Power Management 1.2, 3.2.4 and 5.4; PCI Express 5.0, 6.6.2

import type { Region } from '../core/index.ts';
import { BarRegisters } from './bar-registers.ts';
import type { DecodedBars } from './bars.ts';
import { findCapability } from './capabilities.ts';
import { PCI_CAP_ID } from './capability-ids.ts';
import * as rules from './capability-rules.ts';
import { ConfigRules, computeConfigRules } from './config-rules.ts';
import type { ConfigField, ResetKind } from './config-rules.ts';
import { PCI_COMMAND, PCI_COMMAND_MEMORY, PCI_ROM_ADDRESS } from './config-space.ts';
import { Decoder } from './decode.ts';
import { readU16, readU32, readU8 } from './little-endian.ts';
import type { ResizableBars } from './resizable-bars.ts';

/** Told after each write that went through, and after each reset. */
export interface RegisterObserver {
  /** `dword`: offset of the four bytes that a guest has written to. */
  written?(dword: number): void;
  reset?(kind: ResetKind): void;
  /** Everybody has been told of a reset. */
  wasReset?(): void;
}

type Width = 1 | 2 | 4 | 8;

const D0 = 0;
const D3HOT = 3;

function offsetOf(config: Uint8Array, id: number, bytes: number): number | undefined {
  const offset = findCapability(config, id)?.offset;
  return offset !== undefined && offset + bytes <= config.length ? offset : undefined;
}

/** The registers of one function. */
export class FunctionRegisters {
  /** As they are now. Writing here sets nothing off. */
  readonly bytes: Uint8Array;
  readonly rules: ConfigRules;
  readonly decoder: Decoder;
  private readonly bars: BarRegisters;
  private readonly resizable: ResizableBars | undefined;
  private readonly power: number | undefined;
  private readonly flr: readonly { readonly dword: number; readonly bit: number }[];
  private readonly observers: RegisterObserver[] = [];

  /**
   * @param bytes 256 or 4096; kept, not copied.
   * @param more registers beyond the header's, the BARs' and the capabilities'.
   * @param resizable the BARs that a guest may resize.
   * @throws RangeError for what {@link computeConfigRules} refuses.
   */
  constructor(bytes: Uint8Array, bars: DecodedBars, regionOf: (index: number) => Region | undefined, more: readonly ConfigField[] = [], resizable?: ResizableBars) {
    this.bytes = bytes;
    this.resizable = resizable;
    this.bars = new BarRegisters(bars);
    this.rules = computeConfigRules(bytes, [...this.bars.fields(), ...(resizable?.fields(bytes) ?? []), ...more]);
    this.decoder = new Decoder(regionOf);
    this.power = offsetOf(bytes, PCI_CAP_ID.PM, 8);
    const flr: { dword: number; bit: number }[] = [];
    const express = offsetOf(bytes, PCI_CAP_ID.EXP, 12);
    if (express !== undefined && (readU32(bytes, express + rules.PCI_EXP_DEVCAP) & rules.PCI_EXP_DEVCAP_FLR) !== 0) {
      flr.push({ dword: express + rules.PCI_EXP_DEVCTL, bit: rules.PCI_EXP_DEVCTL_BCR_FLR });
    }
    const af = offsetOf(bytes, PCI_CAP_ID.AF, 6);
    if (af !== undefined && (readU8(bytes, af + rules.PCI_AF_CAP) & rules.PCI_AF_CAP_TP_FLR) === rules.PCI_AF_CAP_TP_FLR) {
      flr.push({ dword: af + rules.PCI_AF_CTRL, bit: rules.PCI_AF_CTRL_FLR });
    }
    this.flr = flr;
    this.bars.load(bytes);
    this.follow(false);
  }

  /** Adds someone who is told after every write and reset. Returns what ends that. */
  observe(observer: RegisterObserver): () => void {
    this.observers.push(observer);
    return () => {
      const at = this.observers.indexOf(observer);
      if (at >= 0) this.observers.splice(at, 1);
    };
  }

  /** Bytes of a BAR now: a guest may have resized it. */
  sizeOf(index: number): bigint | undefined {
    return this.bars.sizeOf(index);
  }

  /** The power state, 0 (D0) to 3 (D3hot); 0 without the capability. */
  get powerState(): number {
    return this.power === undefined ? D0 : this.bytes[this.power + rules.PCI_PM_CTRL]! & rules.PCI_PM_CTRL_STATE_MASK;
  }

  /** Whether VFIO lets memory accesses through: COMMAND.MEM, and not in D3hot. */
  get memoryEnabled(): boolean {
    return (readU16(this.bytes, PCI_COMMAND) & PCI_COMMAND_MEMORY) !== 0 && this.powerState !== D3HOT;
  }

  /** The value of `width` bytes; ones beyond the end. */
  read(at: number, width: Width): number {
    if (at + width > this.bytes.length) return 0xffff_ffff;
    return width === 1 ? this.bytes[at]! : width === 2 ? readU16(this.bytes, at) : readU32(this.bytes, at);
  }

  /** Sets `width` bytes and nothing else: no rule, no listener. The BARs decode what they did until a write or reset looks at them again. */
  poke(at: number, width: Width, value: number): void {
    for (let i = 0; i < width; i++) this.bytes[at + i] = value >>> (8 * i);
    this.followSizes();
    this.bars.load(this.bytes);
  }

  /** A guest's write. Its bytes lie in one dword. */
  write(at: number, width: Width, value: number): void {
    const dword = at & ~3;
    const shift = 8 * (at & 3);
    const lanes = width === 4 ? 0xffff_ffff : (((1 << (8 * width)) - 1) << shift) >>> 0;
    const shifted = (value << shift) >>> 0;
    const before = this.bytes.slice(dword, dword + 4);
    const powerBefore = this.powerState;
    const undo = this.bars.holds(dword) ? this.bars.note(dword, shifted, lanes) : undefined;
    for (let i = 0; i < width; i++) this.bytes[at + i] = this.rules.afterWrite(at + i, this.bytes[at + i]!, (value >>> (8 * i)) & 0xff);
    this.settlePower(powerBefore);
    this.settleSizes(dword, before);
    const changedPower = this.powerState !== powerBefore;
    if (changedPower && powerBefore === D3HOT && !this.keepsStateInD3()) this.reset('function');
    else if ((undo !== undefined || dword === PCI_COMMAND || changedPower) && !this.follow(true)) {
      // STATUS, beside COMMAND, keeps what was cleared.
      this.bytes.set(dword === PCI_COMMAND ? before.subarray(0, 2) : before, dword);
      undo?.();
    }
    if (this.flr.some((one) => one.dword === dword && (shifted & lanes & one.bit) !== 0)) this.reset('function');
    for (const observer of [...this.observers]) observer.written?.(dword);
  }

  private keepsStateInD3(): boolean {
    return (this.bytes[this.power! + rules.PCI_PM_CTRL]! & rules.PCI_PM_CTRL_NO_SOFT_RESET) !== 0;
  }

  /** A write of a state that the function does not have, or of one less deep that is not D0, is dropped, that field of it alone. */
  private settlePower(before: number): void {
    if (this.power === undefined) return;
    const state = this.powerState;
    const capabilities = readU16(this.bytes, this.power + rules.PCI_PM_PMC);
    const isThere = state === D0 || state === D3HOT || (capabilities & (state === 1 ? rules.PCI_PM_CAP_D1 : rules.PCI_PM_CAP_D2)) !== 0;
    // From D3hot only D0 follows, by a reset: were D1 let in between, a guest would leave without one.
    if (isThere && (state === D0 || state >= before)) return;
    const at = this.power + rules.PCI_PM_CTRL;
    this.bytes[at] = (this.bytes[at]! & ~rules.PCI_PM_CTRL_STATE_MASK) | before;
  }

  /** A write of a size that cannot be taken now is dropped, that register of it as a whole. */
  private settleSizes(dword: number, before: Uint8Array): void {
    if (this.resizable === undefined) return;
    if (this.resizable.refuses(this.bytes, dword, this.memoryEnabled)) this.bytes.set(before, dword);
    this.followSizes();
  }

  /** Makes the BARs as large as their control registers say. */
  private followSizes(): void {
    const isChanged = this.resizable?.sizes(this.bytes).filter(({ bar, size }) => this.bars.resize(bar, size)).length;
    if (!isChanged) return;
    const fields = this.bars.fields();
    this.rules.change(fields);
    // Address bits below the size read 0 from now on; the type bits stay.
    for (const { offset, writable = 0 } of fields) {
      const kept = readU32(this.bytes, offset) & (writable | (offset === PCI_ROM_ADDRESS || this.bars.isUpperHalf(offset) ? 0 : 0xf));
      for (let i = 0; i < 4; i++) this.bytes[offset + i] = kept >>> (8 * i);
    }
  }

  /** Makes the decoded ranges what the registers say. */
  private follow(mayRefuse: boolean): boolean {
    return this.decoder.change(this.bars.decodes(this.bytes, readU16(this.bytes, PCI_COMMAND), this.powerState === D0), mayRefuse);
  }

  /** Resets the registers; nobody can refuse. */
  reset(kind: ResetKind): void {
    this.rules.reset(this.bytes, kind);
    this.followSizes();
    this.bars.load(this.bytes);
    this.follow(false);
    const { observers } = this;
    for (const observer of [...observers]) observer.reset?.(kind);
    for (const observer of [...observers]) observer.wasReset?.();
  }
}

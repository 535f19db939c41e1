// Puts a device into a v86 emulator: found on its PCI bus, placed by its guest, reached by its processor.

import { Engine } from '../../core/index.ts';
import { PciFunction, formatPciAddress, parsePciAddress } from '../../pci/index.ts';
import type { DeviceClock, DeviceHost } from '../../pci/index.ts';
import type { VfioError } from '../../uapi/index.ts';
import { refreshCopy } from './config-cycles.ts';
import type { ConfigTarget } from './config-cycles.ts';
import { DecodedRegions } from './decoded-regions.ts';
import { DirectBars } from './direct-bars.ts';
import type { DirectPlaces } from './direct-bars.ts';
import { enhancedAllocation } from './enhanced-allocation.ts';
import { Transfers, guestDma, isGuestRam } from './guest-memory.ts';
import { InterruptWire, checkCap } from './interrupt-wire.ts';
import type { InterruptStorm, StormCap } from './interrupt-wire.ts';
import { internalsOf } from './internals.ts';
import type { V86Emulator, V86Internals } from './internals.ts';
import { leaveMachine, machineOf } from './machine.ts';
import type { V86Machine } from './machine.ts';
import { Mistakes } from './mistakes.ts';
import { realClock } from './real-clock.ts';
import type { V86TraceSink } from './region-counts.ts';
import { V86Card } from './v86-card.ts';
import type { AttachableDevice } from './v86-card.ts';

/** How a device is attached. */
export interface AttachOptions {
  /** Where: `00:05.0`, on bus 0. Default: the first free of devices 3 to 31. */
  readonly slot?: string;
  /** Default: the engine of the emulator's other cards, or a new one. */
  readonly engine?: Engine;
  /** The device's time. Default: real time. */
  readonly clock?: DeviceClock;
  /** BARs of plain memory whose bytes lie in the guest's RAM, at reserved places, and are reached without a trap. Default: none. */
  readonly direct?: DirectPlaces;
  /** How many interrupts get through. Default: all. */
  readonly storm?: StormCap;
  /** A cap has begun to hold. */
  readonly onStorm?: (storm: InterruptStorm) => void;
  /** Every access of the guest to a region of the card. */
  readonly trace?: V86TraceSink;
  /** What a driver did that the documentation of the device forbids, in one line. */
  readonly onGuestError?: (message: string) => void;
  /** A transfer of the device that is not all in the guest's RAM; the device was told EFAULT. */
  readonly onDmaFault?: (fault: VfioError) => void;
  /** What the device threw in an access of the guest. */
  readonly onMistake?: (error: unknown) => void;
}

const CALL = 'attachV86';
const OPTIONS = ['slot', 'engine', 'clock', 'direct', 'storm', 'onStorm', 'trace', 'onGuestError', 'onDmaFault', 'onMistake'] as const;
const FUNCTIONS = ['onStorm', 'trace', 'onGuestError', 'onDmaFault', 'onMistake'] as const;

/** What a value is, for messages. */
function kind(value: unknown): string {
  return value === null ? 'null' : `a ${typeof value}`;
}

/** The device and function number of a slot that is asked for; undefined when none is. */
function slotAsked(slot: unknown): number | undefined {
  if (slot === undefined) return undefined;
  if (typeof slot !== 'string') throw new TypeError(`${CALL}: slot is ${kind(slot)}; expected a string such as 00:05.0`);
  const address = parsePciAddress(slot);
  if (address === null || address.domain !== 0 || address.bus !== 0) throw new RangeError(`${CALL}: slot ${JSON.stringify(slot)} is no address on bus 0 such as 00:05.0`);
  return (address.device << 3) | address.function;
}

/** A slot that is free, and that no other card is being made for. */
function freeSlot({ pci }: V86Internals, reserved: ReadonlySet<number>, asked: number | undefined): number {
  const isFree = (devfn: number): boolean => pci.device_spaces[devfn] === undefined && !reserved.has(devfn);
  if (asked !== undefined) {
    if (!isFree(asked)) throw new RangeError(`${CALL}: slot ${slotName(asked)} is taken by ${JSON.stringify(pci.devices[asked]?.name ?? 'a function')}`);
    return asked;
  }
  for (let device = 3; device < 32; device++) if (isFree(device << 3)) return device << 3;
  throw new RangeError(`${CALL}: all of slots 00:03.0 to 00:1f.0 are taken`);
}

function slotName(devfn: number): string {
  return formatPciAddress({ domain: 0, bus: 0, device: devfn >> 3, function: devfn & 7 }, false);
}

function checkOptions(options: AttachOptions): void {
  if (typeof options !== 'object' || (options as unknown) === null) throw new TypeError(`${CALL}: the options are ${kind(options)}; expected an object`);
  const other = Object.keys(options).find((key) => !(OPTIONS as readonly string[]).includes(key));
  if (other !== undefined) throw new TypeError(`${CALL}: there is no option ${JSON.stringify(other)}; expected some of ${OPTIONS.join(', ')}`);
  for (const name of FUNCTIONS) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== 'function') throw new TypeError(`${CALL}: ${name} is a ${typeof value}; expected a function`);
  }
  const { engine, clock, direct } = options as Readonly<Record<string, unknown>>;
  if (engine !== undefined && !(engine instanceof Engine)) throw new TypeError(`${CALL}: engine is no engine; expected what createEngine answers`);
  if (direct !== undefined && (typeof direct !== 'object' || direct === null)) throw new TypeError(`${CALL}: direct is ${kind(direct)}; expected addresses by BAR`);
  const time = clock as Partial<DeviceClock> | null | undefined;
  if (time !== undefined && (typeof time?.now !== 'function' || typeof time.after !== 'function')) throw new TypeError(`${CALL}: clock is no clock; expected { now, after }`);
  checkCap(CALL, options.storm);
}

/** Where a card is to be plugged. */
interface Place {
  readonly internals: V86Internals;
  readonly machine: V86Machine;
  readonly slot: string;
  readonly devfn: number;
  readonly wire: InterruptWire;
  readonly mistakes: Mistakes;
  readonly transfers: Transfers;
}

function hostOf({ internals, slot, wire, mistakes, transfers }: Place, clock: DeviceClock, options: AttachOptions): DeviceHost {
  const guestError = mistakes.guarded(options.onGuestError);
  return {
    slot,
    clock,
    interrupts: wire,
    dma: guestDma(internals, transfers, mistakes.guarded(options.onDmaFault)),
    ...(guestError !== undefined && { guestError }),
  };
}

function makeDevice<Device extends AttachableDevice>(make: (engine: Engine, host: DeviceHost) => Device, engine: Engine, host: DeviceHost): Device {
  const device = make(engine, host);
  const made: unknown = (device as Partial<AttachableDevice> | undefined)?.function;
  if (!(made instanceof PciFunction)) throw new TypeError(`${CALL}: what was made is no device: it has no function of a PciFunction`);
  return device;
}

/** Takes every step, whatever the others throw; throws what was thrown first. */
function takeAll(steps: readonly (() => void)[]): void {
  const thrown: { readonly error: unknown }[] = [];
  for (const step of steps) {
    try {
      step();
    } catch (error) {
      thrown.push({ error });
    }
  }
  if (thrown[0] !== undefined) throw thrown[0].error;
}

/** Shows the card to v86. What fails half-way is taken off again. */
function plug<Device extends AttachableDevice>(place: Place, device: Device, { direct: places = {}, trace }: AttachOptions): V86Card<Device> {
  const { internals, machine, slot, devfn, wire, mistakes, transfers } = place;
  const one = device.function;
  const { failed } = mistakes;
  const undo: (() => void)[] = [() => device.destroy(), () => transfers.cancel()];
  const takeOff = (): void => takeAll(undo.splice(0).reverse());
  try {
    const direct = new DirectBars(CALL, internals, one, places, machine.directBars());
    undo.push(one.onReset(() => direct.place()));
    undo.push(one.onReset(() => transfers.cancel()));
    const regions = new DecodedRegions(machine, one, direct, { slot, trace, failed });
    undo.push(() => regions.close());
    const decoder = one.mapInto({ memory: machine.memory, ports: machine.ports });
    undo.push(() => decoder.close());
    undo.push(one.onDecode(regions));
    undo.push(() => machine.remove(devfn));
    const copy = internals.pci.register_device({ name: `maplebar ${slot}`, pci_id: devfn, pci_space: [...one.readConfig().subarray(0, 256)], pci_bars: [] });
    const shown = enhancedAllocation(one.readConfig(), direct.fixed());
    const target: ConfigTarget = { function: one, copy, shown, failed, written: (offset, value) => direct.written(offset & 0xfc, value) };
    const reset = (): void => {
      try {
        one.resetToPowerOn();
      } catch (error) {
        failed(error);
      }
      refreshCopy(target);
    };
    machine.add(devfn, { ...target, wire, direct, reset });
    // The first to go: lowering the pin needs the function's place on the bus.
    undo.push(() => wire.end());
    return new V86Card({ device, slot, copy, shown, wire, direct, regions, mistakes, takeOff, leave: () => leaveMachine(internals) });
  } catch (error) {
    try {
      takeOff();
    } catch {
      // What went wrong first says more.
    }
    throw error;
  }
}

/** A message interrupt that is a write to memory. */
function storeMessage(internals: V86Internals, address: bigint, data: number): void {
  if (!isGuestRam(internals, address, 4)) return;
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, data, true);
  internals.emulator.write_memory(bytes, Number(address));
}

/**
 * Attaches a device: at once, also while the guest runs, which finds it at its next scan of the bus.
 *
 * @param emulator a V86 that has told `emulator-ready`.
 * @param make what makes the device for a host: `edu`, or `(engine, host) => ...`.
 * @returns the card. `unplug` pulls it, `detach` gives back what was changed of v86, too.
 * @throws TypeError when something is missing that is used of v86, which is named, and v86 is untouched; for what is no device; RangeError for a slot that is taken or none; what `make`
 *   throws; VfioError ENOMEM when the core is full. Nothing is left of the card then.
 * @example
 * ```ts
 * const emulator = new V86({ ... });
 * emulator.add_listener('emulator-ready', () => {
 *   const card = attachV86(emulator, edu, { slot: '00:05.0' });
 *   card.regions(); // [{ index: 0, bus: 'memory', size: 1048576n, address: null, ... }]: the guest has not placed it yet
 * });
 * ```
 */
export function attachV86<Device extends AttachableDevice>(emulator: V86Emulator, make: (engine: Engine, host: DeviceHost) => Device, options: AttachOptions = {}): V86Card<Device> {
  const internals = internalsOf(CALL, emulator);
  if (typeof make !== 'function') throw new TypeError(`${CALL}: ${typeof make} given; expected what makes a device: edu, or (engine, host) => ...`);
  checkOptions(options);
  const asked = slotAsked(options.slot);
  const machine = machineOf(CALL, internals, options.engine);
  const isNew = !machine.isUsed;
  let devfn: number | undefined;
  try {
    devfn = freeSlot(internals, machine.reserved, asked);
    // The maker may attach other cards.
    machine.reserved.add(devfn);
    const slot = slotName(devfn);
    const clock = options.clock ?? realClock();
    const mistakes = new Mistakes(options.onMistake);
    const storm = mistakes.guarded(options.onStorm);
    const wire = new InterruptWire(internals, { slot, devfn, clock, cap: options.storm, storm, store: (address, data) => storeMessage(internals, address, data) });
    const place: Place = { internals, machine, slot, devfn, wire, mistakes, transfers: new Transfers() };
    const device = makeDevice(make, machine.engine, hostOf(place, clock, options));
    const card = plug(place, device, options);
    machine.reserved.delete(devfn);
    return card;
  } catch (error) {
    if (devfn !== undefined) machine.reserved.delete(devfn);
    if (isNew) leaveMachine(internals);
    throw error;
  }
}

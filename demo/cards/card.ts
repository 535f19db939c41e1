// What the page knows of a kind of card, and of one that is plugged in.

import type { Engine } from 'maplebar';
import type { DeviceHost, PciDevice } from 'maplebar/pci';
import type { RegisterMap } from 'maplebar/registers';
import type { AttachableDevice, V86Card } from 'maplebar/v86';
import type { BuiltInMachine, FoundCard } from '../machine/built-in.ts';
import type { LinuxMachine } from '../machine/linux.ts';

/** The guest, as a card's panel may use it. */
export type AnyMachine = BuiltInMachine | LinuxMachine;

/** What a kind of card brings with it: a device, what is shown of it, and how the built-in guest drives it. */
export interface CardFace<Device extends AttachableDevice = AttachableDevice> {
  /** Makes the device, when it is plugged in. */
  readonly make: (engine: Engine, host: DeviceHost) => Device;
  /** What is shown beside the card while it is plugged in. */
  readonly view: HTMLElement;
  /** Draws what has changed; called before each frame. */
  draw?(device: Device): void;
  /** Has the built-in guest drive the card, once: called again and again. */
  readonly drive?: (machine: BuiltInMachine, found: FoundCard) => Promise<void>;
  /** What Linux is to be told after it has found the card. */
  readonly linux?: (machine: LinuxMachine, slot: string) => Promise<void>;
}

/** A kind of card. */
export interface CardKind {
  readonly key: string;
  readonly title: string;
  /** What drives it in Linux. */
  readonly driver: string;
  /** Its BAR of plain memory that can lie in RAM. */
  readonly directBar?: 0;
  readonly face: (machine: AnyMachine) => CardFace;
}

/** A card that is plugged in. */
export interface Plugged {
  readonly kind: CardKind;
  readonly face: CardFace;
  readonly card: V86Card;
}

/** The register map of a BAR, or nothing for memory. */
export function mapOf(device: AttachableDevice, bar: number): RegisterMap | undefined {
  return (device as Partial<PciDevice>).banks?.get(bar)?.map;
}

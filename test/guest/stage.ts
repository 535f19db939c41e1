// What checks of a running guest share: the guest, cards that come and go, and the guest's view of its bus.
import type { AttachOptions, AttachableDevice, V86Card } from '../../src/hosts/v86/index.ts';
import { attachV86 } from '../../src/hosts/v86/index.ts';
import type { Engine } from '../../src/core/index.ts';
import type { Idio16 } from '../../src/devices/index.ts';
import type { DeviceHost } from '../../src/pci/index.ts';
import type { Guest } from './guest.ts';

/** Cards that are attached before the firmware begins. */
export interface PowerOnCards {
  readonly gpio: V86Card<Idio16>;
}

/** A check: what it is called, and what it found out in one line. It throws what is wrong. */
export interface Check {
  readonly name: string;
  readonly run: (stage: Stage) => Promise<string>;
}

/** A line of /proc/bus/pci/devices. */
export interface GuestPciDevice {
  /** `00:05.0` */
  readonly slot: string;
  /** `494f:0dc8` */
  readonly id: string;
  /** Addresses of BARs 0 to 5 as the guest's kernel knows them, without their flags; 0 for none. */
  readonly bars: readonly number[];
  /** Its driver, or nothing. */
  readonly driver: string;
}

const BARS = 6;

/** Throws unless `holds`. */
export function expectThat(holds: boolean, wrong: string): asserts holds {
  if (!holds) throw new Error(wrong);
}

/** What a stage begins with. */
export interface StageProps {
  readonly interruptCount: number;
  readonly complaints: string[];
  readonly atPowerOn: PowerOnCards | undefined;
}

/** Options of a card that keep what a device threw in an access, what a driver did against its documentation, DMA that went astray: in the order of their coming. */
export function complainTo(complaints: string[]): AttachOptions {
  return {
    onGuestError: (message) => void complaints.push(`driver: ${message}`),
    onDmaFault: (fault) => void complaints.push(`DMA: ${fault.message}`),
    onMistake: (error) => void complaints.push(`device: ${String(error)}`),
  };
}

/** The guest, its cards, and what went wrong behind their backs. */
export class Stage {
  readonly guest: Guest;
  /** What {@link complainTo} heard. */
  readonly complaints: string[];
  /** How many interrupts are counted; even. */
  readonly interruptCount: number;
  /** Cards that were there when the firmware began. */
  readonly atPowerOn: PowerOnCards | undefined;
  private readonly cards: Set<V86Card>;

  constructor(guest: Guest, { interruptCount, complaints, atPowerOn }: StageProps) {
    this.guest = guest;
    this.interruptCount = interruptCount;
    this.complaints = complaints;
    this.atPowerOn = atPowerOn;
    this.cards = new Set(Object.values(atPowerOn ?? {}));
  }

  /** Attaches a card; what it complains of is kept. */
  attach<Device extends AttachableDevice>(make: (engine: Engine, host: DeviceHost) => Device, options: AttachOptions = {}): V86Card<Device> {
    const card = attachV86(this.guest.emulator, make, { ...complainTo(this.complaints), ...options });
    this.cards.add(card);
    return card;
  }

  /** Attaches a card and has the guest look for it; its driver is bound when this answers. */
  async plug<Device extends AttachableDevice>(make: (engine: Engine, host: DeviceHost) => Device, options: AttachOptions = {}): Promise<V86Card<Device>> {
    const card = this.attach(make, options);
    await this.guest.output('echo 1 > /sys/bus/pci/rescan');
    await this.guest.output(`n=0; until [ -e ${sysfs(card)}/driver ] || [ $n -ge 100 ]; do n=$((n + 1)); usleep 20000; done`);
    return card;
  }

  /** Has the guest let go of a card, then pulls it. */
  async unplug(card: V86Card): Promise<void> {
    await this.guest.output(`echo 1 > ${sysfs(card)}/remove`);
    this.pull(card);
  }

  /** Pulls a card without a word to the guest, which may still write to its slot. */
  pull(card: V86Card): void {
    this.cards.delete(card);
    card.unplug();
  }

  /** What the guest's kernel knows of its bus. */
  async bus(): Promise<readonly GuestPciDevice[]> {
    const lines = (await this.guest.output('cat /proc/bus/pci/devices')).split('\n');
    return lines.map((line) => {
      const [devfn = '0', id = '', , ...rest] = line.split('\t').map((part) => part.trim());
      const number = parseInt(devfn, 16);
      const bars = rest.slice(0, BARS).map((text) => {
        const value = parseInt(text, 16);
        return (value & 1) === 1 ? value & ~3 : value - (value % 16);
      });
      return {
        slot: `00:${(number >> 3).toString(16).padStart(2, '0')}.${number & 7}`,
        id: `${id.slice(0, 4)}:${id.slice(4)}`,
        bars,
        driver: rest.length > 14 ? rest.at(-1)! : '',
      };
    });
  }

  /** The guest's line of a card. Throws unless every BAR is where the guest's kernel has put it, and `driver` has it. */
  async expectBound(card: V86Card, driver: string): Promise<GuestPciDevice> {
    const found = (await this.bus()).find(({ slot }) => slot === card.slot);
    expectThat(found !== undefined, `${card.slot}: the guest does not see it`);
    if (found.driver !== driver) throw new Error(`${card.slot}: its driver is ${JSON.stringify(found.driver)}; expected ${driver}\n${await this.lastMessages()}`);
    for (const { index, address } of card.regions()) {
      expectThat(address !== null && Number(address) === found.bars[index], `${card.slot}: BAR ${index} is decoded at ${address?.toString(16) ?? 'no address'}; the guest's kernel has it at ${found.bars[index]?.toString(16)}`);
    }
    return found;
  }

  /** How often an interrupt came: the sum of the lines of /proc/interrupts that hold `what`. */
  async interrupts(what: string): Promise<number> {
    const lines = (await this.guest.output('cat /proc/interrupts')).split('\n').filter((line) => line.includes(what));
    return lines.reduce((sum, line) => sum + Number(/^\s*\S+:\s+(\d+)/.exec(line)?.[1] ?? 0), 0);
  }

  /** What the guest's kernel said last. */
  lastMessages(): Promise<string> {
    return this.guest.output('dmesg | tail -n 15');
  }

  /** Throws if anything was complained of since the last call. */
  expectNoComplaint(): void {
    const found = this.complaints.splice(0);
    expectThat(found.length === 0, found.join('\n'));
  }

  /** Takes away what a check has left, so that the next one finds the machine as the first one did. */
  async clear(): Promise<void> {
    for (const card of [...this.cards]) {
      await this.guest.run(`[ ! -e ${sysfs(card)} ] || echo 1 > ${sysfs(card)}/remove`);
      this.pull(card);
    }
  }
}

/** Where the guest keeps what it knows of a card. */
export const sysfs = (card: { readonly slot: string }): string => `/sys/bus/pci/devices/0000:${card.slot}`;

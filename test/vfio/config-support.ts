// What the tests of configuration space share: a function whose registers are plain memory, and its file.
import { type Region } from '../../src/core/index.ts';
import { type ConfigHardware, type Process, type VfioDevice, type VfioDeviceDescription } from '../../src/vfio/index.ts';
import { type World, outcome, slot } from './support.ts';

/** Bytes by offset, each list from there on. */
export type Image = Readonly<Record<number, readonly number[]>>;

/** A function with the registers of an image, open as fd 3. */
export class ConfigBench {
  readonly registers: Region;
  readonly device: VfioDevice;
  readonly process: Process;

  constructor(world: World, image: Image, options: { size?: number; config?: ConfigHardware; more?: Partial<VfioDeviceDescription> } = {}) {
    const { size = 0x100, config = {}, more = {} } = options;
    this.registers = world.region({ kind: 'ram', size });
    const bytes = this.registers.bytes();
    for (const [at, list] of Object.entries(image)) bytes.set(list, Number(at));
    const regions = { 0: { region: world.ram(0x4000) }, 2: { region: world.ram(0x20), ioPorts: true }, 4: { region: world.ram(0x1000) }, 6: { region: world.ram(0x800) }, 7: { region: this.registers } };
    this.device = world.device(regions, { config, ...more });
    this.process = world.open(this.device);
  }

  /** The bytes that a read answers, in hex, or an errno. */
  read(at: number, length: number): string {
    const bytes = new Uint8Array(length);
    const result = outcome(() => this.process.pread(3, bytes, slot(7) + BigInt(at)));
    return result === length ? Buffer.from(bytes).toString('hex') : String(result);
  }

  /** Writes bytes given in hex. */
  write(at: number, hex: string): unknown {
    const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
    const result = outcome(() => this.process.pwrite(3, bytes, slot(7) + BigInt(at)));
    return result === bytes.length ? 'written' : result;
  }

  /** The registers' bytes, in hex. */
  hardware(at: number, length: number): string {
    return Buffer.from(this.registers.readBytes(at, new Uint8Array(length))).toString('hex');
  }
}

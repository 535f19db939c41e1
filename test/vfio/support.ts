// What the tests of this room share: a world whose end proves that nothing was left behind, and calls with comparable outcomes.
import { expect } from '@jest/globals';
import { type Engine, type EngineOptions, type Region, type RegionDescription, createEngine } from '../../src/core/index.ts';
import { VFIO_DEVICE_GET_REGION_INFO, VfioError, vfio_region_info } from '../../src/uapi/index.ts';
import { type OpenOptions, Process, type ProcessOptions, VfioDevice, type VfioDeviceDescription, type VfioRegionDescription } from '../../src/vfio/index.ts';

export const PAGE = 0x1000;

/** What fresh buffers hold: a byte that no answer has. */
export const FILLER = 0xaa;

export const filled = (size: number): Uint8Array => new Uint8Array(size).fill(FILLER);
export const slot = (index: number): bigint => BigInt(index) << 40n;
export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A call's result, or how it failed: the errno's name, or the error's name for misuse of the API. */
export function outcome<T>(call: () => T): T | string {
  try {
    return call();
  } catch (error) {
    if (error instanceof VfioError) return error.code;
    if (error instanceof Error) return error.name;
    throw error;
  }
}

/** Expects 0, or one of the errnos. Whatever else is thrown is a fault of the library, which a raw call would have called EINVAL, and comes out. */
export function expectAnswer(call: () => unknown, errnos: readonly string[]): void {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    if (!(error instanceof VfioError)) throw error;
    expect(errnos).toContain(error.code);
    return;
  }
  expect(result).toBe(0);
}

/** The message of what a call throws. */
export function message(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was thrown';
}

/** `read 4 at 0x10` or `write 4 at 0x10: 0x1`. */
export type CycleLog = string[];

export class World {
  readonly engine: Engine;
  private readonly regions: Region[] = [];
  private readonly processes: Process[] = [];

  constructor(options: EngineOptions = {}) {
    this.engine = createEngine(options);
  }

  region(description: RegionDescription): Region {
    const region = this.engine.region(description);
    this.regions.push(region);
    return region;
  }

  /** Takes a region that something else has made, to destroy it at the end. */
  owns(region: Region): void {
    this.regions.push(region);
  }

  /** RAM whose byte at `i` is `i + start`, so that a moved byte shows. */
  ram(size: number, start = 0): Region {
    const region = this.region({ kind: 'ram', size });
    const bytes = region.bytes();
    for (let i = 0; i < size; i++) bytes[i] = i + start;
    return region;
  }

  /** A hook region over plain bytes that writes down its cycles; `before` runs ahead of each. */
  hook(bytes: Uint8Array, log: CycleLog, before: (position: number) => void = () => {}): Region {
    return this.region({
      kind: 'hook',
      size: bytes.length,
      read: (at, width) => {
        const position = Number(at);
        before(position);
        log.push(`read ${width} at 0x${position.toString(16)}`);
        let value = 0n;
        for (let i = width - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[position + i]!);
        return value;
      },
      write: (at, width, value) => {
        const position = Number(at);
        before(position);
        log.push(`write ${width} at 0x${position.toString(16)}: 0x${value.toString(16)}`);
        for (let i = 0; i < width; i++) bytes[position + i] = Number((BigInt(value) >> BigInt(8 * i)) & 0xffn);
      },
    });
  }

  device(regions: Readonly<Record<number, VfioRegionDescription>>, more: Partial<VfioDeviceDescription> = {}): VfioDevice {
    return new VfioDevice({ name: '0000:00:01.0', ...more, regions });
  }

  process(options: ProcessOptions = {}): Process {
    const process = new Process(this.engine, options);
    this.processes.push(process);
    return process;
  }

  /** A process of its own with the device open as fd 3. */
  open(device: VfioDevice, options: OpenOptions = {}): Process {
    const process = this.process();
    expect(process.open(device, options)).toBe(3);
    return process;
  }

  /** Ends every process and destroys every region; then the core holds nothing. */
  end(): void {
    for (const process of this.processes) process.exit();
    for (const region of this.regions) region.destroy();
    expect(this.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  }
}

/** GET_REGION_INFO without room for capabilities. */
export function regionInfo(process: Process, index: number, fd = 3): { flags: number; size: bigint; offset: bigint } {
  const bytes = vfio_region_info.encode({ argsz: vfio_region_info.size, index });
  process.ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, bytes);
  return vfio_region_info.decode(bytes);
}

export const offsetOf = (process: Process, index: number, fd = 3): bigint => regionInfo(process, index, fd).offset;

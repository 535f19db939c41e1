// A program that migrates devices as QEMU does: it sets states, reads one data fd, and writes another.
import type { Engine } from '../../src/core/index.ts';
import { VFIO_DEVICE_FEATURE, VFIO_MIG_GET_PRECOPY_INFO, VfioError } from '../../src/uapi/index.ts';
import { Process, type VfioDevice } from '../../src/vfio/index.ts';

export const STATE = { ERROR: 0, STOP: 1, RUNNING: 2, STOP_COPY: 3, RESUMING: 4, RUNNING_P2P: 5, PRE_COPY: 6, PRE_COPY_P2P: 7 } as const;
const GET = 0x1_0000;
const SET = 0x2_0000;
const CONFIG = 7n << 40n;

/** One device, open. */
export class MigrationUser {
  readonly process: Process;
  readonly device: VfioDevice;
  private readonly fd: number;
  private dataFd = -1;

  constructor(engine: Engine, device: VfioDevice) {
    this.process = new Process(engine);
    this.device = device;
    this.fd = this.process.open(device);
    // As the last user left it, the device may not reach memory.
    this.process.pwrite(this.fd, new Uint8Array([7]), CONFIG + 4n);
  }

  private feature(flags: number, payload: Uint8Array): void {
    const bytes = new Uint8Array(8 + payload.length);
    new Uint32Array(bytes.buffer, 0, 2).set([bytes.length, flags]);
    bytes.set(payload, 8);
    this.process.ioctl(this.fd, VFIO_DEVICE_FEATURE, bytes);
    payload.set(bytes.subarray(8));
  }

  set(state: number): void {
    const payload = new Uint8Array(new Int32Array([state, -1]).buffer);
    this.feature(SET | 2, payload);
    const fd = new DataView(payload.buffer).getInt32(4, true);
    if (fd < 0) return;
    if (this.dataFd >= 0) this.process.close(this.dataFd);
    this.dataFd = fd;
  }

  get state(): number {
    const payload = new Uint8Array(8);
    this.feature(GET | 2, payload);
    return payload[0]!;
  }

  get dataSize(): number {
    const payload = new Uint8Array(8);
    this.feature(GET | 9, payload);
    return Number(new DataView(payload.buffer).getBigUint64(0, true));
  }

  /** Initial and dirty bytes. */
  info(): readonly [number, number] {
    const bytes = new Uint8Array(24);
    bytes[0] = 24;
    this.process.ioctl(this.dataFd, VFIO_MIG_GET_PRECOPY_INFO, bytes);
    const view = new DataView(bytes.buffer);
    return [Number(view.getBigUint64(8, true)), Number(view.getBigUint64(16, true))];
  }

  /** What there is to read now, up to `most` bytes, `piece` at a time. */
  read(piece = 4096, most = Infinity): Uint8Array {
    const pieces: Uint8Array[] = [];
    let total = 0;
    while (total < most) {
      const buffer = new Uint8Array(Math.min(piece, most - total));
      let count: number;
      try {
        count = this.process.read(this.dataFd, buffer);
      } catch (error) {
        if (error instanceof VfioError && error.code === 'ENOMSG') break;
        throw error;
      }
      if (count === 0) break;
      pieces.push(buffer.subarray(0, count));
      total += count;
    }
    return new Uint8Array(Buffer.concat(pieces));
  }

  write(bytes: Uint8Array, piece = bytes.length): void {
    for (let at = 0; at < bytes.length; at += piece) this.process.write(this.dataFd, bytes.subarray(at, at + piece));
  }

  /** The whole stream, of a device that is stopped for it; then it may run again. */
  save(): Uint8Array {
    this.set(STATE.STOP_COPY);
    return this.read();
  }

  /** Becomes what a stream says, and runs. */
  load(stream: Uint8Array, piece?: number): void {
    this.set(STATE.RESUMING);
    this.write(stream, piece);
    this.set(STATE.RUNNING);
  }

  /** Logs what the device writes; the page size that is used. */
  startLog(pageSize: number, ...ranges: (readonly [iova: number, length: number])[]): number {
    const at = this.process.allocate(4096);
    this.process.memory.writeBytes(at, new Uint8Array(new BigUint64Array(ranges.flat().map(BigInt)).buffer));
    const payload = new Uint8Array(new BigUint64Array([BigInt(pageSize), BigInt(ranges.length), BigInt(at)]).buffer);
    try {
      this.feature(SET | 6, payload);
    } finally {
      this.process.munmap(at, 4096);
    }
    return Number(new DataView(payload.buffer).getBigUint64(0, true));
  }

  stopLog(): void {
    this.feature(SET | 7, new Uint8Array());
  }

  /** Numbers of the pages from `iova` on that were written since they were asked for last. */
  written(iova: number, length: number, pageSize = 4096): number[] {
    const bytes = Math.ceil(length / pageSize / 8);
    const at = this.process.allocate(bytes);
    try {
      this.feature(GET | 8, new Uint8Array(new BigUint64Array([iova, length, pageSize, at].map(BigInt)).buffer));
      const bitmap = this.process.memory.readBytes(at, new Uint8Array(bytes));
      return Array.from({ length: bytes * 8 }, (_, bit) => bit).filter((bit) => ((bitmap[bit >> 3]! >> (bit & 7)) & 1) === 1);
    } finally {
      this.process.munmap(at, bytes);
    }
  }

  exit(): void {
    this.process.exit();
  }
}

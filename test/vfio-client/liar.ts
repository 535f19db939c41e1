// A transport that lies: it answers requests as it is told, and nothing else.
import { VfioClient } from '../../src/vfio-client/index.ts';
import type { VfioCalls } from '../../src/vfio-client/index.ts';

export type Answer = (request: Uint8Array, view: DataView, time: number) => number;

/** Answers one request as it is told, and notes what argsz it was asked with; reads and writes move nothing unless told. */
export class Liar {
  readonly argsz: number[] = [];
  readonly client: VfioClient;

  constructor(answers: Readonly<Record<number, Answer>>, others: Partial<VfioCalls> = {}) {
    const refuse = (): never => {
      throw new Error('not expected');
    };
    const memory = { read8: refuse, read16: refuse, read32: refuse, read64: refuse, write8: refuse, write16: refuse, write32: refuse, write64: refuse, readBytes: refuse, writeBytes: () => undefined };
    const ioctl = (_: number, request: number, argument = new Uint8Array(0)): number => {
      const view = new DataView(argument.buffer, argument.byteOffset, argument.byteLength);
      if (argument.length >= 4) this.argsz.push(view.getUint32(0, true));
      return answers[request]!(argument, view, this.argsz.length);
    };
    this.client = new VfioClient({ ioctl, pread: () => 0, pwrite: () => 0, read: () => 0, write: () => 0, mmap: () => 0x1000, munmap: () => 0, close: () => 0, memory, ...others }, 3);
  }
}

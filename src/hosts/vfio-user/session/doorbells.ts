// DEVICE_GET_REGION_IO_FDS: the device's doorbells as eventfds, and what a signal of one does.
//
//   reply   | argsz | flags 0 | index | count | 16  entry, entry, ...
//
//   entry   0        8      16         20     24      28        32          40
//           | offset | size | fd_index | type | flags | padding | datamatch |          flags: 1 DATAMATCH, 2 PIO
//
//   client (KVM) --- signal ---> eventfd ---> the write that the doorbell stands for
//
// Order, against the messages of the same client: a write whose message was sent before the signal is done before it; whatever is answered after the signal was
// given, to a client that waits for its answers, was done after it. Signals of one eventfd that come together are one.

import { VfioError } from '../../../uapi/index.ts';
import type { Doorbell } from '../../../vfio/index.ts';
import { IO_FD_DATAMATCH, IO_FD_PIO, IO_FD_TYPE_IOEVENTFD } from '../codec/commands.ts';
import { vfio_user_io_fd as ENTRY } from '../codec/layouts.ts';
import type { Bells, PassedFd } from '../transport/transport.ts';
import type { ServedDevice } from './served-device.ts';

/** Makes eventfds for a client; `rung` is called when some were signalled. */
export type OpenBells = (count: number, rung: () => void) => Bells;

/** What is told of the doorbells of a region. */
export interface DoorbellEntries {
  /** Of all entries; what they need of a reply. */
  readonly bytes: Uint8Array;
  readonly count: number;
  /** The eventfds of the entries, in the order of fd_index. Makes them the first time. */
  readonly fds: () => readonly PassedFd[];
}

/** The doorbells of one client. */
export class SessionDoorbells {
  private readonly device: ServedDevice;
  private readonly openBells: OpenBells | undefined;
  private readonly rung: () => void;
  private readonly report: (error: unknown) => void;
  private bells: Bells | undefined;

  /**
   * @param openBells - Undefined where eventfds do not pass.
   * @param rung - A doorbell was rung.
   * @param report - Is told of what the device's own code threw: nobody else is.
   */
  constructor(device: ServedDevice, openBells: OpenBells | undefined, rung: () => void, report: (error: unknown) => void) {
    this.device = device;
    this.openBells = openBells;
    this.rung = rung;
    this.report = report;
  }

  /** Eventfds that there are for the client. */
  get held(): number {
    return this.bells?.fds.length ?? 0;
  }

  /**
   * The doorbells of a region.
   *
   * @param most - Fds that the client takes with one message; of doorbells beyond them it is not told.
   */
  entries(region: number, most: number): DoorbellEntries {
    const all = this.device.vfio.doorbells;
    const indices = this.openBells === undefined ? [] : [...all.keys()].filter((i) => all[i]!.region.index === region).slice(0, most);
    const bytes = new Uint8Array(indices.length * ENTRY.size);
    for (const [fd_index, i] of indices.entries()) ENTRY.encode(entryOf(all[i]!, fd_index), bytes, fd_index * ENTRY.size);
    return {
      bytes,
      count: indices.length,
      fds: () => {
        if (indices.length > 0) this.bells ??= this.openBells!(all.length, () => this.act());
        return indices.map((i) => this.bells!.fds[i]!);
      },
    };
  }

  /** Does what was rung for. */
  readonly act = (): void => {
    if (this.bells === undefined) return;
    for (const i of this.bells.take()) this.write(this.device.vfio.doorbells[i]!);
  };

  private write({ region, offset, bytes }: Doorbell): void {
    this.rung();
    try {
      this.device.access('vfio-user doorbell', region, offset, bytes.slice(), true);
    } catch (error) {
      // A write that nobody waits for, as on a bus.
      if (!(error instanceof VfioError)) this.report(error);
    }
  }

  /** The client is gone. */
  close(): void {
    this.bells?.close();
    this.bells = undefined;
  }
}

function entryOf({ region, offset, size, datamatch }: Doorbell, fd_index: number): Parameters<typeof ENTRY.encode>[0] {
  const flags = (datamatch === undefined ? 0 : IO_FD_DATAMATCH) | (region.ioPorts === true ? IO_FD_PIO : 0);
  return { offset, size: BigInt(size), fd_index, type: IO_FD_TYPE_IOEVENTFD, flags, datamatch: datamatch ?? 0n };
}

// A dma-buf made of parts of a BAR, as the drivers see it that import it. Behaviour text, section 9, DMA_BUF.
//
//   usable --- reset, COMMAND.MEM off, D3hot, LOW_POWER_ENTRY ---> revoked        importers are told of either
//   usable <-- the memory gate is open again ---------------------- revoked --- last close of the device ---> revoked for good
//
// Source: drivers/vfio/pci/vfio_pci_dmabuf.c of 7.2

import type { Region } from '../../core/index.ts';
import { VfioError } from '../../uapi/index.ts';
import { askModel, atEnd } from '../model-error.ts';

/** A part of a BAR. */
export interface DmaBufRange {
  /** The BAR's bytes. */
  readonly region: Region;
  /** Bytes from the start of the BAR, whole pages of 4096. */
  readonly position: bigint;
  /** Bytes, whole pages. */
  readonly length: bigint;
}

/** A driver that wants to reach the bytes. */
export interface DmaBufImporter {
  /** Whether it can reach another device rather than memory alone. */
  readonly peerToPeer: boolean;
  /** Is told when the bytes are taken away, and when they are there again. */
  readonly onMove?: (isRevoked: boolean) => void;
}

/**
 * A dma-buf of a BAR. `process.dmaBuf(fd)` finds it.
 *
 * @example
 * ```ts
 * const detach = buffer.attach({ peerToPeer: true });
 * for (const { region, position } of buffer.ranges()) region.read32(position);
 * detach();
 * ```
 */
export class VfioDmaBuf {
  private readonly parts: readonly DmaBufRange[];
  private readonly importers = new Set<DmaBufImporter>();
  private revoked: boolean;
  private isOver = false;

  /** @internal */
  constructor(parts: readonly DmaBufRange[], isRevoked: boolean) {
    this.parts = parts;
    this.revoked = isRevoked;
  }

  /** Bytes of all parts together. */
  get size(): bigint {
    return this.parts.reduce((sum, { length }) => sum + length, 0n);
  }

  /** Whether its bytes cannot be reached now. */
  get isRevoked(): boolean {
    return this.revoked;
  }

  /**
   * Lets a driver use it. Returns what ends that.
   *
   * @throws VfioError EOPNOTSUPP for one that cannot reach other devices, ENODEV while it is revoked.
   */
  attach(importer: DmaBufImporter): () => void {
    if (typeof importer !== 'object' || (importer as unknown) === null || typeof (importer.peerToPeer as unknown) !== 'boolean') throw new TypeError('attach: expected an object with peerToPeer, true or false');
    if (!importer.peerToPeer) throw new VfioError('EOPNOTSUPP', 'attach', 'the importer cannot reach other devices');
    this.usable('attach');
    const own: DmaBufImporter = { ...importer };
    this.importers.add(own);
    return () => void this.importers.delete(own);
  }

  /** Where its bytes are, in order. VfioError ENODEV while it is revoked. */
  ranges(): readonly DmaBufRange[] {
    this.usable('ranges');
    return this.parts;
  }

  private usable(call: string): void {
    if (this.revoked) throw new VfioError('ENODEV', call, 'the dma-buf is revoked: its device does not answer memory accesses, or is closed');
  }

  /** @internal The bytes go, or are there again. */
  move(isRevoked: boolean): void {
    if (this.isOver || this.revoked === isRevoked) return;
    this.tell(isRevoked);
  }

  private tell(isRevoked: boolean): void {
    this.revoked = isRevoked;
    const told = (importer: DmaBufImporter) => (): void => {
      // One that was told before may have changed this, or ended another's use.
      if (this.revoked === isRevoked && this.importers.has(importer)) askModel(() => importer.onMove?.(isRevoked));
    };
    atEnd([...this.importers].map(told));
  }

  /** @internal They go for good. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    if (!this.revoked) this.tell(true);
  }
}

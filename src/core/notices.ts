// What the core has to tell once an access has ended: interrupt lines and doorbells, to the owners of banks.

import type { BankHandlers } from './bank.ts';
import type { CoreExports } from './exports.ts';
import { NOTICE_ADDRESS, NOTICE_DOORBELL, NOTICE_EDGE, NOTICE_KIND, NOTICE_LEVEL, NOTICE_REGION, NOTICE_VALUE, NOTICE_WIDTH } from './layout.generated.ts';

/** @internal */
export class Notices {
  private readonly exports: CoreExports;
  private readonly data: () => DataView;
  private readonly banks: ReadonlyMap<number, BankHandlers>;
  private telling = false;

  constructor(exports: CoreExports, data: () => DataView, banks: ReadonlyMap<number, BankHandlers>) {
    this.exports = exports;
    this.data = data;
    this.banks = banks;
  }

  /** Tells the oldest first; what handlers cause is told after it, by the outermost call. Answers how many there were. What a handler throws is thrown when all were told. */
  tell(): number {
    if (this.telling) return 0;
    this.telling = true;
    const failures: unknown[] = [];
    let told = 0;
    try {
      for (let row = this.exports.noticeOldest() >>> 0; row !== 0; row = this.exports.noticeOldest() >>> 0) {
        told++;
        try {
          this.one(row);
        } catch (error) {
          failures.push(error);
        }
      }
      if (this.exports.noticeDropped() > 0) for (const bank of [...this.banks.values()]) this.lost(bank, failures);
    } finally {
      this.telling = false;
    }
    if (failures.length > 0) throw failures[0];
    return told;
  }

  private lost(bank: BankHandlers, failures: unknown[]): void {
    try {
      bank.doorbellsLost?.();
    } catch (error) {
      failures.push(error);
    }
  }

  private one(row: number): void {
    const data = this.data();
    const bank = this.banks.get(data.getUint32(row + NOTICE_REGION, true));
    const kind = data.getUint8(row + NOTICE_KIND);
    const width = data.getUint8(row + NOTICE_WIDTH);
    const address = data.getUint32(row + NOTICE_ADDRESS, true);
    const value = data.getUint32(row + NOTICE_VALUE, true);
    const wide = width > 4 ? data.getBigUint64(row + NOTICE_VALUE, true) : value;
    // Taken before it is told: a handler may cause others, and they go behind it.
    this.exports.noticeTake();
    if (kind === NOTICE_LEVEL) bank?.level?.(address, value !== 0);
    else if (kind === NOTICE_EDGE) bank?.edge?.(address, value);
    else if (kind === NOTICE_DOORBELL) bank?.doorbell?.(address, width, wide);
  }
}

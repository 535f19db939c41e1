// Dirty pages of a type1 container as the judge keeps them: for each mapping a set of page numbers. Behaviour text, section 6.5.
//
//   bitmap:  | word 0 | word 1 | word 2 |      bit n: the page at iova + n * page
//            ^ iova        |~~~~ mapping ~~~|  whole words are written; bits ahead of the mapping in its first word stay, bits behind it in its last become 0

import type { ReferenceArgument } from './argument.ts';
import { MAX } from './iova-list.ts';
import type { Answer, ReferenceProcess } from './memory.ts';
import type { ReferenceType1, Type1Mapping } from './type1.ts';

const [START, STOP, GET] = [1, 2, 4];
/** Pages of the largest mapping that has a bitmap. */
const PAGES_LIMIT = 0x7fff_ffffn;

export class ReferenceDirtyPages {
  isOn = false;
  private readonly container: ReferenceType1;
  private readonly marks = new Map<Type1Mapping, Set<bigint>>();
  /** Mappings of which every page is dirty. */
  private readonly whole = new Set<Type1Mapping>();

  constructor(container: ReferenceType1) {
    this.container = container;
  }

  private fits(mapping: Type1Mapping): boolean {
    return mapping.bytes / this.container.smallestPage <= PAGES_LIMIT;
  }

  /** Whether a new mapping can be tracked where that is asked for. */
  accepts(mapping: Type1Mapping): boolean {
    return !this.isOn || this.fits(mapping);
  }

  forget(mapping: Type1Mapping): void {
    this.marks.delete(mapping);
    this.whole.delete(mapping);
  }

  /** A group that told nothing of its writes has left: they may have been anywhere. */
  groupLeft(): void {
    if (this.isOn) for (const mapping of this.container.mappings) this.whole.add(mapping);
  }

  /** Bytes first..last of a mapping were written for an emulated function. */
  mark(mapping: Type1Mapping, first: bigint, last: bigint): void {
    if (!this.isOn) return;
    const page = this.container.smallestPage;
    let pages = this.marks.get(mapping);
    if (pages === undefined) this.marks.set(mapping, (pages = new Set()));
    for (let number = (first - mapping.first) / page; number <= (last - mapping.first) / page; number++) pages.add(number);
  }

  ioctl(process: ReferenceProcess, argument: ReferenceArgument): Answer {
    if (!argument.holds(8)) return 'EFAULT';
    const flags = argument.u32(4);
    if (argument.u32(0) < 8 || ![START, STOP, GET].includes(flags)) return 'EINVAL';
    if (flags === STOP) {
      this.isOn = false;
      this.marks.clear();
      this.whole.clear();
      return 'ok';
    }
    if (flags === START) {
      if (!this.isOn && !this.container.mappings.every((one) => this.fits(one))) return 'EINVAL';
      this.isOn = true;
      return 'ok';
    }
    if (argument.u32(0) < 48) return 'EINVAL';
    if (!argument.holds(48)) return 'EFAULT';
    const [iova, bytes, page, size, data] = [8, 16, 24, 32, 40].map((at) => argument.u64(at)) as [bigint, bigint, bigint, bigint, bigint];
    const { smallestPage } = this.container;
    if (iova + bytes > MAX || !this.container.isBitmap(bytes, page, size, data) || page !== smallestPage) return 'EINVAL';
    if (iova % smallestPage !== 0n || bytes === 0n || bytes % smallestPage !== 0n || !this.isOn) return 'EINVAL';
    const last = iova + bytes - 1n;
    if (this.container.isCut({ first: iova, last })) return 'EINVAL';
    for (const mapping of this.container.mappings) {
      if (mapping.first < iova || mapping.first > last) continue;
      if (!this.report(mapping, process, iova, data)) return 'EFAULT';
      this.forget(mapping);
    }
    return 'ok';
  }

  /** Writes the bits of a mapping; false when there is no memory for them. */
  report(mapping: Type1Mapping, process: ReferenceProcess, iova: bigint, data: bigint): boolean {
    const page = this.container.smallestPage;
    const pages = mapping.bytes / page;
    const bit = (mapping.first - iova) / page;
    const [word, shift] = [bit / 64n, bit % 64n];
    const address = data + word * 8n;
    const length = ((shift + pages + 63n) / 64n) * 8n;
    const before = process.read(address, 8);
    if (process.runs(address, length, true) === undefined || before === undefined) return false;
    const bytes = new Uint8Array(Number(length));
    const set = (n: number): void => void (bytes[n >> 3]! |= 1 << (n & 7));
    for (let n = 0; n < Number(shift); n++) if (((before[n >> 3]! >> (n & 7)) & 1) === 1) set(n);
    // A group behind an IOMMU tells nothing of its writes: every page may be dirty.
    const isAll = this.container.physical.length > 0 || this.whole.has(mapping);
    if (isAll) for (let n = 0; n < Number(pages); n++) set(Number(shift) + n);
    else for (const number of this.marks.get(mapping) ?? []) set(Number(shift + number));
    return process.write(address, bytes);
  }
}

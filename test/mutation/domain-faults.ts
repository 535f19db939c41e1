// Faults in the domains of an IOMMU: records, many pages at once, what an access reaches, dirty pages.

import type { Fault } from './faults.ts';

const domain = 'assembly/iommu/domain.ts';
const records = 'assembly/iommu/records.ts';
const mapPages = 'assembly/iommu/map-pages.ts';
const merge = 'assembly/iommu/merge.ts';
const sort = 'assembly/iommu/sort.ts';
const reach = 'assembly/iommu/reach.ts';
const move = 'assembly/iommu/move.ts';
const copy = 'assembly/iommu/copy.ts';
const dirty = 'assembly/iommu/dirty.ts';

export const domainFaults: readonly Fault[] = [
  { file: domain, find: 'position <= size(region) - bytes', replace: 'position < size(region) - bytes', why: 'the last bytes of a region cannot be mapped' },
  { file: domain, find: 'treeInsert(tree, from, from + (bytes - 1), record)', replace: 'treeInsert(tree, from, from + bytes, record)', why: 'a mapping is a byte too long' },
  { file: domain, find: 'takeRecord(domain, handleOf(region), permission, position - from)', replace: 'takeRecord(domain, handleOf(region), permission, position)', why: 'a record holds a position where it should hold a difference' },
  { file: domain, find: '    shareRecord(around);\n', replace: '', why: 'the two rests of a cut range count as one use of their record' },
  { file: domain, find: 'if (start >= from && end <= to) giveRecord', replace: 'if (start >= from) giveRecord', why: 'a range whose upper rest stays gives its record' },
  { file: domain, find: 'bytes += min<u64>(end, to) - max<u64>(start, from) + 1;', replace: 'bytes += end - max<u64>(start, from) + 1;', why: 'an unmap counts the rest that stays' },
  { file: domain, find: '  forgetMarks(domain, from, to);\n', replace: '', why: 'unmapped pages stay dirty' },
  { file: domain, find: 'if (entryCount(mappings(domain)) == 0) dropRecords(domain);', replace: 'if (entryCount(mappings(domain)) == 1) dropRecords(domain);', why: 'records are dropped while one range is left' },
  { file: records, find: 'if (rest >= ONE_USE) return;', replace: 'if (rest > ONE_USE + PERMISSIONS) return;', why: 'a record with one use left is given away' },
  { file: records, find: '  if (record != 0) {\n    store<u32>(domain, load<u32>(record), FREE);', replace: '  if (record != 0) {\n    store<u32>(domain, 0, FREE);', why: 'taking a free record loses the others' },
  { file: records, find: 'store<u32>(domain, record + RECORD_BYTES, FRESH);', replace: 'store<u32>(domain, record, FRESH);', why: 'a fresh record is taken twice' },
  { file: mapPages, find: 'if (row(iovas, i) - row(iovas, i - 1) < bytes) return -EEXIST;', replace: 'if (row(iovas, i) - row(iovas, i - 1) < bytes - 1) return -EEXIST;', why: 'pages of a batch may overlap by one byte' },
  { file: mapPages, find: 'from > leafLast) {\n      ascendTo', replace: 'from >= leafLast) {\n      ascendTo', why: 'the last index of a leaf is looked for behind it', equivalent: 'a search for an index of this very leaf ends in this leaf' },
  { file: mapPages, find: 'while (slot < n && last(leaf, slot) < from) slot += 1;', replace: 'while (slot < n && last(leaf, slot) <= from) slot += 1;', why: 'a page that begins where a range ends is put behind it' },
  { file: mapPages, find: 'return slot < count(leaf) && first(leaf, slot) <= to;', replace: 'return slot < count(leaf) && first(leaf, slot) < to;', why: 'a page may end where a range begins' },
  { file: mapPages, find: 'for (let i: u32 = 0; i < n; i++) giveRecord(domain, treeErase', replace: 'for (let i: u32 = 1; i < n; i++) giveRecord(domain, treeErase', why: 'undoing forgets the first page' },
  { file: merge, find: 'if (first(leaf, behind) <= iova + (bytes - 1)) return false;', replace: 'if (first(leaf, behind) < iova) return false;', why: 'a merged page may begin where a range does' },
  { file: merge, find: 'row(iovas) <= end) {', replace: 'row(iovas) < end) {', why: 'a merged page that begins in the last byte of a leaf comes behind it' },
  { file: merge, find: '        slot = behind;\n', replace: '', why: 'ranges in front of a merged page are written twice' },
  { file: merge, find: '  while (pages < n) writePage', replace: '  if (pages < n) writePage', why: 'of the pages behind all ranges only one is merged' },
  { file: merge, find: 'if (status != 0) giveRecords(domain, iovas);', replace: '', why: 'a merge that failed keeps its records' },
  { file: sort, find: 'while (at > 0 && load<u64>(keys + at - 8) > key) {', replace: 'while (at > 8 && load<u64>(keys + at - 8) > key) {', why: 'the lowest of a few pages is not put first' },
  { file: sort, find: 'store<u64>(toData + to, load<u64>(data + at));', replace: 'store<u64>(toData + at, load<u64>(data + at));', why: 'positions stay where they are while their IOVAs are sorted' },
  { file: sort, find: 'shift < 64 && differing >> shift != 0; shift += DIGIT', replace: 'shift < 11 && differing >> shift != 0; shift += DIGIT', why: 'only the lowest bits are sorted by' },
  { file: reach, find: 'if ((permissions(record) & (writes != 0 ? IOMMU_WRITABLE : IOMMU_READABLE)) == 0)', replace: 'if ((permissions(record) & (writes != 0 ? IOMMU_WRITABLE : IOMMU_READABLE)) == 0 && writes != 0)', why: 'a device reads what it may only write' },
  { file: reach, find: 'if (rangeLast >= to) break;', replace: 'if (rangeLast + 1 >= to) break;', why: 'the last byte of an access may lie beyond the last range' },
  { file: reach, find: 'if (slot >= count(leaf)) stand(mappings(domain), iova);', replace: '', why: 'an access ends with a leaf' },
  { file: move, find: 'if (writes != 0 && tracks(domain)) markPages(domain, iova, iova + (bytes - 1));', replace: 'if (writes != 0 && tracks(domain)) markPages(domain, iova, iova);', why: 'only the first page of a write is dirty' },
  { file: move, find: 'const run = left < <u64>rest ? <u32>left + 1 : rest;', replace: 'const run = left < <u64>rest ? <u32>left : rest;', why: 'the last byte of a range goes where the next one leads' },
  { file: copy, find: 'move(still, to, buffer, bytes, 1, plain)', replace: 'move(still, from, buffer, bytes, 1, plain)', why: 'a copy ends where it began' },
  { file: dirty, find: 'if (low > start) bits <<= <u64>(low - start);', replace: '', why: 'pages in front of a marked one are marked' },
  { file: dirty, find: '    if (first == last) return;\n    first += 1;', replace: '    first += 1;', why: 'a page that is still used, the only one, loses its mark or its neighbour does' },
  { file: dirty, find: 'const high = (min<u64>(start + (PAGE_BYTES - 1), last) - origin) >> shift;', replace: 'const high = low;', why: 'a page that lies in two bits sets one' },
  { file: dirty, find: 'const isLastShared = isUsed(domain, last);', replace: 'const isLastShared = false;', why: 'the last page loses its mark though a range is left in it' },
];

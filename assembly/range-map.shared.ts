// The range store for a shared memory: one instance writes, instances in other threads look things up beside it. The signatures of range-map.ts, and the readers'.
// (Re-exports without the extension, for the reason told in index.ts.)

export * from './range-map';
export {
  readerOpen,
  readerClose,
  readerAttach,
  readerEnter,
  readerLeave,
  treeHold,
  treeRelease,
  collectRetired,
} from './exports/reader';

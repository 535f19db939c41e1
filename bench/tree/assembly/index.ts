// What the module of the loops inside Wasm exports.
// (The compiler resolves a re-export with the extension .ts to .ts.ts; here it is left out.)

export { takeColumn, makeTrees, clearTrees, clearCopies, nodeBytes } from './trees';
export { loadAll, loadOften, loadDependent, walkAll, iterate, contents, gapsUp, gapsDown, gapsTail } from './read-loops';
export { insertAscending, insertRandom, eraseRandom, replaceAll, splitRestore, allocateErase, fill, bulk, duplicate } from './write-loops';
export { exchange, heldContents, holdSnapshots, releaseSnapshots, snapshotRelease } from './snapshot-loops';

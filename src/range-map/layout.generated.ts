// Numbers shared with assembly/, as the range map sees them.
// Generated from layout.json by scripts/generate.mjs; edit the table, not this file.

// Linux errno values that the core answers, returned negative
/** @internal */
export const ENOENT = 2;
/** @internal */
export const EIO = 5;
/** @internal */
export const ENXIO = 6;
/** @internal */
export const EBADF = 9;
/** @internal */
export const ENOMEM = 12;
/** @internal */
export const EBUSY = 16;
/** @internal */
export const EEXIST = 17;
/** @internal */
export const EINVAL = 22;
/** @internal */
export const ENOSPC = 28;
/** @internal */
export const EROFS = 30;
/** @internal */
export const EDEADLK = 35;
/** @internal */
export const ELOOP = 40;

// One row of a walk: first u64 @0, last u64 @8, value u32 @16
/** @internal */
export const WALK_ROW_BYTES = 24;
/** @internal */
export const WALK_FIRST = 0;
/** @internal */
export const WALK_LAST = 8;
/** @internal */
export const WALK_VALUE = 16;

// What treeBatch() does with each row of its columns
/** @internal */
export const TREE_LOAD = 0;
/** @internal */
export const TREE_INSERT = 1;
/** @internal */
export const TREE_STORE = 2;
/** @internal */
export const TREE_ERASE = 3;
/** @internal */
export const TREE_BULK = 4;

// Result cells, from resultCells(): what does not fit one return value
/** @internal */
export const CELL_BYTES = 64;
/** @internal */
export const CELL_FIRST = 0;
/** @internal */
export const CELL_LAST = 8;
/** @internal */
export const CELL_VALUE = 16;
/** @internal */
export const CELL_DATA = 24;
/** @internal */
export const CELL_INDEX = 32;
/** @internal */
export const CELL_POSITION = 40;
/** @internal */
export const CELL_PLAIN_CLOSINGS = 48;
/** @internal */
export const CELL_MASKED_CLOSINGS = 52;

// What liveCount() can count
/** @internal */
export const COUNT_LEAVES = 0;
/** @internal */
export const COUNT_INNER_NODES = 1;
/** @internal */
export const COUNT_PAGES = 2;
/** @internal */
export const COUNT_OBJECTS = 3;
/** @internal */
export const COUNT_BACKING_BYTES = 4;

// Numbers shared with assembly/, as the façade sees them.
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

// Kinds of objects behind a handle
/** @internal */
export const OBJECT_TREE = 1;
/** @internal */
export const OBJECT_CURSOR = 2;
/** @internal */
export const OBJECT_REGION = 3;
/** @internal */
export const OBJECT_SPACE = 4;
/** @internal */
export const OBJECT_WINDOW = 5;
/** @internal */
export const OBJECT_COOKIE_TABLE = 6;
/** @internal */
export const OBJECT_COOKIE = 7;
/** @internal */
export const OBJECT_SNAPSHOT = 8;
/** @internal */
export const OBJECT_HISTORY = 9;
/** @internal */
export const OBJECT_READER = 10;
/** @internal */
export const OBJECT_LINE = 11;
/** @internal */
export const OBJECT_DOMAIN = 12;

// Backing kinds of a region
/** @internal */
export const REGION_RAM = 1;
/** @internal */
export const REGION_DEMAND = 2;
/** @internal */
export const REGION_ROM = 3;
/** @internal */
export const REGION_HOOK = 4;
/** @internal */
export const REGION_BANK = 5;

// Flags of a region
/** @internal */
export const REGION_UNALIGNED = 1;
/** @internal */
export const REGION_REENTRANT = 2;

// Sizes in bytes, and depths
/** @internal */
export const PAGE_BYTES = 4096;
/** @internal */
export const STAGING_BYTES = 65536;
/** @internal */
export const MAX_NESTED_ACCESSES = 16;

// One row of a batch: address u64 @0, value u64 @8, operation u8 @16, width u8 @17, errno u8 @18, differs u8 @19, space u32 @20
/** @internal */
export const BATCH_ROW_BYTES = 24;
/** @internal */
export const BATCH_ADDRESS = 0;
/** @internal */
export const BATCH_VALUE = 8;
/** @internal */
export const BATCH_OPERATION = 16;
/** @internal */
export const BATCH_WIDTH = 17;
/** @internal */
export const BATCH_ERRNO = 18;
/** @internal */
export const BATCH_DIFFERS = 19;
/** @internal */
export const BATCH_SPACE = 20;
/** @internal */
export const BATCH_READ = 0;
/** @internal */
export const BATCH_WRITE = 1;
/** @internal */
export const BATCH_COMPARE = 2;

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

// One record of the event ring: sequence f64 @0, address u64 @8, value u64 @16, target u32 @24, operation u8 @28, width u8 @29, kind u8 @30
/** @internal */
export const RING_RECORD_BYTES = 32;
/** @internal */
export const RING_SEQUENCE = 0;
/** @internal */
export const RING_ADDRESS = 8;
/** @internal */
export const RING_VALUE = 16;
/** @internal */
export const RING_TARGET = 24;
/** @internal */
export const RING_OPERATION = 28;
/** @internal */
export const RING_WIDTH = 29;
/** @internal */
export const RING_KIND = 30;
/** @internal */
export const RING_KIND_TRACE = 1;

// One row of what the host is told of: address or line u64 @0, value u64 @8, region u32 @16, kind u8 @20, width u8 @21
/** @internal */
export const NOTICE_ROW_BYTES = 32;
/** @internal */
export const NOTICE_ROWS = 4096;
/** @internal */
export const NOTICE_ADDRESS = 0;
/** @internal */
export const NOTICE_VALUE = 8;
/** @internal */
export const NOTICE_REGION = 16;
/** @internal */
export const NOTICE_KIND = 20;
/** @internal */
export const NOTICE_WIDTH = 21;
/** @internal */
export const NOTICE_LEVEL = 1;
/** @internal */
export const NOTICE_EDGE = 2;
/** @internal */
export const NOTICE_DOORBELL = 3;

// The table of a register bank; assembly/registers/bank.ts has the picture
/** @internal */
export const BANK_HEADER_BYTES = 64;
/** @internal */
export const BANK_REGISTER_BYTES = 192;
/** @internal */
export const BANK_ROW_BYTES = 32;
/** @internal */
export const BANK_FIFO_BYTES = 32;
/** @internal */
export const BANK_BIG_ENDIAN = 1;
/** @internal */
export const BANK_WHOLE_REGISTERS = 2;
/** @internal */
export const BANK_NO_REGISTER = 65535;
/** @internal */
export const HOOK_BEFORE_READ = 1;
/** @internal */
export const HOOK_AFTER_READ = 2;
/** @internal */
export const HOOK_BEFORE_WRITE = 4;
/** @internal */
export const HOOK_AFTER_WRITE = 8;
/** @internal */
export const ACTION_LOCK = 1;
/** @internal */
export const ACTION_ONCE = 2;
/** @internal */
export const ACTION_FIELD_CLEAR = 3;
/** @internal */
export const ACTION_FIELD_SET = 4;
/** @internal */
export const ACTION_SET = 5;
/** @internal */
export const ACTION_CLEAR = 6;
/** @internal */
export const ACTION_COPY = 7;
/** @internal */
export const ACTION_COUNT = 8;
/** @internal */
export const ACTION_FIFO = 9;
/** @internal */
export const ACTION_DATA_PORT = 10;
/** @internal */
export const ACTION_AFTER_READ = 1;
/** @internal */
export const ACTION_AFTER_WRITE = 2;
/** @internal */
export const ACTION_WHEN_ONE = 1;
/** @internal */
export const ACTION_SATURATES = 2;

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

// One lane, from spaceLane(): first address u64 @0, where its bytes lie u32 @16, from there to the readable bits u32 @20 (0: no masks), for 1, 2 and 4 bytes the highest offset or, with masks, how many offsets, u32 each @24
/** @internal */
export const LANE_FIRST = 0;
/** @internal */
export const LANE_BASE = 16;
/** @internal */
export const LANE_DISTANCE = 20;
/** @internal */
export const LANE_OFFSETS = 24;
/** @internal */
export const LANE_LAST_CLOSING = 2147483647;

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

// Attributes of a window
/** @internal */
export const WINDOW_WRITE_COMBINING = 1;

// Line buffers of a write-combining window
/** @internal */
export const LINE_BYTES = 64;
/** @internal */
export const LINES_PER_WINDOW = 4;

// Permissions of a mapping of a domain, why an access faults (IOMMU_CYCLES: it does not, but runs hooks or is counted), and one row of a walk: first u64 @0, last u64 @8, position u64 @16, region u32 @24, permissions u32 @28
/** @internal */
export const IOMMU_READABLE = 1;
/** @internal */
export const IOMMU_WRITABLE = 2;
/** @internal */
export const IOMMU_UNMAPPED = 1;
/** @internal */
export const IOMMU_PERMISSION = 2;
/** @internal */
export const IOMMU_TARGET = 3;
/** @internal */
export const IOMMU_CYCLES = 4;
/** @internal */
export const IOMMU_ROW_BYTES = 32;
/** @internal */
export const IOMMU_ROW_FIRST = 0;
/** @internal */
export const IOMMU_ROW_LAST = 8;
/** @internal */
export const IOMMU_ROW_POSITION = 16;
/** @internal */
export const IOMMU_ROW_REGION = 24;
/** @internal */
export const IOMMU_ROW_PERMISSIONS = 28;

// How a device file hands out offsets
/** @internal */
export const OFFSETS_INDEX = 0;
/** @internal */
export const OFFSETS_COOKIE = 1;
/** @internal */
export const OFFSETS_SCATTERED = 2;

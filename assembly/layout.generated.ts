// Numbers shared with src/core, as the core sees them.
// Generated from layout.json by scripts/generate.mjs; edit the table, not this file.

// Linux errno values that the core answers, returned negative
export const ENOENT: i32 = 2;
export const EIO: i32 = 5;
export const ENXIO: i32 = 6;
export const EBADF: i32 = 9;
export const ENOMEM: i32 = 12;
export const EBUSY: i32 = 16;
export const EEXIST: i32 = 17;
export const EINVAL: i32 = 22;
export const ENOSPC: i32 = 28;
export const EROFS: i32 = 30;
export const EDEADLK: i32 = 35;
export const ELOOP: i32 = 40;

// Kinds of objects behind a handle
export const OBJECT_TREE: u32 = 1;
export const OBJECT_CURSOR: u32 = 2;
export const OBJECT_REGION: u32 = 3;
export const OBJECT_SPACE: u32 = 4;
export const OBJECT_WINDOW: u32 = 5;
export const OBJECT_COOKIE_TABLE: u32 = 6;
export const OBJECT_COOKIE: u32 = 7;
export const OBJECT_SNAPSHOT: u32 = 8;
export const OBJECT_HISTORY: u32 = 9;
export const OBJECT_READER: u32 = 10;
export const OBJECT_LINE: u32 = 11;
export const OBJECT_DOMAIN: u32 = 12;

// Backing kinds of a region
export const REGION_RAM: u32 = 1;
export const REGION_DEMAND: u32 = 2;
export const REGION_ROM: u32 = 3;
export const REGION_HOOK: u32 = 4;
export const REGION_BANK: u32 = 5;

// Flags of a region
export const REGION_UNALIGNED: u32 = 1;
export const REGION_REENTRANT: u32 = 2;

// Sizes in bytes, and depths
export const PAGE_BYTES: u32 = 4096;
export const STAGING_BYTES: u32 = 65536;
export const MAX_NESTED_ACCESSES: u32 = 16;

// One row of a batch: address u64 @0, value u64 @8, operation u8 @16, width u8 @17, errno u8 @18, differs u8 @19, space u32 @20
export const BATCH_ROW_BYTES: u32 = 24;
export const BATCH_ADDRESS: u32 = 0;
export const BATCH_VALUE: u32 = 8;
export const BATCH_OPERATION: u32 = 16;
export const BATCH_WIDTH: u32 = 17;
export const BATCH_ERRNO: u32 = 18;
export const BATCH_DIFFERS: u32 = 19;
export const BATCH_SPACE: u32 = 20;
export const BATCH_READ: u32 = 0;
export const BATCH_WRITE: u32 = 1;
export const BATCH_COMPARE: u32 = 2;

// One row of a walk: first u64 @0, last u64 @8, value u32 @16
export const WALK_ROW_BYTES: u32 = 24;
export const WALK_FIRST: u32 = 0;
export const WALK_LAST: u32 = 8;
export const WALK_VALUE: u32 = 16;

// What treeBatch() does with each row of its columns
export const TREE_LOAD: u32 = 0;
export const TREE_INSERT: u32 = 1;
export const TREE_STORE: u32 = 2;
export const TREE_ERASE: u32 = 3;
export const TREE_BULK: u32 = 4;

// One record of the event ring: sequence f64 @0, address u64 @8, value u64 @16, target u32 @24, operation u8 @28, width u8 @29, kind u8 @30
export const RING_RECORD_BYTES: u32 = 32;
export const RING_SEQUENCE: u32 = 0;
export const RING_ADDRESS: u32 = 8;
export const RING_VALUE: u32 = 16;
export const RING_TARGET: u32 = 24;
export const RING_OPERATION: u32 = 28;
export const RING_WIDTH: u32 = 29;
export const RING_KIND: u32 = 30;
export const RING_KIND_TRACE: u32 = 1;

// One row of what the host is told of: address or line u64 @0, value u64 @8, region u32 @16, kind u8 @20, width u8 @21
export const NOTICE_ROW_BYTES: u32 = 32;
export const NOTICE_ROWS: u32 = 4096;
export const NOTICE_ADDRESS: u32 = 0;
export const NOTICE_VALUE: u32 = 8;
export const NOTICE_REGION: u32 = 16;
export const NOTICE_KIND: u32 = 20;
export const NOTICE_WIDTH: u32 = 21;
export const NOTICE_LEVEL: u32 = 1;
export const NOTICE_EDGE: u32 = 2;
export const NOTICE_DOORBELL: u32 = 3;

// The table of a register bank; assembly/registers/bank.ts has the picture
export const BANK_HEADER_BYTES: u32 = 64;
export const BANK_REGISTER_BYTES: u32 = 192;
export const BANK_ROW_BYTES: u32 = 32;
export const BANK_FIFO_BYTES: u32 = 32;
export const BANK_BIG_ENDIAN: u32 = 1;
export const BANK_WHOLE_REGISTERS: u32 = 2;
export const BANK_NO_REGISTER: u32 = 65535;
export const HOOK_BEFORE_READ: u32 = 1;
export const HOOK_AFTER_READ: u32 = 2;
export const HOOK_BEFORE_WRITE: u32 = 4;
export const HOOK_AFTER_WRITE: u32 = 8;
export const ACTION_LOCK: u32 = 1;
export const ACTION_ONCE: u32 = 2;
export const ACTION_FIELD_CLEAR: u32 = 3;
export const ACTION_FIELD_SET: u32 = 4;
export const ACTION_SET: u32 = 5;
export const ACTION_CLEAR: u32 = 6;
export const ACTION_COPY: u32 = 7;
export const ACTION_COUNT: u32 = 8;
export const ACTION_FIFO: u32 = 9;
export const ACTION_DATA_PORT: u32 = 10;
export const ACTION_AFTER_READ: u32 = 1;
export const ACTION_AFTER_WRITE: u32 = 2;
export const ACTION_WHEN_ONE: u32 = 1;
export const ACTION_SATURATES: u32 = 2;

// Result cells, from resultCells(): what does not fit one return value
export const CELL_BYTES: u32 = 64;
export const CELL_FIRST: u32 = 0;
export const CELL_LAST: u32 = 8;
export const CELL_VALUE: u32 = 16;
export const CELL_DATA: u32 = 24;
export const CELL_INDEX: u32 = 32;
export const CELL_POSITION: u32 = 40;
export const CELL_PLAIN_CLOSINGS: u32 = 48;
export const CELL_MASKED_CLOSINGS: u32 = 52;

// One lane, from spaceLane(): first address u64 @0, where its bytes lie u32 @16, from there to the readable bits u32 @20 (0: no masks), for 1, 2 and 4 bytes the highest offset or, with masks, how many offsets, u32 each @24
export const LANE_FIRST: u32 = 0;
export const LANE_BASE: u32 = 16;
export const LANE_DISTANCE: u32 = 20;
export const LANE_OFFSETS: u32 = 24;
export const LANE_LAST_CLOSING: u32 = 2147483647;

// What liveCount() can count
export const COUNT_LEAVES: u32 = 0;
export const COUNT_INNER_NODES: u32 = 1;
export const COUNT_PAGES: u32 = 2;
export const COUNT_OBJECTS: u32 = 3;
export const COUNT_BACKING_BYTES: u32 = 4;

// Attributes of a window
export const WINDOW_WRITE_COMBINING: u32 = 1;

// Line buffers of a write-combining window
export const LINE_BYTES: u32 = 64;
export const LINES_PER_WINDOW: u32 = 4;

// Permissions of a mapping of a domain, why an access faults (IOMMU_CYCLES: it does not, but runs hooks or is counted), and one row of a walk: first u64 @0, last u64 @8, position u64 @16, region u32 @24, permissions u32 @28
export const IOMMU_READABLE: u32 = 1;
export const IOMMU_WRITABLE: u32 = 2;
export const IOMMU_UNMAPPED: u32 = 1;
export const IOMMU_PERMISSION: u32 = 2;
export const IOMMU_TARGET: u32 = 3;
export const IOMMU_CYCLES: u32 = 4;
export const IOMMU_ROW_BYTES: u32 = 32;
export const IOMMU_ROW_FIRST: u32 = 0;
export const IOMMU_ROW_LAST: u32 = 8;
export const IOMMU_ROW_POSITION: u32 = 16;
export const IOMMU_ROW_REGION: u32 = 24;
export const IOMMU_ROW_PERMISSIONS: u32 = 28;

// How a device file hands out offsets
export const OFFSETS_INDEX: u32 = 0;
export const OFFSETS_COOKIE: u32 = 1;
export const OFFSETS_SCATTERED: u32 = 2;

// What the core imports from its host, as module `host`: the only calls that leave Wasm.

/** A host hook's read: the value for widths up to 4, for 8 the value is in the cells at CELL_DATA; negative: -errno. */
export declare function hookRead(region: u32, positionLow: u32, positionHigh: u32, width: u32): f64;
/** A host hook's write: 0 or -errno. */
export declare function hookWrite(region: u32, positionLow: u32, positionHigh: u32, width: u32, low: u32, high: u32): i32;
/** Tells the host that the outermost access has ended and its waiting changes of the topology may be made. */
export declare function settle(): void;
/**
 * A register's hook: `when` is a HOOK_ number. In the cells: the bits touched at CELL_FIRST, the stored bits before at CELL_LAST, the data or the stored bits now at CELL_DATA, where
 * a before-write hook may leave other data. 0 or -errno.
 */
export declare function registerHook(region: u32, register: u32, when: u32): i32;

// What a link imports, as module `linked`: exports of the core, what it tells its host, and what v86 would have called without it.

export declare function spaceRead(space: u32, address: u64, width: u32): f64;
export declare function spaceWrite(space: u32, address: u64, width: u32, value: u64): i32;
export declare function spaceLane(space: u32, address: u64, width: u32): u32;

/** An access to the run of that number ended with a status below 0, or with what the host has noted at `inFlight`. */
export declare function failed(run: u32, status: i32, address: u32, width: u32, writes: u32): void;

export declare function missRead8(address: u32): u32;
export declare function missRead32(address: u32): u32;
export declare function missWrite8(address: u32, value: u32): void;
export declare function missWrite16(address: u32, value: u32): void;
export declare function missWrite32(address: u32, value: u32): void;
export declare function missWrite64(address: u32, low: u32, high: u32): void;
export declare function missWrite128(address: u32, a: u32, b: u32, c: u32, d: u32): void;

// Lanes: where plain bytes lie, remembered by address, so that most accesses need no window, no region and no rule.
//
//   address  63                       12 11         0
//            |  ... bits 12-17 ^ bits 20-25 ...     |   -> one of 64 lanes
//
//   lane, 32 bytes:   0 first address u64 | 8 bytes u64 (0: empty) | 16 where they lie u32 | 20 space handle u32
//
// A lane is a run of one visible range that is RAM, or the part of it in one page of a demand region. It is opened by the first access that finds such bytes
// the long way, and all lanes close when that could stop being the whole story: windows change, pages are dropped, tracing starts, hooks nest as deep as
// they may. So an open lane needs no further question: its space is live, the access is within bounds, nothing is owed to it but the bytes.


const LANE_BYTES: u32 = 32;
const LANES_BYTES: u32 = 2048;
const LANE_MASK: u32 = LANES_BYTES - LANE_BYTES;
const SMALLEST: u64 = 8;
const lanes = <u32>memory.data(2048);

/** The lane that an address would have. */
export function laneOf(address: u64): u32 {
  return lanes + ((<u32>(address >> 7) ^ <u32>(address >> 15)) & LANE_MASK);
}

export function laneFirst(lane: u32): u64 {
  return load<u64>(lane);
}

export function laneBytes(lane: u32): u64 {
  return load<u64>(lane, 8);
}

export function laneBase(lane: u32): u32 {
  return load<u32>(lane, 16);
}

export function laneSpace(lane: u32): u32 {
  return load<u32>(lane, 20);
}

/** Where the `width` bytes at an address lie if a lane holds them all, else 0. Any handle may be asked for, and any width up to 8. */
export function laneAt(space: u32, address: u64, width: u32): u32 {
  const lane = laneOf(address);
  const offset = address - laneFirst(lane);
  return laneSpace(lane) == space && offset <= laneBytes(lane) - width ? laneBase(lane) + <u32>offset : 0;
}

/** Where `bytes` bytes at an address lie if a lane holds them all, else 0. */
export function laneRun(space: u32, address: u64, bytes: u64): u32 {
  const lane = laneOf(address);
  const offset = address - laneFirst(lane);
  if (laneSpace(lane) != space || bytes > laneBytes(lane) || offset > laneBytes(lane) - bytes) return 0;
  return laneBase(lane) + <u32>offset;
}

// A closed lane holds eight bytes that another lane's addresses would have: nobody who comes to it by its own addresses is among them.
export function closeLanes(): void {
  for (let lane = lanes; lane < lanes + LANES_BYTES; lane += LANE_BYTES) {
    store<u64>(lane, lane == lanes ? 0x1000 : 0);
    store<u64>(lane, SMALLEST, 8);
  }
}

/** Opens the lane of `address`: `bytes` from `first` on lie at `at`. */
export function openLane(space: u32, address: u64, first: u64, bytes: u64, at: u32): void {
  if (bytes < SMALLEST) return;
  const lane = laneOf(address);
  store<u64>(lane, first);
  store<u64>(lane, bytes, 8);
  store<u32>(lane, at, 16);
  store<u32>(lane, space, 20);
}

closeLanes();

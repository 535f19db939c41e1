// A program's own loads and stores through what it has mapped, and munmap of it.
//
//   protection forbids it      SIGSEGV
//   BAR, and its gate closed   SIGBUS, before a byte has moved
//   RAM                        the bytes of the region itself; all ones behind its end

import { VfioFault } from '../../../src/vfio/index.ts';
import type { Mapping } from '../../../src/vfio/index.ts';
import { Broken, rule } from '../broken.ts';
import type { Caller } from './caller.ts';
import type { Subject } from './devices.ts';

const PAGE = 4096;
const [READ, WRITE, EXEC] = [1, 2, 4];

/** What a process has mapped, but for its block. */
export function mappingsOf({ process, block, ended }: Caller): readonly Mapping[] {
  return ended ? [] : process.maps().filter(({ address }) => address !== block);
}

export interface Access {
  readonly mapping: Mapping;
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly isStore: boolean;
}

function expected({ mapping, isStore }: Access, subject: Subject | undefined): 'ok' | 'SIGSEGV' | 'SIGBUS' {
  const { protection, region } = mapping;
  // What may be written or executed may be read.
  if ((protection & (isStore ? WRITE : READ | WRITE | EXEC)) === 0) return 'SIGSEGV';
  const { device } = subject ?? {};
  const isBar = device !== undefined && region !== undefined && device.region(region.index)?.kind === 'bar';
  return isBar && !device.showsPages() ? 'SIGBUS' : 'ok';
}

/** The region's own bytes there, up to its end, if it is RAM. */
function beneath({ mapping: { region, address }, at, bytes }: Access, subject: Subject | undefined): Uint8Array | undefined {
  const bar = region === undefined ? undefined : subject?.device.region(region.index)?.region;
  if (bar === undefined || region === undefined || !['ram', 'demand'].includes(bar.kind)) return undefined;
  const position = region.position + BigInt(at - address);
  const room = bar.size - position;
  return room <= 0n ? new Uint8Array() : bar.readBytes(position, new Uint8Array(room < BigInt(bytes.length) ? Number(room) : bytes.length));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Makes one: how it ended. */
export function access(caller: Caller, one: Access, subject: Subject | undefined): 'ok' | 'SIGSEGV' | 'SIGBUS' {
  const { at, bytes, isStore } = one;
  const { memory } = caller.process;
  const what = `${isStore ? 'store' : 'load'} of ${bytes.length} bytes at 0x${at.toString(16)}`;
  const wanted = expected(one, subject);
  const before = beneath(one, subject);
  let found: 'ok' | 'SIGSEGV' | 'SIGBUS' = 'ok';
  const loaded = bytes.slice();
  try {
    if (isStore) memory.writeBytes(at, bytes);
    else memory.readBytes(at, loaded);
    // What a store has left in a line buffer.
    if (isStore) memory.fence();
  } catch (error) {
    if (!(error instanceof VfioFault)) throw error;
    found = error.signal;
    if (error.access !== (isStore ? 'write' : 'read') || error.address < BigInt(at) || error.address >= BigInt(at + bytes.length)) throw new Broken(`${what}: it faulted as ${error.message}`);
  }
  rule(found === wanted, () => `${what} ended as ${found}; expected ${wanted}`);
  const now = beneath(one, subject);
  if (now === undefined || before === undefined) return found;
  const behind = 'ff'.repeat(bytes.length - now.length);
  if (!isStore && found === 'ok') rule(hex(loaded) === hex(now) + behind, () => `${what} found ${hex(loaded)}; the region holds ${hex(now)}, and ends there or not`);
  else if (found === 'ok') rule(hex(now) === hex(bytes.subarray(0, now.length)), () => `${what} left ${hex(now)}; ${hex(bytes)} was stored`);
  else rule(hex(before) === hex(now), () => `${what} faulted, and the region has changed from ${hex(before)} to ${hex(now)}`);
  return found;
}

/** The access that numbers mean, or nothing where there is no mapping, or it would leave its page. */
export function accessAt(caller: Caller, which: number, offset: number, length: number, value: number): Access | undefined {
  const mapping = mappingsOf(caller)[which];
  if (mapping === undefined) return undefined;
  const at = mapping.address + (offset % mapping.length);
  if ((at % PAGE) + length > PAGE) return undefined;
  return { mapping, at, bytes: new Uint8Array(length).fill(value >>> 8), isStore: (value & 1) !== 0 };
}

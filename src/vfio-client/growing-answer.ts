// Requests whose answer may need more room than was given: they say how much, and are made again. Behaviour text, section 2.1.
//
//   argsz = fixed --> ioctl --> argsz' <= argsz   the answer is whole
//                              argsz' >  argsz   again with argsz'

import { VfioAnswerError, ask } from './calls.ts';
import type { VfioCalls } from './calls.ts';

/** No info struct is longer: what says so is wrong, and would only cost memory. */
const MOST_BYTES = 1 << 20;
/** What grows between two questions, as aliases may, settles. */
const MOST_TRIES = 8;

/**
 * The bytes of the whole answer: argsz of them.
 *
 * @param request - Makes the bytes of the request with room for `argsz` bytes.
 * @internal
 */
export function askGrowing(calls: VfioCalls, fd: number, call: string, number: number, fixedSize: number, request: (argsz: number) => Uint8Array): Uint8Array {
  const asked: number[] = [];
  for (let argsz = fixedSize; asked.length < MOST_TRIES; ) {
    const bytes = new Uint8Array(argsz);
    bytes.set(request(argsz));
    ask(call, () => calls.ioctl(fd, number, bytes));
    const needed = new DataView(bytes.buffer).getUint32(0, true);
    if (needed <= argsz) return bytes;
    if (needed > MOST_BYTES) throw new VfioAnswerError(call, `argsz ${argsz} was answered by ${needed}; expected at most ${MOST_BYTES}`);
    asked.push(argsz);
    argsz = needed;
  }
  throw new VfioAnswerError(call, `each argsz of ${asked.join(', ')} was too small for the next answer`);
}

/**
 * Decodes what a kernel has written. What cannot be decoded is the answer's fault.
 *
 * @internal
 */
export function decodeAnswer<T>(call: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw new VfioAnswerError(call, (error as Error).message, { cause: error });
  }
}

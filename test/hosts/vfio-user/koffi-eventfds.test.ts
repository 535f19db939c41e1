// Eventfds of the transport that passes fds: neither a full one nor an empty one is waited for, whatever their other side has made of them.

import { expect, test } from '@jest/globals';
import { eventFd } from '../../../src/hosts/vfio-user/index.ts';
import { systemCalls } from '../../../src/hosts/vfio-user/transport/koffi-calls.ts';
import { FdTable } from '../../../src/hosts/vfio-user/transport/koffi-fds.ts';

test('a read that never waits gives what there is, and does not wait at an eventfd that does', async () => {
  const calls = await systemCalls();
  const fd = (await eventFd()) as Awaited<ReturnType<typeof eventFd>> & { readonly number: number };
  // F_SETFL: the other side of a shared eventfd may take O_NONBLOCK away.
  calls.fcntl(fd.number, 4, 0);
  const counter = new BigUint64Array(new ArrayBuffer(8));
  const address = calls.addressOf(counter.buffer);
  expect(calls.readNow(fd.number, address, 8)).toBe(-11);
  fd.signal();
  fd.signal();
  expect([calls.readNow(fd.number, address, 8), counter[0]]).toEqual([8, 2n]);
  expect(calls.readNow(fd.number, address, 8)).toBe(-11);
  fd.close();
});

test('an eventfd that is full is not written, and one that is empty is not waited for, whatever it has become since it came', async () => {
  const calls = await systemCalls();
  for (const isFull of [true, false]) {
    const asked: number[] = [];
    const readiness = { watch: () => ({ start: () => undefined, stop: () => undefined, close: () => undefined }), expect: () => undefined, forget: () => undefined, isFull: (one: number) => (asked.push(one), isFull) };
    const fd = new FdTable(calls, readiness, false).take(calls.eventfd());
    calls.fcntl(fd.number, 4, 0);
    fd.signal();
    expect([asked, fd.empty(), fd.empty()]).toEqual([[fd.number], !isFull, false]);
    fd.close();
    expect(fd.empty()).toBe(false);
  }
});

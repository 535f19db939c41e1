// The typed client's interrupts where the system has fewer vectors than a program asks for: what is counted is vectors from 0 on.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { TooFewVectorsError, VfioClient } from '../../src/vfio-client/index.ts';
import type { Process } from '../../src/vfio/index.ts';
import { PAGE, World, message, outcome } from '../vfio/support.ts';

let world: World;
let process: Process;
let client: VfioClient;
let fds: number[];
beforeEach(() => {
  world = new World();
  process = world.open(world.device({ 0: { region: world.ram(PAGE) } }, { interrupts: { msi: 8, availableVectors: 4 } }));
  client = new VfioClient(process, 3);
  fds = Array.from({ length: 8 }, () => process.eventfd());
});
afterEach(() => world.end());

test.each([
  [8, 0, 8],
  [5, 0, 5],
  [1, 5, 6],
  [1, 4, 5],
  [4, 1, 5],
])('%i vectors from %i on, of 4: how many there are, and none is enabled', (count, start, asked) => {
  try {
    client.interrupts.msi.enable(fds.slice(0, count), start);
    throw new Error('it was enabled');
  } catch (error) {
    expect(error).toBeInstanceOf(TooFewVectorsError);
    expect(error).toMatchObject({ asked, available: 4, message: `VFIO_DEVICE_SET_IRQS: ${asked} vectors of index 1 were asked for, and 4 can be had` });
  }
  expect(outcome(() => client.interrupts.msi.disable())).toBe('EINVAL');
});

test.each([[4, 0], [1, 3], [2, 2]])('%i vectors from %i on, of 4: each signals its eventfd', (count, start) => {
  client.interrupts.msi.enable(fds.slice(0, count), start);
  const signals: number[] = [];
  for (let i = 0; i < count; i++) process.onEvent(fds[i]!, () => signals.push(start + i));
  client.interrupts.msi.trigger(0, 4);
  expect(signals).toEqual(Array.from({ length: count }, (_, i) => start + i));
});

test('no eventfds, no vectors, an index that is not there, an fd that is not open', () => {
  expect(outcome(() => client.interrupts.msi.enable([]))).toBe('RangeError');
  expect(outcome(() => client.interrupts.msi.enable(fds, -1))).toBe('RangeError');
  expect(outcome(() => client.interrupts.msi.enable(fds, 1.5))).toBe('RangeError');
  expect(outcome(() => client.interrupts.msi.trigger(0, 0))).toBe('RangeError');
  expect(message(() => client.interrupts.err.info())).toMatch(/^EINVAL: VFIO_DEVICE_GET_IRQ_INFO/);
  expect(client.interrupts.req.info().count).toBe(1);
  expect(message(() => client.interrupts.msi.enable([99]))).toMatch(/^EBADF: VFIO_DEVICE_SET_IRQS/);
});

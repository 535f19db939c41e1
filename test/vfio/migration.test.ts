// MIGRATION, MIG_DEVICE_STATE and MIG_DATA_SIZE (section 3.3, 1, 2 and 9), and what the arcs do (3.4): which files they make, and what is left when one fails.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VFIO_DEVICE_FEATURE, VFIO_DEVICE_RESET } from '../../src/uapi/index.ts';
import { Process, type VfioDevice } from '../../src/vfio/index.ts';
import { pathTo } from '../../src/vfio/migration/state-machine.ts';
import { GET, NAMES, S, SET, TestModel, setState, stateOf, stateRequest } from './migration-model.ts';
import { World, expectAnswer, hexOf, outcome } from './support.ts';

const PROBE = 0x40000;

let world: World;
let model: TestModel;
let device: VfioDevice;
let process: Process;

function make(flags = 7): void {
  model = new TestModel(flags);
  device = world.device({ 0: { region: world.ram(0x1000) } }, { reset: true, migration: model });
  process = world.open(device);
}

beforeEach(() => {
  world = new World();
  make();
});
afterEach(() => world.end());

const ask = (bytes: Uint8Array): unknown => outcome(() => process.ioctl(3, VFIO_DEVICE_FEATURE, bytes));

function request(flags: number, argsz: number, length = argsz): Uint8Array {
  const bytes = new Uint8Array(length).fill(0xaa);
  new DataView(bytes.buffer).setUint32(0, argsz, true);
  new DataView(bytes.buffer).setUint32(4, flags, true);
  return bytes;
}

describe('3.3, 1 and 9: bytes and errnos', () => {
  test.each<[string, Uint8Array, unknown, string]>([
    ['MIGRATION', request(GET | 1, 16), 0, '10000000010001000700000000000000'],
    ['MIG_DATA_SIZE', request(GET | 9, 16), 0, '10000000090001008967452301000000'],
    ['MIGRATION with more room', request(GET | 1, 20), 0, '14000000010001000700000000000000aaaaaaaa'],
    ['MIGRATION with less room', request(GET | 1, 15, 16), 'EINVAL', '0f00000001000100aaaaaaaaaaaaaaaa'],
    ['MIGRATION where there is no room', request(GET | 1, 16, 15), 'EFAULT', '1000000001000100aaaaaaaaaaaaaa'],
    ['SET of MIGRATION', request(SET | 1, 16), 'EINVAL', '1000000001000200aaaaaaaaaaaaaaaa'],
    ['SET of MIG_DATA_SIZE', request(SET | 9, 16), 'EINVAL', '1000000009000200aaaaaaaaaaaaaaaa'],
    ['PROBE of MIG_DATA_SIZE', request(PROBE | GET | 9, 8), 0, '0800000009000500'],
    ['PROBE of both ways of MIG_DEVICE_STATE', request(PROBE | GET | SET | 2, 8), 0, '0800000002000700'],
    ['GET of MIG_DEVICE_STATE: the state, and no fd', request(GET | 2, 16), 0, '100000000200010002000000ffffffff'],
    ['GET of MIG_DEVICE_STATE reads its payload first', request(GET | 2, 16, 15), 'EFAULT', '1000000002000100aaaaaaaaaaaaaa'],
    ['MIG_DEVICE_STATE with less room', request(SET | 2, 15, 16), 'EINVAL', '0f00000002000200aaaaaaaaaaaaaaaa'],
    ['SET to a number that is no state: the fd is written all the same', request(SET | 2, 16), 'EINVAL', '1000000002000200aaaaaaaaffffffff'],
  ])('%s', (_, bytes, expected, after) => {
    expect(ask(bytes)).toBe(expected);
    expect(hexOf(bytes)).toBe(after);
    expect(stateOf(process)).toBe('RUNNING');
  });

  test.each([0, 2, 4, 6, 8, 9, 1.5])('flags %p are no flags of a device', (flags) => {
    expect(() => make(flags)).toThrow(RangeError);
  });

  test.each(['dataSize', 'save', 'load'])('a model without %s is none', (method) => {
    expect(() => world.device({}, { migration: Object.assign(new TestModel(), { [method]: 1 }) })).toThrow(TypeError);
  });
});

describe('3.4: every pair of states, walked', () => {
  test.each([1, 3, 5, 7])('with flags %i the device goes through the states of the table, and ends where it says', (flags) => {
    for (let from = 1; from < 8; from++) {
      for (let to = 0; to < 9; to++) {
        make(flags);
        const way = pathTo(flags, S.RUNNING, from);
        if (way === undefined) continue;
        expect(setState(process, from).result).toBe(0);
        model.log.length = 0;
        const path = pathTo(flags, from, to);
        const before = process.fds.length;
        const { result, state, fd } = setState(process, to);
        const pair = `${NAMES[from]!} to ${NAMES[to] ?? to}`;
        expect([pair, result, state]).toEqual([pair, path === undefined ? 'EINVAL' : 0, to]);
        const arcs = model.log.filter((line) => line.includes('>'));
        const states = [from, ...(path ?? [])].map((at) => NAMES[at]!);
        expect([pair, arcs]).toEqual([pair, states.slice(1).map((at, i) => `${states[i]!}>${at}`)]);
        expect(stateOf(process)).toBe(NAMES[path === undefined ? from : to]);
        // The last arc alone may have made an fd.
        const makes = ['STOP>STOP_COPY', 'STOP>RESUMING', 'RUNNING>PRE_COPY', 'RUNNING_P2P>PRE_COPY_P2P'].includes(arcs.at(-1) ?? '');
        expect([pair, fd >= 0, process.fds.length - before]).toEqual([pair, makes, makes ? 1 : 0]);
        expect(model.isStopped).toBe(!['RUNNING', 'PRE_COPY'].includes(stateOf(process)));
        process.exit();
      }
    }
  });

  test('a device without a state in which it could be asked for it: EINVAL at once, not on the way', () => {
    setState(process, S.STOP_COPY);
    model.log.length = 0;
    for (const to of [S.PRE_COPY, S.PRE_COPY_P2P, S.ERROR, 8, 0xffff_ffff]) expect(setState(process, to).result).toBe('EINVAL');
    expect(model.log).toEqual([]);
    expect(stateOf(process)).toBe('STOP_COPY');
  });
});

describe('3.4: an arc that fails', () => {
  // From RUNNING, the way to everything a user asks for, and the steps of it.
  const ways: readonly (readonly [string, readonly number[]])[] = [
    ['saving', [S.PRE_COPY, S.PRE_COPY_P2P, S.STOP_COPY, S.STOP, S.RUNNING]],
    ['stopping at once', [S.STOP_COPY, S.RUNNING]],
    ['loading', [S.RESUMING, S.RUNNING]],
    ['a pre-copy that is given up', [S.PRE_COPY, S.RUNNING, S.PRE_COPY_P2P, S.RUNNING_P2P]],
  ];

  function walk(states: readonly number[]): { readonly failed: unknown; readonly state: string; readonly arcs: readonly string[] } {
    for (const to of states) {
      const { result, fd } = setState(process, to);
      if (result !== 0) {
        expect(fd).toBe(-1);
        return { failed: result, state: stateOf(process), arcs: model.log.filter((line) => line.includes('>')) };
      }
    }
    throw new Error('nothing failed');
  }

  test.each(ways)('%s: refused at any step, the device stays at the last hop and can go on', (_, states) => {
    for (const to of states) setState(process, to);
    const steps = new Set(model.log.filter((line) => line !== 'end'));
    expect(steps.size).toBeGreaterThan(3);
    for (const step of steps) {
      for (const how of step.includes('>') ? (['throw', 'return'] as const) : (['throw'] as const)) {
        make();
        model.fault = { step, how };
        const { failed, state, arcs } = walk(states);
        expect([step, failed]).toEqual([step, 'EBUSY']);
        expect([step, state]).toEqual([step, arcs.at(-1)!.split('>')[0]]);
        if (step !== 'stop' && step !== 'run') expect([step, model.isStopped]).toEqual([step, !['RUNNING', 'PRE_COPY'].includes(state)]);
        model.fault = undefined;
        expect(setState(process, S.RUNNING).result).toBe(0);
        expect(model.isStopped).toBe(false);
        process.exit();
      }
    }
  });

  test.each(ways)('%s: broken at any step, the device is in ERROR, which a reset alone leaves', (_, states) => {
    for (const to of states) setState(process, to);
    const steps = new Set(model.log.filter((line) => line !== 'end'));
    for (const step of steps) {
      make();
      model.fault = { step, how: 'break' };
      expect(walk(states)).toMatchObject({ failed: 'Error', state: 'ERROR' });
      model.fault = undefined;
      for (const to of [S.STOP, S.RUNNING, S.STOP_COPY, S.RESUMING, S.RUNNING_P2P, S.PRE_COPY, S.PRE_COPY_P2P]) {
        expect(setState(process, to)).toEqual({ result: 'EINVAL', state: to, fd: -1 });
      }
      // The state that it is in may be asked for.
      expect(setState(process, S.ERROR).result).toBe(0);
      // Fds of sessions that were stay open, and dead.
      for (const fd of process.fds.filter((number) => number > 3)) {
        expect(['ENODEV', 'EBADF']).toContain(outcome(() => process.read(fd, new Uint8Array(1))));
      }
      process.ioctl(3, VFIO_DEVICE_RESET);
      expect(stateOf(process)).toBe('RUNNING');
      expect(setState(process, S.STOP_COPY).result).toBe(0);
      process.exit();
    }
  });

  test('as a C program sees a device that breaks: EIO, and the fd is -1', () => {
    model.fault = { step: 'RUNNING>PRE_COPY', how: 'break' };
    const bytes = stateRequest(SET, S.PRE_COPY);
    expect(process.raw.ioctl(3, VFIO_DEVICE_FEATURE, bytes)).toBe(-5);
    expect(new DataView(bytes.buffer).getInt32(12, true)).toBe(-1);
  });

  test('an arc that fails while the caller cannot be told: EFAULT wins', () => {
    model.fault = { step: 'RUNNING>PRE_COPY', how: 'throw' };
    const at = process.allocate(4096);
    process.memory.writeBytes(at + 4096 - 16, stateRequest(SET, S.PRE_COPY));
    // The payload can be read, and is gone when it is to be written.
    model.arc = () => {
      process.munmap(at, 4096);
      return 'EBUSY';
    };
    expect(outcome(() => process.ioctl(3, VFIO_DEVICE_FEATURE, at + 4096 - 16))).toBe('EFAULT');
    expect(stateOf(process)).toBe('RUNNING');
  });
});

describe('3.3, 2: the fd', () => {
  test('EMFILE: nothing is written, and the state has changed', () => {
    const few = new Process(world.engine, { maxFds: 4 });
    few.open(device);
    const bytes = stateRequest(SET, S.PRE_COPY);
    expect(outcome(() => few.ioctl(3, VFIO_DEVICE_FEATURE, bytes))).toBe('EMFILE');
    expect(hexOf(bytes)).toBe(hexOf(stateRequest(SET, S.PRE_COPY)));
    expect(stateOf(few)).toBe('PRE_COPY');
    expect(setState(few, S.STOP_COPY)).toMatchObject({ result: 0, fd: -1 });
    few.exit();
  });

  test('EFAULT: the fd is taken back, and the state has changed', () => {
    const at = process.allocate(4096);
    process.memory.writeBytes(at + 4096 - 16, stateRequest(SET, S.STOP_COPY));
    const { stop } = model;
    model.stop = () => {
      process.munmap(at, 4096);
      stop.call(model);
    };
    const before = process.fds;
    expect(outcome(() => process.ioctl(3, VFIO_DEVICE_FEATURE, at + 4096 - 16))).toBe('EFAULT');
    expect(process.fds).toEqual(before);
    expect(stateOf(process)).toBe('STOP_COPY');
  });

  test('is the lowest free number, of the process that asks; the state is of the device', () => {
    const other = world.open(device);
    other.eventfd();
    expect(setState(other, S.PRE_COPY).fd).toBe(5);
    expect(stateOf(process)).toBe('PRE_COPY');
    expect(setState(process, S.STOP_COPY).fd).toBe(-1);
    expect(outcome(() => process.read(5, new Uint8Array(1)))).toBe('EBADF');
  });
});

describe('7.4: reset and last close', () => {
  test.each(['PRE_COPY', 'STOP_COPY', 'RESUMING', 'STOP', 'RUNNING_P2P'] as const)('a reset in %s: RUNNING, and the session is over', (name) => {
    const { fd } = setState(process, S[name]);
    process.ioctl(3, VFIO_DEVICE_RESET);
    expect([stateOf(process), model.isStopped]).toEqual(['RUNNING', false]);
    const call = name === 'RESUMING' ? 'write' : 'read';
    if (fd >= 0) expect(outcome(() => process[call](fd, new Uint8Array(1)))).toBe('ENODEV');
    expect(setState(process, S[name])).toMatchObject({ result: 0 });
  });

  test('a reset by the device in the middle of a change happens at its end', () => {
    model.arc = () => {
      device.reset();
      return undefined;
    };
    const { result, fd } = setState(process, S.PRE_COPY);
    expect([result, stateOf(process)]).toEqual([0, 'RUNNING']);
    expect(outcome(() => process.read(fd, new Uint8Array(1)))).toBe('ENODEV');
  });

  test('a change in the middle of a change is EBUSY', () => {
    const results: unknown[] = [];
    model.arc = () => {
      results.push(outcome(() => device.migration!.set('again', S.STOP)));
      return undefined;
    };
    setState(process, S.PRE_COPY);
    expect(results).toEqual(['EBUSY']);
  });

  test('the last close ends the session, and the next user finds the device running', () => {
    const { fd } = setState(process, S.STOP_COPY);
    const other = world.open(device);
    process.close(3);
    expect(stateOf(other)).toBe('STOP_COPY');
    other.close(3);
    expect(device.migration!.state).toBe(S.RUNNING);
    expect(model.isStopped).toBe(false);
    expect(outcome(() => process.read(fd, new Uint8Array(1)))).toBe('ENODEV');
    expect(stateOf(world.open(device))).toBe('RUNNING');
  });

  test('a process that ends in the middle leaves nothing', () => {
    setState(process, S.PRE_COPY);
    setState(process, S.STOP_COPY);
    process.exit();
    expect([device.openFiles, device.migration!.state, model.isStopped]).toEqual([0, S.RUNNING, false]);
  });
});

test('any states one after the other, with faults: an errno or 0, and never a state that the device does not have', () => {
  fc.assert(
    fc.property(fc.constantFrom(1, 3, 5, 7), fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 19 })), { maxLength: 30 }), (flags, states) => {
      make(flags);
      const steps = ['stop', 'run', 'save', 'load', 'finish save', 'finish load'];
      for (const [to, fault] of states) {
        const step = steps[fault >> 1];
        model.fault = step === undefined ? undefined : { step, how: fault % 2 === 0 ? 'throw' : 'break' };
        if (to === 9) process.raw.ioctl(3, VFIO_DEVICE_RESET);
        else {
          try {
            expectAnswer(() => process.ioctl(3, VFIO_DEVICE_FEATURE, stateRequest(SET, to)), ['EINVAL', 'EBUSY']);
          } catch (error) {
            if (model.fault?.how !== 'break' || !String(error).includes('broken at')) throw error;
          }
        }
        const name = stateOf(process);
        if ((flags & 2) === 0) expect(name).not.toMatch(/P2P/);
        if ((flags & 4) === 0) expect(name).not.toMatch(/PRE_COPY/);
      }
      model.fault = undefined;
      process.exit();
      expect(model.isStopped).toBe(false);
    }),
    { seed: 20_161, numRuns: 200 },
  );
});

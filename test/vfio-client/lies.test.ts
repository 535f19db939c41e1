// The typed client against a transport that lies: chains that loop or leave the buffer, counts without room, short reads, results that are none.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  VFIO_DEVICE_FEATURE,
  VFIO_DEVICE_GET_INFO,
  VFIO_DEVICE_GET_IRQ_INFO,
  VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
  VFIO_DEVICE_GET_REGION_INFO,
  VFIO_DEVICE_SET_IRQS,
  CapabilityChainError,
  VfioError,
} from '../../src/uapi/index.ts';
import { VfioAnswerError, VfioClient } from '../../src/vfio-client/index.ts';
import type { VfioCalls } from '../../src/vfio-client/index.ts';
import { message, outcome } from '../vfio/support.ts';
import { type Answer, Liar } from './liar.ts';

const CAPS_OF_REGION = 0x8;
const WHOLE = 0x1000n;

/** A region with a chain: headers at offsets, and where cap_offset leads. */
function chained(argsz: number, capOffset: number, headers: readonly (readonly [at: number, id: number, next: number])[], more: (view: DataView) => void = () => undefined): Liar {
  return new Liar({
    [VFIO_DEVICE_GET_REGION_INFO]: (bytes, view) => {
      view.setUint32(0, argsz, true);
      view.setUint32(4, 7 | CAPS_OF_REGION, true);
      view.setBigUint64(16, WHOLE, true);
      if (bytes.length < argsz) return 0;
      view.setUint32(12, capOffset, true);
      for (const [at, id, next] of headers) {
        view.setUint16(at, id, true);
        view.setUint16(at + 2, 1, true);
        view.setUint32(at + 4, next, true);
      }
      more(view);
      return 0;
    },
  });
}

const REGION = 'VFIO_DEVICE_GET_REGION_INFO: ';

describe('capability chains', () => {
  test.each<[string, Liar, string]>([
    ['a loop of one', chained(48, 32, [[32, 3, 32]]), 'capability at 32: next of the capability at 32 closes a cycle'],
    ['a loop of two', chained(48, 32, [[32, 3, 40], [40, 3, 32]]), 'capability at 32: next of the capability at 40 closes a cycle'],
    ['cap_offset beyond argsz', chained(48, 1000, []), 'capability at 1000: cap_offset leads to a header that ends at 1008, the bytes end at 48'],
    ['cap_offset at argsz', chained(48, 48, []), 'capability at 48: cap_offset leads to a header that ends at 56, the bytes end at 48'],
    ['at no multiple of 8', chained(48, 44, []), 'capability at 44: cap_offset leads to an offset that is not a multiple of 8'],
    ['next beyond argsz', chained(48, 32, [[32, 3, 0xffff_fff8]]), 'capability at 4294967288: next of the capability at 32 leads to a header that ends at 4294967296, the bytes end at 48'],
    ['into the struct', chained(48, 16, []), 'capability at 16: cap_offset leads into the fixed struct of 32 bytes'],
    ['a capability that does not fit', chained(40, 32, [[32, 2, 0]]), 'capability at 32: TYPE has 16 bytes, 8 are there'],
    ['areas without room', chained(64, 32, [[32, 1, 0]], (view) => view.setUint32(40, 3, true)), 'capability at 32: SPARSE_MMAP: '],
    ['areas without end', chained(64, 32, [[32, 1, 0]], (view) => view.setUint32(40, 0xffff_ffff, true)), 'capability at 32: SPARSE_MMAP: '],
  ])('%s', (_, { client }, want) => {
    const call = (): unknown => client.region(0);
    expect(message(call)).toMatch(new RegExp(`^${REGION}${want}`));
    expect(outcome(call)).toBe('VfioAnswerError');
    try {
      call();
    } catch (error) {
      expect((error as VfioAnswerError).call).toBe('VFIO_DEVICE_GET_REGION_INFO');
      expect((error as VfioAnswerError).cause).toBeInstanceOf(CapabilityChainError);
    }
  });

  test('an unknown capability is handed on, two of one kind too; the way there is one more question', () => {
    const liar = chained(64, 48, [[48, 0x77, 32], [32, 3, 40], [40, 3, 0]]);
    expect(liar.client.region(0).capabilities).toEqual([{ kind: 'UNKNOWN', id: 0x77, version: 1, payload: new Uint8Array(8) }, { kind: 'MSIX_MAPPABLE' }, { kind: 'MSIX_MAPPABLE' }]);
    expect(liar.argsz).toEqual([32, 64]);
  });

  test('a loop in the device info', () => {
    const liar = new Liar({
      [VFIO_DEVICE_GET_INFO]: (bytes, view) => {
        view.setUint32(0, 40, true);
        view.setUint32(4, 0x82, true);
        if (bytes.length < 40) return 0;
        view.setUint32(16, 24, true);
        view.setUint32(28, 24, true);
        return 0;
      },
    });
    expect(message(() => liar.client.info())).toBe('VFIO_DEVICE_GET_INFO: capability at 24: next of the capability at 24 closes a cycle');
  });
});

describe('argsz', () => {
  const growing = (grow: (argsz: number) => number): Liar => new Liar({ [VFIO_DEVICE_GET_INFO]: (_, view) => (view.setUint32(0, grow(view.getUint32(0, true)), true), 0) });

  test('that always grows is given up', () => {
    const liar = growing((argsz) => argsz + 8);
    expect(message(() => liar.client.info())).toBe('VFIO_DEVICE_GET_INFO: each argsz of 24, 32, 40, 48, 56, 64, 72, 80 was too small for the next answer');
  });

  test('that asks for gigabytes is refused before they are made', () => {
    const liar = growing(() => 0xffff_ffff);
    expect(message(() => liar.client.info())).toBe('VFIO_DEVICE_GET_INFO: argsz 24 was answered by 4294967295; expected at most 1048576');
    expect(liar.argsz).toEqual([24]);
  });

  test('that shrinks bounds the chain', () => {
    const liar = new Liar({ [VFIO_DEVICE_GET_REGION_INFO]: (_, view) => (view.setUint32(0, 8, true), view.setUint32(4, CAPS_OF_REGION, true), view.setUint32(12, 32, true), 0) });
    expect(message(() => liar.client.region(0))).toBe(`${REGION}capability at 32: cap_offset leads to a header that ends at 40, the bytes end at 8`);
  });

  test('another region than was asked for', () => {
    const liar = new Liar({ [VFIO_DEVICE_GET_REGION_INFO]: (_, view) => (view.setUint32(8, 5, true), 0) });
    expect(message(() => liar.client.region(2))).toBe(`${REGION}region 2 was asked for, and region 5 answered`);
  });
});

describe('hot reset', () => {
  const hot = (answer: Answer): Liar => new Liar({ [VFIO_DEVICE_GET_PCI_HOT_RESET_INFO]: answer });
  const count = (view: DataView, value: number): void => view.setUint32(8, value, true);

  test.each<[string, Answer, string]>([
    ['a count without room', (_, view) => (count(view, 1), 0), 'count is 1, and argsz had room for 0'],
    ['a count without end', (_, view) => (count(view, 0xffff_ffff), 0), 'count is 4294967295, and argsz had room for 0'],
    ['no room for what there was room for', (_, view, time) => (count(view, time === 1 ? 2 : 1), -28), 'no room for 1 functions where there was room for 2; expected more, and at most 65536'],
    ['no room for nothing', () => -28, 'no room for 0 functions where there was room for 0; expected more, and at most 65536'],
    ['no room for a flood', (_, view) => (count(view, 0x1000_0000), -28), 'no room for 268435456 functions where there was room for 0; expected more, and at most 65536'],
    ['never room', (_, view, time) => (count(view, time), -28), 'after 8 answers there is still no room for all functions'],
  ])('%s', (_, answer, want) => {
    const { client } = hot(answer);
    expect(message(() => client.hotReset.info())).toBe(`VFIO_DEVICE_GET_PCI_HOT_RESET_INFO: ${want}`);
    expect(outcome(() => client.hotReset.info())).toBe('VfioAnswerError');
  });
});

describe('reads and writes', () => {
  const plain: Answer = (_, view) => (view.setUint32(4, 7, true), view.setBigUint64(16, WHOLE, true), 0);
  const region = (others: Partial<VfioCalls>): VfioClient => new Liar({ [VFIO_DEVICE_GET_REGION_INFO]: plain }, others).client;

  test.each<[string, Partial<VfioCalls>, (client: VfioClient) => unknown, string]>([
    ['a short read', { pread: () => 2 }, (client) => client.region(0).read32(0x10), 'VfioAnswerError pread: 2 of 4 bytes at 0x10 of region 0'],
    ['no read', { pread: () => 0 }, (client) => client.region(0).readBytes(0, 8), 'VfioAnswerError pread: 0 of 8 bytes at 0x0 of region 0'],
    ['a long read', { pread: () => 5 }, (client) => client.region(0).read32(0), 'VfioAnswerError pread: 5 bytes of 4'],
    ['a short write', { pwrite: () => 1 }, (client) => client.region(0).write16(0, 0), 'VfioAnswerError pwrite: 1 of 2 bytes at 0x0 of region 0'],
    ['a result that is no number', { pread: () => undefined as never }, (client) => client.region(0).read8(0), 'VfioAnswerError pread: the result is undefined; expected a whole number'],
    ['half a byte', { pread: () => 0.5 }, (client) => client.region(0).read8(0), 'VfioAnswerError pread: the result is 0.5; expected a whole number'],
    ['a negative number that is no errno', { pread: () => -4096 }, (client) => client.region(0).read8(0), 'VfioAnswerError pread: the result is -4096, which is no errno'],
    ['-errno', { pread: () => -5 }, (client) => client.region(0).read8(0), 'VfioError EIO: pread'],
    ['a mapping that is refused', { mmap: () => -22 }, (client) => client.region(0).map(), 'VfioError EINVAL: mmap'],
    ['a mapping that cannot be ended', { munmap: () => -12 }, (client) => client.region(0).map().unmap(), 'VfioError ENOMEM: munmap'],
    ['a close that fails', { close: () => -9 }, (client) => client.close(), 'VfioError EBADF: close'],
  ])('%s', (_, others, call, want) => {
    const client = region(others);
    try {
      call(client);
      throw new Error('nothing was thrown');
    } catch (error) {
      expect(`${(error as Error).name} ${(error as Error).message}`).toBe(want);
    }
  });

  test('an error of a call that did not get as far as the request has the request\'s name, and the first error behind it', () => {
    const first = new VfioError('EFAULT', 'ioctl', '16 bytes are not there');
    const { client } = new Liar({
      [VFIO_DEVICE_GET_IRQ_INFO]: () => {
        throw first;
      },
    });
    try {
      client.interrupts.intx.info();
      throw new Error('nothing was thrown');
    } catch (error) {
      expect(error).toBeInstanceOf(VfioError);
      expect(error).toMatchObject({ code: 'EFAULT', call: 'VFIO_DEVICE_GET_IRQ_INFO', message: 'EFAULT: VFIO_DEVICE_GET_IRQ_INFO: ioctl: 16 bytes are not there', cause: first });
    }
  });

  test('an error of the request itself keeps its words, and a feature adds its name', () => {
    const failing = (error: VfioError): VfioClient =>
      new Liar({
        [VFIO_DEVICE_FEATURE]: () => {
          throw error;
        },
      }).client;
    expect(message(() => failing(new VfioError('EINVAL', 'VFIO_DEVICE_FEATURE', 'argsz is 8')).feature.lowPowerExit.set())).toBe('EINVAL: VFIO_DEVICE_FEATURE LOW_POWER_EXIT: argsz is 8');
    expect(message(() => failing(new VfioError('EINVAL', 'VFIO_DEVICE_FEATURE')).feature.lowPowerExit.set())).toBe('EINVAL: VFIO_DEVICE_FEATURE LOW_POWER_EXIT');
    expect(message(() => failing(new VfioError('EINVAL', 'VFIO_DEVICE_FEATURE LOW_POWER_EXIT', 'no')).feature.lowPowerExit.set())).toBe('EINVAL: VFIO_DEVICE_FEATURE LOW_POWER_EXIT: no');
  });

  test('more vectors can be had than were refused', () => {
    const { client } = new Liar({ [VFIO_DEVICE_SET_IRQS]: () => 2 });
    expect(message(() => client.interrupts.msi.enable([4, 5]))).toBe('VFIO_DEVICE_SET_IRQS: 2 vectors were asked for, and refused because 2 can be had');
    expect(message(() => client.interrupts.msi.enable([4], 1))).toBe('VFIO_DEVICE_SET_IRQS: 2 vectors were asked for, and refused because 2 can be had');
    expect(outcome(() => client.interrupts.msi.enable([4], 2))).toBe('TooFewVectorsError');
  });

  test('a stream that takes nothing, or more than it was given', () => {
    const state: Answer = (_, view) => (view.setInt32(12, 9, true), 0);
    const file = (others: Partial<VfioCalls>): ReturnType<VfioClient['migration']['to']> => new Liar({ [VFIO_DEVICE_FEATURE]: state }, others).client.migration.to('RESUMING');
    const given: number[] = [];
    file({ write: (_, bytes) => (given.push(bytes.length), Math.min(3, bytes.length)) })!.write(new Uint8Array(7));
    expect(given).toEqual([7, 4, 1]);
    expect(message(() => file({ write: () => 0 })!.write(new Uint8Array(7)))).toBe('write: 0 bytes of 7, and no error');
    expect(message(() => file({ write: () => 8 })!.write(new Uint8Array(7)))).toBe('write: 8 bytes of 7');
    expect(message(() => file({ read: () => 9 })!.read(8))).toBe('read: 9 bytes of 8');
  });

  test('a state that is none', () => {
    const { client } = new Liar({ [VFIO_DEVICE_FEATURE]: (_, view) => (view.setUint32(8, 8, true), 0) });
    expect(message(() => client.migration.state())).toBe('VFIO_DEVICE_FEATURE MIG_DEVICE_STATE: device_state is 8; expected 0 to 7');
  });

  test('an errno that no probe has is handed on', () => {
    const { client } = new Liar({ [VFIO_DEVICE_FEATURE]: (_, view) => ((view.getUint32(4, true) & 0x3_0000) === 0 ? 0 : -5) });
    expect(message(() => client.feature.migration.probe())).toBe('EIO: VFIO_DEVICE_FEATURE MIGRATION');
  });
});

test('whatever the bytes of an answer are, it is a record, or an error of the answer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 160 }), fc.boolean(), (answer, isTrueToArgsz) => {
      const garbage: Answer = (bytes, view) => {
        bytes.set(answer.subarray(0, bytes.length));
        // Mostly garbage ends at argsz; let it come further.
        if (isTrueToArgsz) {
          view.setUint32(0, answer.length, true);
          view.setUint32(4, 0x88, true);
          if (bytes.length >= 32) view.setUint32(8, 0, true);
        }
        return 0;
      };
      const { client } = new Liar({ [VFIO_DEVICE_GET_INFO]: garbage, [VFIO_DEVICE_GET_REGION_INFO]: garbage, [VFIO_DEVICE_GET_IRQ_INFO]: garbage, [VFIO_DEVICE_GET_PCI_HOT_RESET_INFO]: garbage });
      for (const call of [() => client.info(), () => client.region(0), () => client.interrupts.msi.info(), () => client.hotReset.info()]) {
        const result = outcome<unknown>(call);
        if (typeof result === 'string') expect(result).toBe('VfioAnswerError');
        else expect(typeof result).toBe('object');
      }
    }),
    { numRuns: 400 },
  );
});

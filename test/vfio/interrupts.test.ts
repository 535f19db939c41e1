// INTx, MSI and MSI-X of a device that interrupts, through SET_IRQS and eventfds: sections 5.3, 5.4 and 5.7 of the behaviour text.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import type { Engine } from '../../src/core/index.ts';
import { PCI_COMMAND, capability, pciDevice } from '../../src/pci/index.ts';
import type { PciDevice } from '../../src/pci/index.ts';
import { VFIO_DEVICE_RESET, VFIO_DEVICE_SET_IRQS } from '../../src/uapi/index.ts';
import { Process } from '../../src/vfio/index.ts';
import { outcome, slot } from './support.ts';

const NONE = 1;
const BOOL = 2;
const EVENTFD = 4;
const MASK = 8;
const UNMASK = 16;
const TRIGGER = 32;
const [INTX, MSI, MSIX] = [0, 1, 2];

let engine: Engine;
let card: PciDevice;
let process: Process;
let levels: boolean[];

beforeEach(() => {
  engine = createEngine();
  levels = [];
  card = pciDevice(engine, {
    id: [1, 2],
    class: 0,
    pin: 'A',
    bars: { 0: { memory: 0x4000 } },
    capabilities: [capability.msi({ vectors: 4 }), capability.msix({ vectors: 8, table: { bar: 0, offset: 0 }, pending: { bar: 0, offset: 0x1000 } }), capability.express()],
  }, { interrupts: { setLevel: (level) => levels.push(level), message: () => levels.push(true) } });
  process = new Process(engine);
  expect(process.open(card.vfio)).toBe(3);
  card.function.config.write16(PCI_COMMAND, 6);
});

afterEach(() => {
  process.exit();
  card.destroy();
  expect(engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
});

function set(flags: number, index: number, start: number, count: number, data: readonly number[] = []): unknown {
  const payload = (flags & EVENTFD) !== 0 ? new Uint8Array(new Int32Array(data).buffer) : new Uint8Array(data);
  const bytes = new Uint8Array(20 + payload.length);
  new Uint32Array(bytes.buffer, 0, 5).set([bytes.length, flags, index, start, count]);
  bytes.set(payload, 20);
  return outcome(() => process.ioctl(3, VFIO_DEVICE_SET_IRQS, bytes));
}

/** What an eventfd has counted since it was last asked. */
function counted(fd: number): number {
  const bytes = new Uint8Array(8);
  return outcome(() => process.read(fd, bytes)) === 8 ? Number(new DataView(bytes.buffer).getBigUint64(0, true)) : 0;
}

const signal = (fd: number): number => process.write(fd, new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]));
const assert = (level: boolean): void => card.interrupts.set(0, level);
const disableIntx = (isDisabled: boolean): unknown => process.pwrite(3, Uint8Array.of(6, isDisabled ? 4 : 0), slot(7) + BigInt(PCI_COMMAND));

describe('5.3: INTx', () => {
  test('fires once and masks itself; unmasked while the pin is high it fires again', () => {
    const fd = process.eventfd();
    expect(set(EVENTFD | TRIGGER, INTX, 0, 1, [fd])).toBe(0);
    expect(card.vfio.interrupts.active).toBe('intx');
    assert(true);
    assert(false);
    assert(true);
    expect(counted(fd)).toBe(1);
    expect(set(NONE | UNMASK, INTX, 0, 1)).toBe(0);
    expect(counted(fd)).toBe(1);
    assert(false);
    expect(set(NONE | UNMASK, INTX, 0, 1)).toBe(0);
    expect(counted(fd)).toBe(0);
    assert(true);
    expect(counted(fd)).toBe(1);
  });

  test('while VFIO has the pin, nobody else sees it', () => {
    const fd = process.eventfd();
    assert(true);
    expect(levels).toEqual([true]);
    set(EVENTFD | TRIGGER, INTX, 0, 1, [fd]);
    expect([levels, counted(fd)]).toEqual([[true, false], 1]);
    expect(set(NONE | TRIGGER, INTX, 0, 0)).toBe(0);
    expect(levels).toEqual([true, false, true]);
  });

  test('enabled with the pin high it fires at once', () => {
    assert(true);
    const fd = process.eventfd();
    set(EVENTFD | TRIGGER, INTX, 0, 1, [fd]);
    expect(counted(fd)).toBe(1);
  });

  test('MASK and UNMASK, by NONE and BOOL, are idempotent and need it to be active', () => {
    for (const flags of [NONE | MASK, NONE | UNMASK]) expect(set(flags, INTX, 0, 1)).toBe('EINVAL');
    const fd = process.eventfd();
    set(EVENTFD | TRIGGER, INTX, 0, 1, [fd]);
    expect([set(NONE | MASK, INTX, 0, 1), set(BOOL | MASK, INTX, 0, 1, [1])]).toEqual([0, 0]);
    assert(true);
    expect(counted(fd)).toBe(0);
    expect(set(BOOL | UNMASK, INTX, 0, 1, [0])).toBe(0);
    expect(counted(fd)).toBe(0);
    expect(set(BOOL | UNMASK, INTX, 0, 1, [9])).toBe(0);
    expect(counted(fd)).toBe(1);
    expect(set(NONE | MASK, INTX, 0, 0)).toBe('EINVAL');
    expect(set(EVENTFD | MASK, INTX, 0, 1, [fd])).toBe('ENOTTY');
  });

  test('an irqfd unmasks each time it is signalled, is one at a time, and goes with its eventfd', () => {
    const [fd, unmask, other] = [process.eventfd(), process.eventfd(), process.eventfd()];
    set(EVENTFD | TRIGGER, INTX, 0, 1, [fd]);
    expect(set(EVENTFD | UNMASK, INTX, 0, 1, [unmask])).toBe(0);
    expect(set(EVENTFD | UNMASK, INTX, 0, 1, [other])).toBe('EBUSY');
    assert(true);
    signal(unmask);
    expect([counted(fd), counted(unmask)]).toEqual([2, 0]);
    process.close(unmask);
    expect(set(EVENTFD | UNMASK, INTX, 0, 1, [other])).toBe(0);
    signal(other);
    expect(counted(fd)).toBe(1);
    expect([set(EVENTFD | UNMASK, INTX, 0, 1, [-5]), set(EVENTFD | UNMASK, INTX, 0, 1, [-1])]).toEqual([0, 0]);
    signal(other);
    expect([counted(fd), counted(other)]).toEqual([0, 1]);
  });

  test('an irqfd that is signalled already unmasks at once, and keeps its count that one time', () => {
    const [fd, unmask] = [process.eventfd(), process.eventfd(1)];
    set(EVENTFD | TRIGGER, INTX, 0, 1, [fd]);
    assert(true);
    expect(set(EVENTFD | UNMASK, INTX, 0, 1, [unmask])).toBe(0);
    expect([counted(fd), counted(unmask)]).toEqual([2, 1]);
  });

  test('bad fds are refused and change nothing', () => {
    const fd = process.eventfd();
    expect([set(EVENTFD | TRIGGER, INTX, 0, 1, [99]), set(EVENTFD | TRIGGER, INTX, 0, 1, [3]), card.vfio.interrupts.active]).toEqual(['EBADF', 'EINVAL', 'none']);
    set(EVENTFD | TRIGGER, INTX, 0, 1, [fd]);
    expect([set(EVENTFD | TRIGGER, INTX, 0, 1, [99]), set(EVENTFD | UNMASK, INTX, 0, 1, [3])]).toEqual(['EBADF', 'EINVAL']);
    assert(true);
    expect(counted(fd)).toBe(1);
  });

  test('the trigger can be replaced, and taken away, while it stays active and masked', () => {
    const [first, second] = [process.eventfd(), process.eventfd()];
    set(EVENTFD | TRIGGER, INTX, 0, 1, [first]);
    assert(true);
    set(EVENTFD | TRIGGER, INTX, 0, 1, [second]);
    expect([counted(first), counted(second)]).toEqual([1, 0]);
    set(NONE | UNMASK, INTX, 0, 1);
    expect([counted(first), counted(second)]).toEqual([0, 1]);
    expect(set(EVENTFD | TRIGGER, INTX, 0, 1, [-1])).toBe(0);
    set(NONE | UNMASK, INTX, 0, 1);
    expect([counted(second), card.vfio.interrupts.active]).toEqual([0, 'intx']);
  });

  test('a loopback signals whatever the mask says, but not through INTX_DISABLE', () => {
    expect([set(NONE | TRIGGER, INTX, 0, 1), set(NONE | TRIGGER, INTX, 0, 0)]).toEqual(['EINVAL', 'EINVAL']);
    const fd = process.eventfd();
    set(EVENTFD | TRIGGER, INTX, 0, 1, [fd]);
    set(NONE | MASK, INTX, 0, 1);
    expect([set(NONE | TRIGGER, INTX, 0, 1), set(BOOL | TRIGGER, INTX, 0, 1, [0]), set(BOOL | TRIGGER, INTX, 0, 1, [1])]).toEqual([0, 0, 0]);
    expect(counted(fd)).toBe(2);
    disableIntx(true);
    set(NONE | TRIGGER, INTX, 0, 1);
    expect(counted(fd)).toBe(0);
  });

  test('INTX_DISABLE masks; cleared, what still waits fires', () => {
    const fd = process.eventfd();
    disableIntx(true);
    set(EVENTFD | TRIGGER, INTX, 0, 1, [fd]);
    assert(true);
    set(NONE | UNMASK, INTX, 0, 1);
    expect(counted(fd)).toBe(0);
    disableIntx(false);
    expect(counted(fd)).toBe(1);
    disableIntx(true);
    assert(false);
    disableIntx(false);
    assert(true);
    expect(counted(fd)).toBe(1);
  });

  test('start and count are 0 and 1', () => {
    const fd = process.eventfd();
    expect([set(EVENTFD | TRIGGER, INTX, 0, 0), set(BOOL | TRIGGER, INTX, 0, 0)]).toEqual(['EINVAL', 'EINVAL']);
    set(EVENTFD | TRIGGER, INTX, 0, 1, [fd]);
    expect(set(BOOL | TRIGGER, INTX, 0, 0)).toBe('EINVAL');
  });
});

describe.each([['MSI', MSI, 4], ['MSI-X', MSIX, 8]] as const)('5.4: %s', (_, index, vectors) => {
  test('each vector signals its eventfd, and nobody else hears of it', () => {
    const fds = [process.eventfd(), process.eventfd(), process.eventfd()];
    expect(set(EVENTFD | TRIGGER, index, 0, 3, fds)).toBe(0);
    expect([card.vfio.interrupts.active, card.vfio.interrupts.vectors]).toEqual([index === MSI ? 'msi' : 'msix', 3]);
    card.interrupts.pulse(1);
    card.interrupts.pulse(1);
    card.interrupts.pulse(2);
    expect([fds.map(counted), levels]).toEqual([[0, 2, 1], []]);
  });

  test('a function that does not master the bus sends nothing', () => {
    const fd = process.eventfd();
    set(EVENTFD | TRIGGER, index, 0, 1, [fd]);
    card.function.config.write16(PCI_COMMAND, 2);
    card.interrupts.pulse(0);
    expect(counted(fd)).toBe(0);
  });

  test('another kind has to be turned off first', () => {
    const fd = process.eventfd();
    set(EVENTFD | TRIGGER, index, 0, 1, [fd]);
    const other = index === MSI ? MSIX : MSI;
    for (const kind of [INTX, other]) expect([set(EVENTFD | TRIGGER, kind, 0, 1, [fd]), set(NONE | TRIGGER, kind, 0, 1)]).toEqual(['EINVAL', 'EINVAL']);
    expect([set(NONE | TRIGGER, index, 0, 0), set(EVENTFD | TRIGGER, other, 0, 1, [fd])]).toEqual([0, 0]);
  });

  test('turning off what is off is EINVAL, and so is a loopback', () => {
    expect([set(NONE | TRIGGER, index, 0, 0), set(NONE | TRIGGER, index, 0, 1), set(BOOL | TRIGGER, index, 0, 1, [1])]).toEqual(['EINVAL', 'EINVAL', 'EINVAL']);
  });

  test('no vector asked for is ERANGE; with vectors, no more is nothing', () => {
    expect(set(EVENTFD | TRIGGER, index, 0, 0)).toBe('ERANGE');
    const fd = process.eventfd();
    set(EVENTFD | TRIGGER, index, 0, 1, [fd]);
    expect(set(EVENTFD | TRIGGER, index, 0, 0)).toBe(0);
  });

  test('start + count vectors are allocated; beyond them a vector is EINVAL, -1 is nothing', () => {
    const fd = process.eventfd();
    expect(set(EVENTFD | TRIGGER, index, 2, 1, [fd])).toBe(0);
    expect(card.vfio.interrupts.vectors).toBe(3);
    expect(set(EVENTFD | TRIGGER, index, 0, 1, [fd])).toBe(0);
    expect([set(EVENTFD | TRIGGER, index, 3, 1, [fd]), set(EVENTFD | TRIGGER, index, 3, 1, [-1])]).toEqual(['EINVAL', 0]);
    card.interrupts.pulse(0);
    card.interrupts.pulse(2);
    expect(counted(fd)).toBe(2);
  });

  test('loopback: NONE signals all of a range, BOOL those that are not 0; vectors without an eventfd are skipped', () => {
    const fds = [process.eventfd(), process.eventfd()];
    set(EVENTFD | TRIGGER, index, 0, 3, [fds[0]!, -1, fds[1]!]);
    expect(set(NONE | TRIGGER, index, 0, 3)).toBe(0);
    expect(fds.map(counted)).toEqual([1, 1]);
    expect(set(BOOL | TRIGGER, index, 0, 3, [0, 1, 1])).toBe(0);
    expect(fds.map(counted)).toEqual([0, 1]);
  });

  test('a failure while enabling turns it off again', () => {
    const fd = process.eventfd();
    expect([set(EVENTFD | TRIGGER, index, 0, 2, [fd, 99]), card.vfio.interrupts.active]).toEqual(['EBADF', 'none']);
    expect([set(EVENTFD | TRIGGER, index, 0, 2, [fd, 3]), card.vfio.interrupts.active]).toEqual(['EINVAL', 'none']);
  });

  test('a failure later leaves all from start to it without an eventfd, and the rest as it was', () => {
    const fds = [0, 1, 2, 3].map(() => process.eventfd());
    set(EVENTFD | TRIGGER, index, 0, 4, fds);
    expect(set(EVENTFD | TRIGGER, index, 1, 3, [fds[3]!, 99, fds[3]!])).toBe('EBADF');
    set(NONE | TRIGGER, index, 0, 4);
    expect(fds.map(counted)).toEqual([1, 0, 0, 1]);
    expect(card.vfio.interrupts.vectors).toBe(4);
  });

  test('all fds -1 keep it active', () => {
    expect(set(EVENTFD | TRIGGER, index, 0, vectors, Array.from({ length: vectors }, () => -1))).toBe(0);
    expect(card.vfio.interrupts.vectors).toBe(vectors);
    expect(set(NONE | TRIGGER, index, 0, 0)).toBe(0);
  });

  test('a reset of the device leaves what is set up; the last close does not', () => {
    const fd = process.eventfd();
    set(EVENTFD | TRIGGER, index, 0, 1, [fd]);
    expect(process.ioctl(3, VFIO_DEVICE_RESET)).toBe(0);
    expect(card.vfio.interrupts.vectors).toBe(1);
    const second = process.open(card.vfio);
    process.close(3);
    expect(card.vfio.interrupts.vectors).toBe(1);
    process.close(second);
    expect(card.vfio.interrupts.active).toBe('none');
    card.function.config.write16(PCI_COMMAND, 6);
    card.interrupts.pulse(0);
    expect(counted(fd)).toBe(0);
  });

  test('an eventfd that its user has closed still counts for the device, and is gone with the vectors', () => {
    const fd = process.eventfd();
    set(EVENTFD | TRIGGER, index, 0, 1, [fd]);
    process.close(fd);
    card.interrupts.pulse(0);
    expect(set(NONE | TRIGGER, index, 0, 0)).toBe(0);
  });
});

describe('5.4: vectors that the system does not have', () => {
  const limited = (availableVectors: number, dynamicMsix = false): void => {
    process.close(3);
    const region = card.bar(0 as never) as never;
    const device = new (card.vfio.constructor as typeof import('../../src/vfio/index.ts').VfioDevice)({
      name: 'limited', regions: { 0: { region } }, msix: { bar: 0, offset: 0, count: 8 }, interrupts: { msi: 4, availableVectors, dynamicMsix },
    });
    expect(process.open(device)).toBe(3);
  };

  test('fewer than asked for: their number is the result, and nothing is on', () => {
    limited(2);
    const fd = process.eventfd();
    expect(set(EVENTFD | TRIGGER, MSIX, 0, 3, [fd, fd, fd])).toBe(2);
    expect(set(NONE | TRIGGER, MSIX, 0, 0)).toBe('EINVAL');
    expect(set(EVENTFD | TRIGGER, MSIX, 0, 2, [fd, fd])).toBe(0);
  });

  test('none at all is ENOSPC', () => {
    limited(0);
    expect(set(EVENTFD | TRIGGER, MSI, 0, 1, [-1])).toBe('ENOSPC');
  });

  test('dynamic MSI-X grows while it is in use, up to what there is', () => {
    limited(4, true);
    const fd = process.eventfd();
    expect(set(EVENTFD | TRIGGER, MSIX, 0, 1, [fd])).toBe(0);
    expect(set(EVENTFD | TRIGGER, MSIX, 3, 1, [fd])).toBe(0);
    expect(set(EVENTFD | TRIGGER, MSIX, 4, 1, [fd])).toBe('ENOSPC');
    expect(set(NONE | TRIGGER, MSIX, 0, 8)).toBe(0);
    expect(counted(fd)).toBe(2);
  });
});

describe('1.8: VFIO_DEVICE_RESET', () => {
  test('resets the function, and leaves its header as it was', () => {
    card.function.config.write8(0x3c, 7);
    const opened = card.resets;
    expect(process.ioctl(3, VFIO_DEVICE_RESET)).toBe(0);
    expect([card.function.peek(0x3c, 1), card.function.peek(PCI_COMMAND, 2), card.resets - opened]).toEqual([7, 6, 1]);
  });

  test('of a function that cannot reset itself is EINVAL', () => {
    const lone = pciDevice(engine, { id: [1, 2], class: 0 });
    expect(outcome(() => process.ioctl(process.open(lone.vfio), VFIO_DEVICE_RESET))).toBe('EINVAL');
    process.exit();
    lone.destroy();
  });
});

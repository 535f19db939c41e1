// DEVICE_SET_IRQS: requests that cannot be, eventfds that are held and given up, and what they are signalled for.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { encodePayload, serveDevice } from '../../../src/hosts/vfio-user/index.ts';
import { capability, pciDevice } from '../../../src/pci/index.ts';
import { Peer, TestFd, plainDevice } from './support.ts';
import { BOOL, ERR, EVENTFD, INTX, type Irqs, MASK, MSI, MSIX, NONE, REFUSED_IRQS, REQ, TRIGGER, UNMASK, irqsRequest } from './wire/interrupts.ts';

const set = (peer: Peer, irqs: Irqs, fds: readonly TestFd[] = []): string => peer.result('DEVICE_SET_IRQS', irqsRequest(irqs), fds);
const newFds = (count: number): TestFd[] => Array.from({ length: count }, () => new TestFd());

describe('EINVAL, and what was set up stays', () => {
  test.each(REFUSED_IRQS)('%s', (_what, irqs, fds) => {
    const { device, connect } = plainDevice();
    const peer = connect();
    const held = newFds(2);
    expect(set(peer, { flags: EVENTFD | TRIGGER, count: 2 }, held)).toBe('ok');
    const openFds = device.process.fds.length;
    const came = newFds(fds);
    expect(set(peer, irqs, came)).toBe('EINVAL');
    expect(came.map(({ closes }) => closes)).toEqual(came.map(() => 1));
    expect([peer.session.heldFds, device.process.fds.length, ...held.map(({ closes }) => closes)]).toEqual([2, openFds, 0, 0]);
    expect(set(peer, { flags: NONE | TRIGGER, count: 2 })).toBe('ok');
    expect(held.map(({ signals }) => signals)).toEqual([1, 1]);
  });
});

describe('eventfds', () => {
  test('are signalled: all by NONE, the true ones by BOOL', () => {
    const peer = plainDevice().connect();
    const fds = newFds(3);
    expect(set(peer, { flags: EVENTFD | TRIGGER, count: 3 }, fds)).toBe('ok');
    expect(set(peer, { flags: NONE | TRIGGER, start: 1, count: 1 })).toBe('ok');
    expect(fds.map(({ signals }) => signals)).toEqual([0, 1, 0]);
    expect(set(peer, { flags: BOOL | TRIGGER, count: 3, data: [0, 0, 1] })).toBe('ok');
    expect(fds.map(({ signals }) => signals)).toEqual([0, 1, 1]);
  });

  test('that are replaced are closed, the others stay', () => {
    const peer = plainDevice().connect();
    const [first, second] = [newFds(3), newFds(2)];
    set(peer, { flags: EVENTFD | TRIGGER, count: 3 }, first);
    expect(set(peer, { flags: EVENTFD | TRIGGER, start: 1, count: 2 }, second)).toBe('ok');
    expect(first.map(({ closes }) => closes)).toEqual([0, 1, 1]);
    set(peer, { flags: NONE | TRIGGER, count: 3 });
    expect([...first, ...second].map(({ signals }) => signals)).toEqual([1, 0, 0, 1, 1]);
  });

  test('are taken off by a request without fds', () => {
    const peer = plainDevice().connect();
    const fds = newFds(2);
    set(peer, { flags: EVENTFD | TRIGGER, count: 2 }, fds);
    expect(set(peer, { flags: EVENTFD | TRIGGER, start: 1, count: 1 })).toBe('ok');
    expect(fds.map(({ closes }) => closes)).toEqual([0, 1]);
    set(peer, { flags: NONE | TRIGGER, count: 2 });
    expect(fds.map(({ signals }) => signals)).toEqual([1, 0]);
  });

  test('are all closed when the index is turned off, and that may be done twice', () => {
    const { device, connect } = plainDevice();
    const peer = connect();
    const before = device.process.fds.length;
    const fds = newFds(16);
    set(peer, { flags: EVENTFD | TRIGGER, count: 16 }, fds);
    for (const index of [MSIX, MSIX, INTX, MSI, ERR, REQ]) expect(set(peer, { flags: NONE | TRIGGER, index })).toBe('ok');
    expect(fds.map(({ closes }) => closes)).toEqual(fds.map(() => 1));
    expect([peer.session.heldFds, device.process.fds.length, device.vfio.interrupts.active]).toEqual([0, before, 'none']);
    // Another kind can be had now.
    expect(set(peer, { flags: EVENTFD | TRIGGER, index: MSI, count: 4 }, newFds(4))).toBe('ok');
  });

  test('are all closed when the client is gone', () => {
    const { device, connect } = plainDevice();
    const peer = connect();
    const before = device.process.fds.length;
    const fds = newFds(4);
    set(peer, { flags: EVENTFD | TRIGGER, index: MSI, count: 2 }, fds.slice(0, 2));
    set(peer, { flags: EVENTFD | TRIGGER, index: ERR, count: 1 }, fds.slice(2, 3));
    set(peer, { flags: EVENTFD | TRIGGER, index: REQ, count: 1 }, fds.slice(3));
    peer.session.close();
    peer.session.close();
    expect(fds.map(({ closes }) => closes)).toEqual([1, 1, 1, 1]);
    expect([device.process.fds.length, device.vfio.interrupts.active]).toEqual([before, 'none']);
    expect(set(connect(), { flags: EVENTFD | TRIGGER, count: 2 }, newFds(2))).toBe('ok');
  });

  test('without fds at first, as a client asks that only wants the table on: then as many as it likes', () => {
    const peer = plainDevice().connect();
    expect(set(peer, { flags: EVENTFD | TRIGGER, count: 1 })).toBe('ok');
    for (const count of [1, 2, 3]) {
      expect(set(peer, { flags: NONE | TRIGGER })).toBe('ok');
      const fds = newFds(count);
      expect(set(peer, { flags: EVENTFD | TRIGGER, count }, fds)).toBe('ok');
      set(peer, { flags: NONE | TRIGGER, count });
      expect(fds.map(({ signals }) => signals)).toEqual(fds.map(() => 1));
    }
  });

  test('that are broken lose their signals, and nothing else happens', () => {
    const peer = plainDevice().connect();
    const fds = newFds(2);
    set(peer, { flags: EVENTFD | TRIGGER, count: 2 }, fds);
    fds[0]!.closes = 1;
    expect(set(peer, { flags: NONE | TRIGGER, count: 2 })).toBe('ok');
    expect(fds[1]!.signals).toBe(1);
  });
});

describe('INTx of a device', () => {
  const card = () => {
    const engine = createEngine();
    let made!: ReturnType<typeof pciDevice>;
    const device = serveDevice(engine, (owner, host) => (made = pciDevice(owner, { id: [0x1de5, 1], class: 0x088000, pin: 'A', capabilities: [capability.msi({ vectors: 2 })], bars: { 0: { memory: 0x1000 } } }, host)));
    const peer = new Peer(device);
    peer.version();
    return { peer, made };
  };

  test('that is high when the eventfd comes is signalled at once, once', () => {
    const { peer, made } = card();
    made.interrupts.set(0, true);
    const [fd] = newFds(1);
    expect(set(peer, { flags: EVENTFD | TRIGGER, index: INTX, count: 1 }, [fd!])).toBe('ok');
    expect(fd!.signals).toBe(1);
  });

  test('masks itself, and an unmask signals again while the level is high', () => {
    const { peer, made } = card();
    const [fd] = newFds(1);
    set(peer, { flags: EVENTFD | TRIGGER, index: INTX, count: 1 }, [fd!]);
    made.interrupts.set(0, true);
    made.interrupts.set(0, false);
    made.interrupts.set(0, true);
    expect(fd!.signals).toBe(1);
    expect(set(peer, { flags: NONE | UNMASK, index: INTX, count: 1 })).toBe('ok');
    expect(fd!.signals).toBe(2);
    made.interrupts.set(0, false);
    set(peer, { flags: NONE | UNMASK, index: INTX, count: 1 });
    expect(fd!.signals).toBe(2);
    made.interrupts.set(0, true);
    expect(fd!.signals).toBe(3);
  });

  test('a mask holds a level back until the unmask', () => {
    const { peer, made } = card();
    const [fd] = newFds(1);
    set(peer, { flags: EVENTFD | TRIGGER, index: INTX, count: 1 }, [fd!]);
    expect(set(peer, { flags: NONE | MASK, index: INTX, count: 1 })).toBe('ok');
    made.interrupts.set(0, true);
    expect(fd!.signals).toBe(0);
    set(peer, { flags: BOOL | UNMASK, index: INTX, count: 1, data: [0] });
    expect(fd!.signals).toBe(0);
    set(peer, { flags: BOOL | UNMASK, index: INTX, count: 1, data: [1] });
    expect(fd!.signals).toBe(1);
  });

  test('gives way to messages', () => {
    const { peer, made } = card();
    const fds = newFds(3);
    // A message is a write to memory: COMMAND.MASTER.
    peer.ask('REGION_WRITE', encodePayload('REGION_WRITE', 'request', { offset: 4n, region: 7, count: 2, data: Uint8Array.of(6, 0) }));
    set(peer, { flags: EVENTFD | TRIGGER, index: INTX, count: 1 }, fds.slice(0, 1));
    set(peer, { flags: NONE | TRIGGER, index: INTX });
    expect(set(peer, { flags: EVENTFD | TRIGGER, index: MSI, count: 2 }, fds.slice(1))).toBe('ok');
    made.interrupts.pulse(1);
    expect(fds.map(({ signals }) => signals)).toEqual([0, 0, 1]);
  });
});

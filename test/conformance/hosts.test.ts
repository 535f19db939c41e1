// Rows about hosts: paths, processes, transfers of functions, ids of objects; and what of them no table may say.
import { describe, expect, test } from '@jest/globals';
import { ConformanceRunner, type HostData, type Row, type Step, type Table, checkTable, failureText, stepsOf } from '../../src/conformance/index.ts';
import { VFIO_CHECK_EXTENSION } from '../../src/uapi/index.ts';
import { Process, type UserPointer } from '../../src/vfio/index.ts';
import { TABLE } from './support.ts';

const GIVE = '0x3bf0';

/** Writes the first byte of its argument to the byte behind four, and answers a number to CHECK_EXTENSION: that number. */
class Giving extends Process {
  override ioctl(fd: number, request: number, argument?: UserPointer): number {
    if (request === VFIO_CHECK_EXTENSION) return Number(argument);
    if (request !== Number(GIVE)) return super.ioctl(fd, request, argument);
    const [number] = this.memory.readBytes(BigInt(argument as number), new Uint8Array(1));
    this.memory.writeBytes(BigInt(argument as number) + 4n, Uint8Array.of(number!, 0, 0, 0));
    return 0;
  }
}

const HOSTS: Readonly<Record<string, HostData>> = {
  own: {
    about: 'All kinds of functions.',
    options: { unsafeNoIommu: true, iommu: { lastAddress: '0xffffffff', reserved: [{ first: '0xfee00000', last: '0xfeefffff', kind: 'msi' }] }, messageWindow: { size: '0x10000', alignment: 65536 } },
    bridges: [{ slot: '00:1c.0', secondaryBus: 1 }],
    functions: {
      nic: { slot: '0000:01:00.0', device: 'card' },
      bare: { slot: '0000:02:00.0', device: 'plain', iommu: 'none' },
      mdev: { slot: 'one', device: 'plain', emulated: true },
      own: { slot: '0000:03:00.0', device: 'vf', iommu: { pageSizes: '0x1000' }, physicalFunction: 'nic' },
      idle: { slot: '0000:04:00.0' },
    },
    processes: { main: {}, other: { maxFds: 4 } },
  },
  single: { about: 'One function.', functions: { nic: { slot: '0000:01:00.0', device: 'card' } } },
};
const STARTS = { open: { host: 'own', about: 'A container is open.', steps: [{ do: 'open', path: '/dev/vfio/vfio', as: 'container' }] } } as const;
const OWN: Table = { ...TABLE, hosts: HOSTS, starts: STARTS };

function differences(row: Partial<Row>, table = OWN): { step: string; what: string; expected: string; found: string }[] {
  return [...new ConformanceRunner(table, (engine, options) => new Giving(engine, options)).run({ id: 'x-1', statement: 'something', ...(row.from === undefined && { host: 'own' }), ...row } as Row)];
}

const call: Step = { do: 'device', device: 'nic', event: 'gone' };
const give = (before: string, out: string): Step => ({ do: 'ioctl', fd: 'container', request: GIVE, in: before, out });

describe('paths and processes', () => {
  test('a device node of the host is opened by the process that is named', () => {
    const path = '/dev/vfio/vfio';
    const open = (by?: string, returns?: string): Step => ({ do: 'open', path, ...(by !== undefined && { by }), ...(returns !== undefined && { returns }) });
    // The other process has one fd left besides those of its terminal.
    expect(differences({ before: [open(), open(), open('other')], call: open('other', 'EMFILE'), after: [open()] })).toEqual([]);
    expect(differences({ call: { do: 'open', path: '/dev/vfio/nothing' } })).toEqual([{ step: 'call', what: 'result', expected: 'fd', found: 'ENOENT' }]);
  });

  test('a name of an fd is a number: in another process another file, or none', () => {
    expect(differences({ from: 'open', call: { do: 'close', by: 'other', fd: 'container', returns: 'EBADF' }, after: [{ do: 'close', fd: 'container' }] })).toEqual([]);
  });

  test('memory is that of the process which makes the call', () => {
    const map = (by: string, as: string): Step => ({ do: 'mmap', by, fd: -1, flags: 34, length: '0x1000', as });
    const load = (by: string, out: string): Step => ({ do: 'load', by, map: 'm', length: 2, at: '0x8', out });
    expect(differences({ before: [map('main', 'm'), map('other', 'n')], call: { do: 'store', by: 'main', map: 'm', at: '0x8', in: '1122' }, after: [load('main', '1122'), load('other', '0000')] })).toEqual([]);
  });

  test('what is left open at the end leaves nothing', () => {
    expect(differences({ from: 'open', call: { do: 'mmap', by: 'other', fd: -1, flags: 34, length: '0x3000' } })).toEqual([]);
  });

  test('steps of a start are checked, and named', () => {
    const row: Row = { id: 'x-1', statement: 'y', from: 'open', call };
    const starts = { open: { ...STARTS.open, steps: [{ ...STARTS.open.steps[0], returns: 'EPERM' }] } };
    expect(stepsOf(row, STARTS).map(({ name }) => name)).toEqual(['start 1', 'call']);
    const found = new ConformanceRunner({ ...OWN, starts }).run(row);
    expect(found).toEqual([{ step: 'start 1', what: 'result', expected: 'EPERM', found: 'fd' }]);
    expect(failureText({ row, section: { section: 'x', title: 'x', rows: [row] }, differences: found })).toMatch(/^x-1 {2}section x, from open: y\n {2}call /);
  });
});

describe('arguments', () => {
  const ask = (value: number | string, returns: number): Step => ({ do: 'ioctl', fd: 'container', request: 'VFIO_CHECK_EXTENSION 0x3b65', value, returns });

  test('a number itself', () => {
    expect(differences({ from: 'open', before: [ask(3, 3), ask(0, 0)], call: ask('0x100000003', 0x1_0000_0003) })).toEqual([]);
    expect(differences({ from: 'open', call: ask(4, 3) })).toEqual([{ step: 'call', what: 'result', expected: '3', found: '4' }]);
  });

  test('a text and its NUL, and nothing behind it', () => {
    const name = (text: string, returns: string | number): Step => ({ do: 'ioctl', fd: 'container', request: GIVE, text, returns });
    // What is written behind the first four bytes has changed the text.
    expect(differences({ from: 'open', call: name('abcdefg', 0) })).toEqual([expect.objectContaining({ what: 'bytes of argument', expected: '0000: 61626364 65666700', found: '0000: 61626364 61000000' })]);
    expect(differences({ from: 'open', call: name('abcdef', 0) })).toEqual([expect.objectContaining({ what: 'bytes of argument', expected: '0000: 61626364 656600', found: '0000: 61626364 610000' })]);
  });

  test('an address in a mapping, with what is added', () => {
    const map: Step = { do: 'mmap', fd: -1, flags: 34, length: '0x2000', as: 'm' };
    const store: Step = { do: 'store', map: 'm', at: '0x0', in: '&m+0x1000' };
    const load = (out: string): Step => ({ do: 'load', map: 'm', length: 8, out });
    expect(differences({ before: [map, store], call: load('&m+4096') })).toEqual([]);
    expect(differences({ before: [map, store], call: load('&m+0x1001') })).toEqual([expect.objectContaining({ what: 'bytes' })]);
  });
});

describe('bytes that only the run knows', () => {
  test('any byte', () => {
    expect(differences({ from: 'open', call: give('05*8', '05*4 ??*4') })).toEqual([]);
    expect(differences({ from: 'open', call: give('05*8', '05*4 ??*2 00 05') })).toEqual([expect.objectContaining({ what: 'bytes of argument', expected: '0000: 05050505 05000005', found: '0000: 05050505 05000000' })]);
  });

  test('an id is learnt where it is written first, and known from then on', () => {
    const known = (out: string): Step => give('07000000 %a', out);
    expect(differences({ from: 'open', before: [give('07000000 00000000', '07000000 %a')], call: known('%a %a'), after: [give('%a 00000000', '07000000 07000000')] })).toEqual([]);
    expect(differences({ from: 'open', before: [give('07000000 00000000', '07000000 %a')], call: give('08000000 00000000', '08000000 %a') })).toEqual([
      expect.objectContaining({ what: 'bytes of argument', expected: '0000: 08000000 07000000', found: '0000: 08000000 08000000' }),
    ]);
  });

  test('no id is 0, and no two of one iommufd are the same', () => {
    const learn = (number: string, name: string): Step => give(`${number}000000 00000000`, `${number}000000 %${name}`);
    expect(differences({ from: 'open', call: learn('00', 'a') })).toEqual([{ step: 'call', what: 'id at byte 4 of argument', expected: 'a new id', found: '0' }]);
    expect(differences({ from: 'open', before: [learn('01', 'a')], call: learn('01', 'b') })).toEqual([{ step: 'call', what: 'id at byte 4 of argument', expected: 'a new id', found: '1' }]);
    expect(differences({ from: 'open', before: [learn('01', 'one.a')], call: learn('01', 'two.a'), after: [learn('02', 'two.b')] })).toEqual([]);
  });
});

describe('functions', () => {
  const nic = (event: string, rest: Partial<Step> = {}, device = 'nic'): Step => ({ do: 'device', device, event, ...rest });

  test('a transfer, and the fault that it comes to; each is told once, to those who ask for that function', () => {
    const faults = (lines: string[], device = 'nic'): Step => nic('faults', { lines }, device);
    expect(differences({ call: nic('dma read 0x1000 4', { returns: 'EFAULT' }), after: [nic('dma write 0x2000', { in: '01', returns: 'EFAULT' }), faults([], 'own'), faults(['read 0x1000 blocked', 'write 0x2000 blocked']), faults([])] })).toEqual([]);
    expect(differences({ call: nic('dma read 0x1000 4', { out: '00000000' }), after: [] })).toEqual([{ step: 'call', what: 'result', expected: '0', found: 'EFAULT' }]);
    expect(differences({ call: nic('dma write 0x0', { in: '01', returns: 'EFAULT' }, 'bare'), after: [faults(['write 0x0 blocked'], 'bare')] })).toEqual([{ step: 'after 1', what: 'faults', expected: 'write 0x0 blocked', found: 'write 0x0 unmapped' }]);
  });

  test('messages', () => {
    expect(differences({ call: nic('dma write 0xfee00010', { in: '41000000' }), after: [nic('messages', { lines: ['0xfee00010 0x41'] }), nic('messages', { lines: [] })] })).toEqual([]);
  });

  test('pins of a device that nobody has open', () => {
    expect(differences({ call: nic('pin 0x1000 0x1000 write', { returns: 'EINVAL' }, 'mdev'), after: [nic('unmapped', { lines: [] }, 'mdev'), nic('unpin 0x1000 0x1000', { returns: 'EINVAL' }, 'mdev')] })).toEqual([]);
  });

  test('events of any device, by the name of the function; one without a device has none', () => {
    expect(differences({ call: nic('resets'), after: [nic('registers', { at: '0x0', out: '8680' }), nic('registers', { at: '0x0', out: 'f41a' }, 'mdev')] })).toEqual([]);
    expect(differences({ call: nic('resets', {}, 'idle') })).toEqual([expect.objectContaining({ found: 'SyntaxError: 0000:04:00.0 has no device that could do something' })]);
  });

  test('the only function need not be named; of several one is', () => {
    expect(differences({ host: 'single', call: { do: 'device', event: 'gone' } })).toEqual([]);
    expect(differences({ call: { do: 'device', event: 'gone' } })).toEqual([expect.objectContaining({ found: 'SyntaxError: the host has more than one function: say which' })]);
  });

  test('out of the host, and back', () => {
    const open = (returns: string): Step => ({ do: 'open', path: '/dev/vfio/devices/vfio0', returns });
    expect(differences({ host: 'single', before: [{ ...open('fd'), as: 'cdev' }, nic('unplug'), nic('gone'), { do: 'close', fd: 'cdev' }, nic('gone', { returns: 1 })], call: open('ENOENT'), after: [nic('dma read 0x0 1', { returns: 'ENXIO' }), nic('plug'), nic('gone'), open('fd')] })).toEqual([]);
  });

  test('a foreign domain is there, and is there no more', () => {
    const table = (event: string): string[] => differences({ host: 'single', call: nic(event) }).map(({ found }) => found);
    expect([...table('domain on'), ...table('domain off')]).toEqual([]);
  });
});

describe('what is no table', () => {
  const table = (row: object, more: Partial<Table> = {}): Table => ({ ...OWN, sections: [{ section: 'x', title: 'x', rows: [{ id: 'x-1', statement: 'y', host: 'own', call, ...row }] }], ...more });
  const host = (changed: object): Table => table({}, { hosts: { own: { ...HOSTS['own']!, ...changed } } });
  const { functions } = HOSTS['own']!;

  test('these rows, hosts and starts are', () => {
    expect(checkTable(table({}))).toEqual([]);
  });

  test.each([
    ['a host that is not there', { host: 'inn' }, 'x-1: no host is called inn'],
    ['a start that is not there', { host: undefined, from: 'scratch' }, 'x-1: no start is called scratch'],
    ['nothing to be about', { host: undefined }, 'x-1: it says more, or less, than one of device, host and from'],
    ['a start and a host', { from: 'open' }, 'x-1: it says more, or less, than one of device, host and from'],
    ['a way to open dev', { open: {} }, 'x-1: open is for rows with a device'],
    ['a process that is not there', { call: { ...call, by: 'third' } }, 'x-1, call: no process of the host is called third'],
    ['a function that is not there', { call: { ...call, device: 'disk' } }, 'x-1, call: no function of the host is called disk'],
    ['a function in a path that is not there', { call: { do: 'open', path: '/dev/vfio/{group disk}' } }, 'x-1, call: no function of the host is called disk'],
    ['a number in a path that there is not', { call: { do: 'open', path: '/dev/vfio/{grope nic}' } }, 'x-1, call: /dev/vfio/{grope nic} names neither a group nor a character device'],
    ['an open that is not by path', { call: { do: 'open', device: 'nic' } }, 'x-1, call: of a host, a path is opened'],
    ['faults that are compared with nothing', { call: { ...call, event: 'faults' } }, 'x-1, call: faults without lines compares nothing'],
    ['a read that is compared with nothing', { call: { ...call, event: 'dma read 0x0 4' } }, 'x-1, call: dma read without out compares nothing'],
    ['a write of nothing', { call: { ...call, event: 'dma write 0x0', returns: 'EFAULT' } }, 'x-1, call: dma write without in changes nothing'],
    ['an argument that is two', { call: { do: 'ioctl', fd: 3, request: '1', value: 1, argument: 'm' } }, 'x-1, call: value and argument: an ioctl has one argument'],
  ])('%s', (_name, row, expected) => {
    expect(checkTable(table(row))).toEqual([expected]);
  });

  test.each([
    ['a word that no host knows', { buses: 1 }, 'host own: buses is nothing that it can say'],
    ['an option that is none', { options: { dmaLimit: 1 } }, 'host own, options: dmaLimit is nothing that it can say'],
    ['an IOMMU with a word that it does not know', { options: { iommu: { bits: 48 } } }, 'host own, iommu: bits is nothing that it can say'],
    ['reserved addresses with one', { options: { iommu: { reserved: [{ first: 0, last: 1, kind: 'msi', why: '' }] } } }, 'host own, reserved 0: why is nothing that it can say'],
    ['a window with one', { options: { messageWindow: { at: 0 } } }, 'host own, messageWindow: at is nothing that it can say'],
    ['a bridge with one', { bridges: [{ slot: '00:1c.0', secondaryBus: 1, ats: true }] }, 'host own, bridge 0: ats is nothing that it can say'],
    ['a function with one', { functions: { ...functions, nic: { slot: '0000:01:00.0', model: 1 } } }, 'host own, nic: model is nothing that it can say'],
    ['a function of a device that is not there', { functions: { ...functions, nic: { slot: '0000:01:00.0', device: 'toaster' } } }, 'host own, nic: no device is called toaster'],
    ['a function of a physical one that is not there', { functions: { ...functions, nic: { slot: '0000:01:00.0', physicalFunction: 'pf' } } }, 'host own, nic: no function of the host is called pf'],
    ['a process with a word that it does not know', { processes: { main: { uid: 0 } } }, 'host own, process main: uid is nothing that it can say'],
    ['no process that makes calls', { processes: { other: {} } }, 'host own: no process is called main'],
  ])('%s', (_name, changed, expected) => {
    expect(checkTable(host(changed))).toEqual([expected]);
  });

  test.each([
    ['a start on a host that is not there', { ...STARTS.open, host: 'inn' }, ['start open: no host is called inn']],
    ['a start that does nothing', { ...STARTS.open, steps: [] }, ['start open: it does nothing']],
    ['a start with a word that it does not know', { ...STARTS.open, device: 'nic' }, ['start open: device is nothing that it can say']],
    ['a start with a step that is none', { ...STARTS.open, steps: [{ do: 'fsync' } as unknown as Step] }, ['start open 1: "fsync" is no kind of step']],
  ])('%s', (_name, start, expected) => {
    expect(checkTable(table({}, { starts: { open: start } }))).toEqual(expected);
  });

  test('a host whose functions cannot be is found when it is made', () => {
    expect(differences({ call }, { ...OWN, hosts: { own: { ...HOSTS['own']!, functions: { nic: { slot: 'nowhere' } } } } })).toEqual([expect.objectContaining({ step: 'open', found: expect.stringMatching(/^RangeError: VfioHost.plug: slot is "nowhere"/) })]);
  });
});

// The runner itself: it notices one byte, one errno, one count; it refuses rows that it does not understand; it says what was otherwise.
import { describe, expect, test } from '@jest/globals';
import type { Engine } from '../../src/core/index.ts';
import { ConformanceRunner, type MakeProcess, type Row, type Step, type Table, checkTable, failureText } from '../../src/conformance/index.ts';
import { VFIO_DEVICE_FEATURE, VFIO_DEVICE_GET_INFO, VFIO_DEVICE_RESET, VfioError } from '../../src/uapi/index.ts';
import { type OpenOptions, Process, type UserBuffer, type UserPointer, type VfioDevice } from '../../src/vfio/index.ts';
import { TABLE, rowOf } from './support.ts';

/** Answers ENOTTY to one request. */
class Deaf extends Process {
  override ioctl(fd: number, request: number, argument?: UserPointer): number {
    if (request === VFIO_DEVICE_FEATURE) throw new VfioError('ENOTTY', 'ioctl');
    return super.ioctl(fd, request, argument);
  }
}

/** Changes one byte of what GET_INFO has written. */
class Flipping extends Process {
  override ioctl(fd: number, request: number, argument?: UserPointer): number {
    const result = super.ioctl(fd, request, argument);
    if (request === VFIO_DEVICE_GET_INFO) this.memory.writeBytes(BigInt(argument as number) + 13n, Uint8Array.of(1));
    return result;
  }
}

/** Writes where nothing is to be written when a call fails. */
class Untidy extends Process {
  override ioctl(fd: number, request: number, argument?: UserPointer): number {
    try {
      return super.ioctl(fd, request, argument);
    } catch (error) {
      if (argument !== undefined && this.memory.isClaimed(BigInt(argument as number), 1)) this.memory.writeBytes(BigInt(argument as number), Uint8Array.of(0x77));
      throw error;
    }
  }
}

/** Reads one byte less than it could. */
class Short extends Process {
  override pread(fd: number, buffer: UserBuffer, offset: number | bigint): number {
    const { address, length } = buffer as { readonly address: number; readonly length: number };
    return super.pread(fd, { address, length: Math.max(0, length - 1) }, offset);
  }
}

/** Forgets a file that it has opened. */
class Leaking extends Process {
  override exit(): void {
    if (this.fds.length > 1) super.exit();
  }
}

const rowsOf = (section: string): readonly Row[] => TABLE.sections.find((one) => one.section === section)!.rows;

/** Ids of the rows of a section that fail in such a process. */
function failing(process: new (engine: Engine) => Process, section: string): string[] {
  const make: MakeProcess = (engine) => new process(engine);
  const runner = new ConformanceRunner(TABLE, make);
  return rowsOf(section)
    .filter((row) => runner.run(row).length > 0)
    .map(({ id }) => id);
}

/** What a row comes to. */
function differences(row: Partial<Row> & { readonly call: Step }, devices = TABLE.devices): { step: string; what: string; expected: string; found: string }[] {
  return [...new ConformanceRunner({ ...TABLE, devices }).run({ id: 'x-1', statement: 'something', device: 'plain', ...row })];
}

const GET_INFO = 'VFIO_DEVICE_GET_INFO 0x3b6b';
const ASKED = '18000000 aa*20';
const ANSWER = '18000000 02000000 09000000 05000000 00000000 00000000';

describe('a process that answers wrongly is noticed', () => {
  const isError = ({ call }: Row): boolean => typeof call.returns === 'string';

  test('a request that is ENOTTY: every row that wants another answer, and no other', () => {
    const others = rowsOf('3.2').filter(({ call, before = [] }) => call.returns !== 'ENOTTY' || before.length > 0);
    expect(others.length).toBeGreaterThan(20);
    expect(failing(Deaf, '3.2')).toEqual(others.map(({ id }) => id));
    expect(failing(Deaf, '4.2')).toEqual([]);
  });

  test('one byte of GET_INFO: every row in which it succeeds', () => {
    const good = rowsOf('1.4').filter((row) => !isError(row));
    expect(good.length).toBeGreaterThan(10);
    expect(failing(Flipping, '1.4')).toEqual(good.map(({ id }) => id));
  });

  test('a byte that is written although the call failed', () => {
    const bad = rowsOf('1.6').filter((row) => isError(row) && row.call.in !== undefined);
    expect(bad.length).toBeGreaterThan(5);
    expect(failing(Untidy, '1.6')).toEqual(bad.map(({ id }) => id));
  });

  test('a read that is one byte short', () => {
    const reads = rowsOf('4.4').filter((row) => !isError(row) && row.call.do === 'pread' && row.call.returns === undefined);
    expect(reads.length).toBeGreaterThan(3);
    expect(failing(Short, '4.4')).toEqual(expect.arrayContaining(reads.map(({ id }) => id)));
  });

  test('what is left behind after the end, and the next row has an engine without it', () => {
    const runner = new ConformanceRunner(TABLE, (engine) => new Leaking(engine));
    expect(runner.run(rowOf('1.4-01'))).toEqual([expect.objectContaining({ step: 'end', what: 'left behind' })]);
    expect(new ConformanceRunner(TABLE).run(rowOf('1.4-01'))).toEqual([]);
  });
});

describe('what a difference says', () => {
  test('the result, and bytes in the lines that differ', () => {
    expect(differences({ call: { do: 'ioctl', request: GET_INFO, in: ASKED, returns: 'EFAULT' } })).toEqual([
      { step: 'call', what: 'result', expected: 'EFAULT', found: '0' },
      { step: 'call', what: 'bytes of argument', expected: '0000: 18000000 aaaaaaaa aaaaaaaa aaaaaaaa\n0010: aaaaaaaa aaaaaaaa', found: '0000: 18000000 02000000 09000000 05000000\n0010: 00000000 00000000' },
    ]);
  });

  test('the step that it was: a row ends with the first one', () => {
    const wrong: Step = { do: 'ioctl', request: GET_INFO, in: ASKED, returns: 'EBUSY', out: ANSWER };
    expect(differences({ before: [{ do: 'open', as: 'other' }, wrong], call: wrong })).toEqual([{ step: 'before 2', what: 'result', expected: 'EBUSY', found: '0' }]);
    expect(differences({ call: { ...wrong, returns: 0 }, after: [{ do: 'events', fd: 'e' }] })).toEqual([{ step: 'after 1', what: 'exception', expected: 'none', found: 'SyntaxError: no fd is called e' }]);
  });

  test('a failing row in full: statement, steps, both sides beside each other', () => {
    const row: Row = { id: '1.4-99', statement: 'It has 8 regions.', device: 'plain', call: { do: 'ioctl', request: GET_INFO, in: ASKED, out: ANSWER.replace('09', '08') } };
    const section = { section: '1.4', title: 'GET_INFO', rows: [row] };
    expect(failureText({ row, section, differences: new ConformanceRunner(TABLE).run(row) })).toBe(
      [
        '1.4-99  section 1.4, device plain: It has 8 regions.',
        `  call      ${JSON.stringify(row.call)}`,
        '  call, bytes of argument',
        '    expected                                  | found',
        '    0000: 18000000 02000000 08000000 05000000 | 0000: 18000000 02000000 09000000 05000000',
      ].join('\n'),
    );
  });

  test('an fd that the kernel is said to have made, and has not', () => {
    const step: Step = { do: 'ioctl', request: GET_INFO, in: ASKED, out: '18000000 02000000 =made 05000000 00000000 00000000' };
    expect(differences({ call: step })[0]).toEqual({ step: 'call', what: 'fd at byte 8 of argument', expected: 'a new fd', found: '9' });
  });
});

describe('what the table asks of its devices', () => {
  test('@times: 0, 1, 2, ... in a step that is made many times', () => {
    const make: Step = { do: 'ioctl', request: 'VFIO_DEVICE_IOEVENTFD 0x3b74', in: '1c000000 04000000 1000000000000000 @times 00000000 #e', times: 3 };
    const remove = (data: string, returns?: string): Step => ({ do: 'ioctl', request: 'VFIO_DEVICE_IOEVENTFD 0x3b74', in: `1c000000 04000000 1000000000000000 ${data}000000 00000000 ffffffff`, ...(returns !== undefined && { returns }) });
    expect(differences({ before: [{ do: 'eventfd', as: 'e' }], call: make, after: [remove('02'), remove('01'), remove('00'), remove('03', 'ENODEV')] })).toEqual([]);
    // Once is 0.
    expect(differences({ before: [{ do: 'eventfd', as: 'e' }], call: { ...make, times: 1 }, after: [remove('00')] })).toEqual([]);
  });

  test('a reset clears what firmware has set up, and what was written: a driver that saves and restores nothing fails', () => {
    /** Resets the function, and leaves it so. */
    class Careless extends Process {
      private device: VfioDevice | undefined;

      override open(device: VfioDevice, options?: OpenOptions): number {
        this.device = device;
        return super.open(device, options);
      }

      override ioctl(fd: number, request: number, argument?: UserPointer): number {
        if (request !== VFIO_DEVICE_RESET) return super.ioctl(fd, request, argument);
        this.device!.description.onReset!();
        return 0;
      }
    }
    const restored = rowsOf('1.8').find(({ statement }) => statement.startsWith('Configuration space is as it was'))!;
    expect(failing(Careless, '1.8')).toContain(restored.id);
    const row: Row = { ...rowOf('1.8-01'), before: [{ do: 'pwrite', offset: '0x7000000000c', in: '20' }], after: [0x04, 0x0c, 0x10, 0x3c].map((at) => ({ do: 'device', event: 'registers', at: `0x${at.toString(16)}`, out: at === 0x3c ? '0001' : '0000' })) };
    expect(new ConformanceRunner(TABLE, (engine) => new Careless(engine)).run(row)).toEqual([]);
  });

  test('a driver that never takes pages away fails', () => {
    /** Its devices tell nobody that pages are to go. */
    class Clinging extends Process {
      override open(device: VfioDevice, options?: OpenOptions): number {
        device.mappings.zap = () => undefined;
        return super.open(device, options);
      }
    }
    const isAboutPages = ({ call, before = [], after = [] }: Row): boolean => [...before, call, ...after].some(({ returns }) => returns === 'SIGBUS') && before.some((step) => step.do === 'load');
    for (const section of ['1.8', '1.10', '4.6']) {
      const rows = rowsOf(section).filter(isAboutPages);
      expect(rows.length).toBeGreaterThan(0);
      expect(failing(Clinging, section)).toEqual(expect.arrayContaining(rows.map(({ id }) => id)));
    }
  });
});

describe('what is no table', () => {
  const table = (row: object): Table => ({ ...TABLE, sections: [{ section: 'x', title: 'x', rows: [{ id: 'x-1', statement: 'y', device: 'plain', call: { do: 'lseek', returns: 'ESPIPE' }, ...row }] }] });

  test.each([
    ['a word that no step knows', { call: { do: 'lseek', return: 'ESPIPE' } }, 'x-1, call: return is nothing that it can say'],
    ['a kind of step that is none', { call: { do: 'fsync' } }, 'x-1, call: "fsync" is no kind of step'],
    ['a word that no row knows', { expects: 1 }, 'x-1: expects is nothing that it can say'],
    ['a device that is not there', { device: 'toaster' }, 'x-1: no device is called toaster'],
    ['a device and a host', { host: 'one' }, 'x-1: it says more, or less, than one of device, host and from'],
    ['a row of another section', { id: '1.4-01' }, '1.4-01: it stands in section x'],
    ['a row that states nothing', { statement: '' }, 'x-1: it states nothing'],
    ['a choice that is none', { choice: false }, 'x-1: choice is false; expected true, or nothing'],
    ['a step that is never made', { call: { do: 'lseek', returns: 'ESPIPE', times: 0 } }, 'x-1, call: it is made 0 times; expected 1 or more'],
    ['a step that is made one and a half times', { call: { do: 'lseek', returns: 'ESPIPE', times: 1.5 } }, 'x-1, call: it is made 1.5 times; expected 1 or more'],
    ['registers that are compared with nothing', { after: [{ do: 'device', event: 'registers', at: '0x0' }] }, 'x-1, after 1: registers without out compares nothing'],
    ['bytes that are compared with none', { after: [{ do: 'device', event: 'bytes 0', at: '0x0', out: '' }] }, 'x-1, after 1: bytes without out compares nothing'],
    ['a token that is compared with nothing', { after: [{ do: 'device', event: 'token' }] }, 'x-1, after 1: token without out compares nothing'],
    ['cycles that are compared with nothing', { after: [{ do: 'device', event: 'cycles' }] }, 'x-1, after 1: cycles without lines compares nothing'],
    ['an event of hosts', { after: [{ do: 'device', event: 'faults', lines: [] }] }, 'x-1, after 1: faults is for rows with a host'],
    ['a path', { before: [{ do: 'open', path: '/dev/vfio/vfio' }] }, 'x-1, before 1: path is for rows with a host'],
    ['another process', { call: { do: 'lseek', by: 'other', returns: 'ESPIPE' } }, 'x-1, call: by is for rows with a host'],
    ['an argument that is two', { call: { do: 'ioctl', request: '1', text: 'a', in: '00' } }, 'x-1, call: text and in: an ioctl has one argument'],
    ['bytes that are changed to nothing', { before: [{ do: 'device', event: 'poke 7', at: '0x0' }] }, 'x-1, before 1: poke without in changes nothing'],
  ])('%s', (_name, row, expected) => {
    expect(checkTable(table(row))).toEqual([expected]);
  });

  test('two rows of one name', () => {
    const one = table({}).sections[0]!;
    expect(checkTable({ ...TABLE, sections: [{ ...one, rows: [...one.rows, ...one.rows] }] })).toEqual(['x-1: two rows are called so']);
  });

  test.each([
    ['bytes that are none', { do: 'ioctl', request: GET_INFO, in: '1800000' }, 'SyntaxError: "1800000" is no hex, no ??, no hex*times, no &block, #fd, =fd, %id or @times'],
    ['a request of another number', { do: 'ioctl', request: 'VFIO_DEVICE_GET_INFO 0x3b6c', in: ASKED }, 'SyntaxError: VFIO_DEVICE_GET_INFO is not 0x3b6c'],
    ['a block that is not there', { do: 'ioctl', request: GET_INFO, in: '&nothing' }, 'SyntaxError: no block or mapping is called nothing'],
    ['a mapping that is not there', { do: 'load', map: 'm', length: 4 }, 'SyntaxError: no mapping is called m'],
    ['any byte, where bytes are given', { do: 'ioctl', request: GET_INFO, in: '?? 00' }, 'SyntaxError: ?? is no byte: it stands where bytes are looked at that a call has left'],
    ['an id that is not known', { do: 'ioctl', request: GET_INFO, in: '%ioas' }, 'SyntaxError: no id is called ioas'],
    ['an event of hosts', { do: 'device', event: 'gone' }, 'SyntaxError: gone is for functions of a host'],
    ['nothing that a device does', { do: 'device', event: 'dance' }, 'SyntaxError: "dance" is nothing that a device does'],
    ['a region that is not there', { do: 'device', event: 'bytes 5', out: '00' }, 'SyntaxError: the device has no region 5'],
  ] as const)('%s', (_name, call, found) => {
    expect(differences({ call })).toEqual([{ step: 'call', what: 'exception', expected: 'none', found }]);
  });
});

// `maplebar trace`: a program's calls as lines and as JSON, and lines again out of that JSON; what goes wrong before, in and after the program.
import { afterAll, describe, expect, test } from '@jest/globals';
import { type LoadModule, type TraceCommand, decodeCommand, traceCommand } from '../../src/cli/trace.ts';
import { VFIO_DEVICE_GET_IRQ_INFO, vfio_irq_info } from '../../src/uapi/index.ts';
import { type Process, type VfioDevice } from '../../src/vfio/index.ts';
import { Folder, run } from './support.ts';

const folder = new Folder();
afterAll(() => folder.remove());

const file = folder.file('program.mjs', 'export default function () {}\n');

function asks(process: Process, [device]: readonly VfioDevice[]): void {
  const fd = process.open(device!);
  process.ioctl(fd, VFIO_DEVICE_GET_IRQ_INFO, vfio_irq_info.encode({ argsz: 16, index: 1 }));
  process.raw.close(9);
}

const LINES = [
  'open("0000:00:01.0", O_RDWR) = 3',
  'ioctl(3, VFIO_DEVICE_GET_IRQ_INFO, {argsz=16, index=VFIO_PCI_MSI_IRQ_INDEX, ...} => {flags=EVENTFD|NORESIZE, count=1}) = 0',
  'close(9) = -1 EBADF (Bad file descriptor)',
  'exit_group(0) = ?',
];

/** The command over a module that need not be a file's. */
async function traced(exported: Record<string, unknown>, devices: readonly string[] = ['edu'], options: TraceCommand = {}): Promise<{ code: number; out: string; err: string; error: string }> {
  const ended = { code: -1, out: '', err: '', error: '' };
  const load: LoadModule = () => Promise.resolve(exported);
  try {
    ended.code = await traceCommand(file, devices, options, { out: (text) => void (ended.out += text), err: (text) => void (ended.err += text), interactive: false }, load);
  } catch (error) {
    ended.error = (error as Error).message;
  }
  return ended;
}

describe('a program', () => {
  test.each(['default', 'main'])('exported as %s', async (name) => {
    expect(await traced({ [name]: asks })).toEqual({ code: 0, out: `${LINES.join('\n')}\n`, err: '', error: '' });
  });

  test('may be asynchronous, and gets all devices and their testbench', async () => {
    let seen: unknown;
    const { out, code } = await traced(
      {
        default: async (process: Process, devices: readonly VfioDevice[], bench: { settle(): Promise<void> }) => {
          await bench.settle();
          seen = devices.map(({ name }) => name);
          process.eventfd();
        },
      },
      ['edu', 'nvme-lite'],
    );
    expect([code, seen, out]).toEqual([0, ['0000:00:01.0', '0000:00:02.0'], 'eventfd2(0, 0) = 3\nexit_group(0) = ?\n']);
  });

  test('that throws has its lines, and an exit to its name', async () => {
    const { out, error } = await traced({ default: (process: Process) => void process.close(7) });
    expect([out, error]).toEqual(['close(7) = -1 EBADF (Bad file descriptor)\nexit_group(0) = ?\n', 'EBADF: close: fd 7 is not open']);
  });

  test('that is none', async () => {
    expect(await traced({ default: 1, other: asks })).toMatchObject({ out: '', error: `${file}: exports no function, neither as default nor as main` });
  });

  test('--why', async () => {
    expect((await traced({ default: asks }, ['edu'], { why: true })).out).toContain('close(9) = -1 EBADF (Bad file descriptor) /* EBADF: close: fd 9 is not open */\n');
  });
});

describe('--json', () => {
  test('is one object a call, from which --decode prints the same', async () => {
    const { out } = await traced({ default: asks }, ['edu'], { json: true });
    const objects = out.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(objects.map(({ line }) => line)).toEqual(LINES);
    expect(objects[1]).toEqual({
      line: LINES[1],
      call: 'ioctl',
      fd: 3,
      request: VFIO_DEVICE_GET_IRQ_INFO,
      kind: 'device',
      argument: { before: '10000000000000000100000000000000', after: '10000000090000000100000001000000' },
      result: 0,
      decoded: {
        name: 'ioctl',
        arguments: ['3', 'VFIO_DEVICE_GET_IRQ_INFO', { before: { argsz: '16', index: 'VFIO_PCI_MSI_IRQ_INDEX' }, after: { flags: 'EVENTFD|NORESIZE', count: '1' } }],
        result: '0',
      },
    });
    const kept = folder.file('calls.json', `${out}\n`);
    expect(await run('trace', '--decode', kept)).toEqual({ code: 0, out: `${LINES.join('\n')}\n`, err: '' });
    expect(await run('trace', '--decode', kept, '--json')).toEqual({ code: 0, out, err: '' });
  });

  test.each([
    ['no JSON', '{"call":"close","fd":3,"result":0}\n{', /calls: line 2: .*JSON/],
    ['no call', '[1]', /calls: line 1: expected an object with a call$/],
    ['null', '\n\nnull', /calls: line 3: expected an object with a call$/],
  ])('%s in a file', (_, text, message) => {
    expect(() => decodeCommand(folder.file('calls', text), {}, { out: () => undefined, err: () => undefined, interactive: false })).toThrow(message);
  });

  test('a call that nobody knows is a line too', async () => {
    expect((await run('trace', '--decode', folder.file('odd', '{"call":"futex","fd":[]}\n{"call":"ioctl","fd":"x","request":{},"argument":{"before":"0"}}\n'))).out).toBe('futex(...) = ?\nioctl("x", object, NULL) = ?\n');
  });
});

describe('called wrongly', () => {
  test.each<[string[], number, string]>([
    [['trace'], 2, 'nothing to trace, or too much: name a program, or give --decode'],
    [['trace', 'a', '--decode', 'b'], 2, 'nothing to trace, or too much'],
    [['trace', 'a', '--bogus'], 2, "unknown option '--bogus'"],
    [['trace', 'no-such-file'], 1, 'no-such-file: no such file'],
    [['trace', folder.path], 1, 'is a directory'],
    [['trace', file, 'toaster'], 1, 'there is no device toaster; there are idio16, edu'],
    [['trace', '--decode', 'no-such-file'], 1, 'no-such-file: no such file'],
  ])('%j', async (argv, code, message) => {
    const ended = await run(...argv);
    expect([ended.code, ended.out]).toEqual([code, '']);
    expect(ended.err).toContain(message);
    expect(ended.err).toMatch(code === 2 ? /^error: .*\nTry --help\.\n$/ : /^maplebar: .*\n$/);
  });
});

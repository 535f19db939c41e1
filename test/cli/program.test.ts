// The command line as such: help, version, what is called wrongly, and files that are not what they should be.
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { textOf } from '../trace/recorded.ts';
import { Folder, dumps, lspci, run, trace } from './support.ts';

const folder = new Folder();
afterAll(() => folder.remove());

const good = folder.file('good.trace', '# a comment\nR M 4 fed00000 0 hpet\nW P 1 70 8f rtc\n');
const iomem = dumps('nvme')[1]!;
const [hex, verbose] = [lspci('nvme')[1]!, lspci('nvme')[3]!];

describe('help', () => {
  test.each([[['--help']], [['-h']], [['help']]])('%j is on stdout and names the commands', async (argv) => {
    const { code, out, err } = await run(...argv);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^Usage: maplebar /);
    expect(out).toMatch(/replay .*<trace>[^]*inspect [^]*trace /);
  });

  test.each(['replay', 'inspect', 'trace', 'serve'])('%s --help', async (command) => {
    const { code, out, err } = await run(command, '--help');
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(new RegExp(`^Usage: maplebar ${command} `));
    expect(await run('help', command)).toEqual({ code, out, err });
  });

  test.each(['--version', '-V'])('%s', async (option) => {
    expect(await run(option)).toEqual({ code: 0, out: '1.2.3\n', err: '' });
  });

  test('no command at all shows the help where errors go', async () => {
    const { code, out, err } = await run();
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^Usage: maplebar /);
  });
});

describe('called wrongly: exit code 2, one line of error and a hint', () => {
  test.each<[string[], string]>([
    [['bogus'], "unknown command 'bogus'"],
    [['--bogus'], "unknown option '--bogus'"],
    [['replay'], "missing required argument 'trace'"],
    [['replay', 'a', 'b'], 'too many arguments'],
    [['replay', 'a', '--bogus'], "unknown option '--bogus'"],
    [['replay', 'a', '--via', 'air'], 'Allowed choices are space, vfio'],
    [['replay', 'a', '--offsets', 'x'], 'Allowed choices are index, cookie, scattered'],
    [['replay', 'a', '--iomem'], 'argument missing'],
    [['replay', 'a', '--lspci', 'b', '--lspci', 'c', '--lspci', 'd'], 'It takes a -xxxx text and a -vv text, once each.'],
    [['inspect'], 'nothing to inspect: name a device, or give --lspci'],
    [['inspect', '--lspci', 'a', '--msix', 'x'], 'Allowed choices are mappable, sparse'],
  ])('%j', async (argv, message) => {
    const { code, out, err } = await run(...argv);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
    expect(err).toMatch(/^error: .*\nTry --help\.\n$/);
  });
});

describe('files that are not what they should be: exit code 1, one line with the file\'s name', () => {
  const text = textOf('nvme.lspci-xxxx');
  const packed = gzipSync(text);
  const cases: [string, string[], string][] = [
    ['a missing trace', ['replay', 'no-such-file'], 'no-such-file: no such file'],
    ['a folder as trace', ['replay', folder.path], `${folder.path}: is a directory`],
    ['a malformed line', ['replay', folder.file('bad.trace', 'R M 4 0 0 a\nR M 3 0 0 a\n')], 'bad.trace: access-trace: line 2: expected 1, 2, 4 or 8 as size (field 3) in "R M 3 0 0 a"'],
    ['the same, told by dumps', ['replay', folder.file('bad.trace', 'R M 4 0 0 a\nR M 3 0 0 a\n'), '--iomem', iomem], 'bad.trace: access-trace: line 2:'],
    ['a malformed line in a packed file', ['replay', folder.file('bad.gz', gzipSync(`R M 4 0 0 a\n`.repeat(1e5) + 'x\n'))], 'bad.gz: access-trace: line 100001:'],
    ['a malformed line before much else', ['replay', folder.file('early.gz', gzipSync(Buffer.concat([Buffer.from('x\n'), Buffer.from(Array.from({ length: 400_000 }, (_, i) => (i * 7919) >> 3))]))), '--no-timing'], 'early.gz: access-trace: line 1:'],
    ['a cut packed trace', ['replay', folder.file('cut.gz', gzipSync('R M 4 0 0 a\n'.repeat(9)).subarray(0, -9))], 'cut.gz: the gzip data ends in the middle'],
    ['a packed trace of two bytes', ['replay', folder.file('two.gz', new Uint8Array([0x1f, 0x8b]))], 'two.gz: the gzip data ends in the middle'],
    ['a damaged packed trace', ['replay', folder.file('garbage.gz', new Uint8Array([0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9]))], 'garbage.gz: the gzip data is damaged'],
    ['a missing iomem', ['replay', good, '--iomem', 'no-such-file'], 'no-such-file: no such file'],
    ['a folder as iomem', ['replay', good, '--iomem', folder.path], 'is a directory'],
    ['lspci text as iomem', ['replay', good, '--iomem', verbose], 'nvme.lspci-vv: iomem: line 1: expected "start-last : name"'],
    ['iomem text as lspci', ['inspect', '--lspci', iomem], 'nvme.iomem: lspci-verbose: line 1:'],
    ['a missing lspci text', ['inspect', '--lspci', 'no-such-file'], 'no-such-file: no such file'],
    ['an empty lspci text', ['inspect', '--lspci', folder.file('empty', '')], 'empty: is empty, no lspci text'],
    ['a cut packed lspci text', ['inspect', '--lspci', folder.file('cut-lspci', packed.subarray(0, 400))], 'cut-lspci: the gzip data ends in the middle'],
    ['a damaged packed lspci text', ['inspect', '--lspci', folder.file('damaged', packed.map((byte, i) => (i > 100 && i < 120 ? 0xff : byte)))], 'damaged: the gzip data is damaged'],
    ['a cut lspci text', ['inspect', '--lspci', folder.file('short', text.split('\n').slice(0, 4).join('\n'))], 'short: lspci-hex: line 1: expected 64, 256 or 4096 bytes after the headline'],
    ['two -xxxx texts', ['inspect', '--lspci', hex, '--lspci', hex], `--lspci takes one -xxxx text; ${hex} and ${hex} both are`],
    ['two -vv texts', ['replay', good, '--lspci', verbose, '--lspci', verbose], 'takes one -vv text'],
    ['-vv without -xxxx', ['inspect', '--lspci', verbose], 'lspci -vv has 00:00.0, but no lspci -xxxx text has its bytes'],
    ['texts of two machines', ['replay', good, '--lspci', hex, '--lspci', lspci('e1000e')[3]!], 'PciFunction 00:01.0: decodeBars: BAR 0'],
    ['only a bridge', ['inspect', '--lspci', folder.file('bridge', bridge('00:1c.0'))], '00:1c.0: a bridge, and this is for other functions'],
  ];
  test.each(cases)('%s', async (_, argv, message) => {
    const { code, out, err } = await run(...argv);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(message);
    expect(err).toMatch(/^maplebar: .*\n$/);
  });

  test('an lspci text may be packed too', async () => {
    expect(await run('inspect', '--lspci', folder.file('packed', packed))).toEqual(await run('inspect', '--lspci', hex));
  });
});

test('edited traces end with a table or with one line of error', async () => {
  const text = textOf('nvme.iomem').split('\n').map((_, i) => `${i % 2 === 0 ? 'R' : 'W'} ${i % 3 === 0 ? 'P' : 'M'} ${2 ** (i % 4)} fee0${i.toString(16)}00 ${i.toString(16)} name${i}`).join('\n');
  const edit = fc.record({ at: fc.nat(text.length - 1), cut: fc.nat(3), put: fc.constantFrom('', '0', 'ffffffffffffffff', '\n', ' ', '#', '\u0000', '\u{10ffff}', '8') });
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { maxLength: 3 }), fc.boolean(), async (edits, packs) => {
      const edited = edits.reduce((before, { at, cut, put }) => before.slice(0, at) + put + before.slice(at + cut), text);
      const { code, out, err } = await run('replay', folder.file('edited', packs ? gzipSync(edited) : edited), '--no-timing');
      expect(code === 0 ? err : out).toBe('');
      if (code === 0) expect(out).toMatch(/^region[^]* checksum [0-9a-f]{8}\n$/);
      else expect(err).toMatch(/^maplebar: .*edited: access-trace: line \d+: expected .*\n$/);
    }),
    { numRuns: 60 },
  );
});

/** The -xxxx text of a bridge. */
function bridge(slot: string): string {
  const rows = ['86 80 90 29 07 01 10 00 02 00 04 06 10 00 01 00', ...Array<string>(3).fill(Array(16).fill('00').join(' '))];
  return `${slot} PCI bridge: Intel\n${rows.map((row, i) => `${i}0: ${row}`).join('\n')}\n`;
}

test('a bridge among functions is left out with a note', async () => {
  const { code, out, err } = await run('inspect', '--lspci', folder.file('both', `${bridge('00:1c.0')}\n${textOf('nvme.lspci-xxxx')}`), '--lspci', folder.file('none', textOf('nvme.lspci-vv')));
  expect([code, err]).toEqual([0, expect.stringContaining('note: 00:1c.0 is a bridge: it is left out\n')]);
  expect(out.match(/^VFIO device /gm)).toHaveLength(5);
  expect((await run('replay', trace('nvme'), '--lspci', folder.file('both', `${bridge('00:1c.0')}\n${textOf('nvme.lspci-xxxx')}`), '--no-timing')).err).toContain('note: 00:1c.0 is a bridge');
});

// What the two commands print: the replay's table and document, and each function of the recorded machines as lspci and VFIO show it.
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from '@jest/globals';
import { ACCESSES, RECORDED, dumpsOf, fixture, textOf, traceText } from '../trace/recorded.ts';
import { Folder, dumps, lspci, run, trace } from './support.ts';

const folder = new Folder();
afterAll(() => folder.remove());

interface ReplayDocument {
  trace: string;
  via: string;
  offsets: string | null;
  accesses: number;
  reads: number;
  writes: number;
  matched: number;
  checksum: number;
  seconds: number;
  notes: string[];
  regions: { name: string; bus: string; start: string | null; size: string | null; reads: number; writes: number; widths: Record<string, number>; nsPerAccess: number | null }[];
}

const PLAIN = /^[\n\x20-\x7e]*$/;

describe('replay', () => {
  test.each(RECORDED)('%s as one JSON document', async (name) => {
    const { code, out, err } = await run('replay', trace(name), ...dumps(name), '--json', '--no-timing');
    expect([code, err]).toEqual([0, '']);
    const document = JSON.parse(out) as ReplayDocument;
    expect(document).toMatchObject({ trace: trace(name), via: 'space', offsets: null, accesses: ACCESSES[name], notes: [] });
    expect(document.reads + document.writes).toBe(document.accesses);
    expect(document.seconds).toBeGreaterThan(0);
    expect(document.regions.reduce((sum, { reads, writes }) => sum + reads + writes, 0)).toBe(document.accesses);
    expect(document.regions.find((region) => region.name === '00:01.0 BAR 0')).toMatchObject({ bus: 'memory', start: name === 'nvme' ? '0xfebf8000' : '0xfeb80000', size: name === 'nvme' ? '0x4000' : '0x20000', nsPerAccess: null });
    expect(document.regions.find((region) => region.name === 'unclaimed')).toMatchObject({ bus: 'ports', start: null, size: null });
  });

  test('through device files the same accesses, the same values', async () => {
    const path = folder.file('end.trace', traceText('nvme').split('\n').slice(-20_000).join('\n'));
    const documents = await Promise.all([[], ['--via', 'vfio', '--offsets', 'scattered']].map(async (options) => JSON.parse((await run('replay', path, ...dumps('nvme'), '--json', '--no-timing', ...options)).out) as ReplayDocument));
    expect(documents[0]!.accesses).toBeGreaterThan(19_990);
    expect(documents[1]).toEqual({ ...documents[0], via: 'vfio', offsets: 'scattered', seconds: documents[1]!.seconds });
  });

  test('the table: plain text with a row per region, a total, a summary', async () => {
    const { code, out, err } = await run('replay', trace('e1000e'), ...dumps('e1000e'), '--no-timing');
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(PLAIN);
    const lines = out.split('\n');
    expect(lines[0]).toBe('region            bus     addresses           reads  writes  width:count             reads as recorded  ns/access');
    expect(lines[1]).toMatch(/^port61 {12}ports {3}0061-0061 {10}44,807 {7}4 {2}1:44,811 +2 \(0\.0 %\)$/);
    expect(out).toMatch(/^00:01\.0 BAR 0 {5}memory {2}feb80000-feb9ffff {3}1,707 {3}3,666 {2}4:5,373 /m);
    expect(out).toMatch(/^total +81,958 {2}75,928 /m);
    expect(lines.at(-2)).toMatch(/^157,886 accesses of .*e1000e\.trace\.gz replayed by guest address in \d+\.\d\d s; values read have checksum [0-9a-f]{8}$/);
  });

  test('with timing every row has ns per access', async () => {
    const path = folder.file('few.trace', 'R P 1 71 0 rtc\nW M 4 fed00000 1 hpet\nR M 8 fed00000 1 hpet\n');
    const { out } = await run('replay', path, '--json');
    const { accesses, matched, regions } = JSON.parse(out) as ReplayDocument;
    expect([accesses, matched]).toEqual([3, 2]);
    expect(regions.map(({ name }) => name)).toEqual(['hpet', 'rtc']);
    for (const { nsPerAccess } of regions) expect(nsPerAccess).toBeGreaterThan(0);
    expect((await run('replay', path)).out).toMatch(/^rtc +ports +0071-0071 +1 +0 +1:1 +1 \(100 %\) +\d+$/m);
  });

  test('a trace of comments is no accesses', async () => {
    const { code, out } = await run('replay', folder.file('comments.trace', '# nothing\n'), '--json');
    expect([code, JSON.parse(out)]).toEqual([0, expect.objectContaining({ accesses: 0, regions: [] })]);
  });

  test.each<[string, string | Uint8Array]>([['no bytes', ''], ['no bytes, zipped', gzipSync('')]])('a file of %s is refused by its name, whatever it was to be', async (_what, contents) => {
    const path = folder.file('empty', contents);
    for (const more of [[], ['--iomem', folder.file('iomem', '')], ['--json']]) expect(await run('replay', path, ...more)).toMatchObject({ code: 1, out: '', err: `maplebar: ${path}: is empty: neither a trace nor a session\n` });
  });

  test('notes are in the document, or behind the table where errors go', async () => {
    const argv = ['replay', folder.file('few.trace', 'R P 1 71 0 rtc\n'), '--lspci', fixture('nvme.lspci-xxxx')];
    const json = await run(...argv, '--json');
    expect(json.err).toBe('');
    expect((JSON.parse(json.out) as ReplayDocument).notes).toHaveLength(5);
    const table = await run(...argv);
    expect(table.out).not.toContain('note');
    expect(table.err).toMatch(/^(note: 00:.*no lspci -vv text.*\n){5}$/);
  });
});

describe('inspect', () => {
  test.each(RECORDED)('%s: every function as its dump has it, and as a VFIO device', async (name) => {
    const { code, out, err } = await run('inspect', ...lspci(name));
    expect([code, err]).toEqual([0, '']);
    expect(out.replaceAll('\t', ' ')).toMatch(PLAIN);
    for (const text of textOf(`${name}.lspci-vv`).trimEnd().split('\n\n')) expect(out).toContain(`${text}\n\nVFIO device 0000:${text.slice(0, 7)}: `);
    for (const { slot } of dumpsOf(name).lspciHex) {
      const one = await run('inspect', ...lspci(name), '--slot', slot);
      expect(one.code).toBe(0);
      expect(out).toContain(one.out);
    }
  });

  test('--slot with its domain, and in capitals', async () => {
    const expected = await run('inspect', ...lspci('nvme'), '--slot', '00:1f.2');
    expect(await run('inspect', ...lspci('nvme'), '--slot', '0000:00:1f.2')).toEqual(expected);
    expect(await run('inspect', ...lspci('nvme'), '--slot', '00:1F.2')).toEqual(expected);
  });

  test.each(['00:02.0', '1', ''])('--slot %j, which is not there', async (slot) => {
    expect(await run('inspect', ...lspci('nvme'), '--slot', slot)).toEqual({ code: 1, out: '', err: `maplebar: no function ${slot} in the dump; it has 00:00.0, 00:01.0, 00:1f.0, 00:1f.2, 00:1f.3\n` });
  });

  test('--offsets: computed, packed, scattered', async () => {
    const offsets = async (mode: string): Promise<Record<string, string>> => {
      const { out } = await run('inspect', ...lspci('e1000e'), '--slot', '00:01.0', '--offsets', mode, '--json');
      const [one] = JSON.parse(out) as [{ regions: { name: string; offset: string }[] }];
      return Object.fromEntries(one.regions.map(({ name, offset }) => [name, offset]));
    };
    expect(await offsets('index')).toMatchObject({ 'BAR 0': '0x0', 'BAR 3': '0x30000000000', 'CONFIG': '0x70000000000' });
    expect(await offsets('cookie')).toMatchObject({ 'BAR 0': '0x20000', 'BAR 1': '0x40000', 'BAR 2': '0x1000', 'BAR 4': '0x0' });
    const scattered = await offsets('scattered');
    expect(scattered).toEqual(await offsets('scattered'));
    expect(scattered['BAR 0']).not.toBe('0x0');
  });

  test('--msix: the table\'s place in what may be mapped', async () => {
    const argv = ['inspect', ...lspci('nvme'), '--slot', '00:01.0'];
    const mappable = (await run(...argv)).out;
    expect(mappable).toMatch(/BAR 0 +16K +0x0 +READ WRITE MMAP CAPS +MSIX_MAPPABLE$/m);
    expect(mappable).not.toContain('cannot be mapped');
    const sparse = (await run(...argv, '--msix', 'sparse')).out;
    expect(sparse).toContain('SPARSE_MMAP 0x0+0x2000 0x3000+0x1000');
    expect(sparse).toContain('  BAR 0: 0x2000+0x410 cannot be mapped: msix-table\n  BAR 0: 0x2410+0xbf0 cannot be mapped: msix-page\n');
  });

  test('--json: one document, an entry per function', async () => {
    const { code, out, err } = await run('inspect', ...lspci('nvme'), '--json');
    expect([code, err]).toEqual([0, '']);
    const all = JSON.parse(out) as { slot: string; device: string; lspci: string; flags: string[]; regions: unknown[]; irqs: { name: string; count: number }[] }[];
    expect(all.map(({ slot }) => slot)).toEqual(['00:00.0', '00:01.0', '00:1f.0', '00:1f.2', '00:1f.3']);
    expect(all[1]).toMatchObject({ device: '0000:00:01.0', flags: ['RESET', 'PCI'] });
    expect(all[1]!.regions[0]).toEqual({ index: 0, name: 'BAR 0', flags: ['READ', 'WRITE', 'MMAP', 'CAPS'], size: '0x4000', offset: '0x0', capabilities: [{ kind: 'MSIX_MAPPABLE' }], areas: [{ offset: '0x0', size: '0x4000' }], holes: [] });
    expect(all[1]!.irqs.map(({ name, count }) => `${name} ${count}`)).toEqual(['INTx 1', 'MSI 0', 'MSI-X 65', 'ERR 1', 'REQ 1']);
  });

  test('bytes alone: ids for names, no BARs, and a note that says why', async () => {
    const { code, out, err } = await run('inspect', '--lspci', fixture('e1000e.lspci-xxxx'), '--slot', '00:01.0');
    expect([code, err]).toEqual([0, 'note: without lspci -vv text the sizes of BARs are unknown, and they are left out\n']);
    expect(out).toContain('00:01.0 Class [0200]: Device [8086:10d3]\n');
    expect(out).not.toMatch(/^ +0 +BAR 0/m);
  });
});

// `maplebar inspect DEVICE`: the devices of the package, placed as firmware places them, as text, as a document, and as a dump.
import { describe, expect, test } from '@jest/globals';
import { DEVICE_NAMES } from '../../src/cli/reference-devices.ts';
import { parseLspciHex } from '../../src/trace/index.ts';
import { lspci, run } from './support.ts';

describe('inspect DEVICE', () => {
  test.each(DEVICE_NAMES)('%s: an lspci text with decoded BARs, what VFIO says, its registers', async (name) => {
    const { code, out, err } = await run('inspect', name, '--registers');
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^00:01\.0 \S.* \[[0-9a-f]{4}\]: .* \[[0-9a-f]{4}:[0-9a-f]{4}\]/);
    expect(out).toMatch(/^\tControl: I\/O\+ Mem\+ BusMaster\+ /m);
    expect(out).toMatch(/^\tRegion \d: .* \[size=\w+\]$/m);
    expect(out).not.toMatch(/unassigned|disabled|<\?>|undefined|NaN/);
    expect(out).toMatch(/^VFIO device 0000:00:01\.0: /m);
    expect(out).toMatch(/^Registers of BAR \d \(/m);
  });

  test.each(DEVICE_NAMES)('%s as one JSON document', async (name) => {
    const { code, out } = await run('inspect', name, '--json', '--registers');
    expect(code).toBe(0);
    const [document] = JSON.parse(out) as [{ name: string; slot: string; registers: Record<string, unknown> }];
    expect(document).toMatchObject({ name, slot: '00:01.0' });
    expect(Object.keys(document.registers).length).toBeGreaterThan(0);
  });

  test.each(DEVICE_NAMES)('%s as a dump that can be read again', async (name) => {
    const { code, out } = await run('inspect', name, '--hex');
    expect(code).toBe(0);
    expect(parseLspciHex(out)).toMatchObject([{ slot: '00:01.0' }]);
  });

  test('several devices and a dump in one go', async () => {
    const { out } = await run('inspect', 'edu', 'edu', ...lspci('nvme'), '--slot', '00:01.0', '--hex');
    expect(parseLspciHex(out).map(({ bytes }) => bytes[0])).toEqual([0x34, 0x34, 0x36]);
  });

  test.each([
    [['inspect'], 2, 'nothing to inspect: name a device, or give --lspci'],
    [['inspect', 'toaster'], 1, 'there is no device toaster; there are '],
    [['inspect', 'edu', '--slot', '00:01.0'], 2, '--slot chooses from a dump: it needs --lspci'],
    [['inspect', 'edu', '--planes', 'region'], 2, '--planes is for a display: name bochs-display'],
    [['inspect', 'edu', '--uapi', 'v6.15'], 2, 'Allowed choices are v6.14, v7.2'],
    [['inspect', 'edu', '--hex', '--json'], 2, "option '--hex' cannot be used with option '--json'"],
  ])('%j ends with %i', async (argv, code, message) => {
    const ended = await run(...argv);
    expect(ended.code).toBe(code);
    expect(ended.err).toContain(message);
  });
});

describe('features', () => {
  const rows = (out: string): string[] => out.slice(out.indexOf('  index  feature')).trimEnd().split('\n');

  test('of a device that can be migrated: what a probe tells, and what GET says', async () => {
    expect(rows((await run('inspect', 'mtty')).out)).toEqual([
      '  index  feature                      methods    says',
      '  0      PCI_VF_TOKEN                 none',
      '  1      MIGRATION                    GET+ SET-  STOP_COPY P2P PRE_COPY',
      '  2      MIG_DEVICE_STATE             GET+ SET+  RUNNING',
      '  3      LOW_POWER_ENTRY              GET- SET+',
      '  4      LOW_POWER_ENTRY_WITH_WAKEUP  GET- SET+',
      '  5      LOW_POWER_EXIT               GET- SET+',
      '  6      DMA_LOGGING_START            GET- SET+',
      '  7      DMA_LOGGING_STOP             GET- SET+',
      '  8      DMA_LOGGING_REPORT           GET+ SET-',
      '  9      MIG_DATA_SIZE                GET+ SET-  96 bytes',
      '  10     BUS_MASTER                   none',
    ]);
  });

  test('--uapi v7.2: two more, of which a device that cannot be migrated refuses one', async () => {
    const [before, after] = await Promise.all(['v6.14', 'v7.2'].map(async (uapi) => rows((await run('inspect', 'edu', '--uapi', uapi)).out)));
    expect(before).toEqual(rows((await run('inspect', 'edu')).out));
    expect(after).toEqual([...before!, '  11     DMA_BUF                      GET+ SET-', '  12     MIG_PRECOPY_INFOv2           none       EINVAL']);
    expect(rows((await run('inspect', 'mtty', '--uapi', 'v7.2')).out).at(-1)).toBe('  12     MIG_PRECOPY_INFOv2           GET- SET+');
    expect((await run('help', 'inspect')).out).toMatch(/--uapi <release> .*DMA_BUF/);
  });

  test.each(['region', 'dma-buf'])('--planes %s: the display says how it hands out its picture', async (kind) => {
    const { code, out } = await run('inspect', 'bochs-display', 'edu', '--planes', kind);
    expect([code, out.match(/^ {2}Display: .*$/gm)]).toEqual([0, [`  Display: planes of kind ${kind}`]]);
    const documents = JSON.parse((await run('inspect', 'bochs-display', 'edu', '--planes', kind, '--json')).out) as { planes: unknown }[];
    expect(documents.map(({ planes }) => planes)).toEqual([[kind], []]);
  });

  test('of a device that cannot: low power alone', async () => {
    const there = rows((await run('inspect', 'edu')).out).filter((row) => /GET[+-]/.test(row));
    expect(there.map((row) => row.split(/ +/)[2])).toEqual(['LOW_POWER_ENTRY', 'LOW_POWER_ENTRY_WITH_WAKEUP', 'LOW_POWER_EXIT']);
  });

  test('--json has the same, and the capabilities of the device', async () => {
    const [document] = JSON.parse((await run('inspect', 'mtty', '--json')).out) as [{ capabilities: unknown[]; features: { index: number }[] }];
    expect(document.capabilities).toEqual([]);
    expect(document.features.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(document.features[2]).toEqual({ index: 2, name: 'MIG_DEVICE_STATE', present: true, get: true, set: true, says: 'RUNNING' });
    expect(document.features[0]).toEqual({ index: 0, name: 'PCI_VF_TOKEN', present: false, get: false, set: false, says: '' });
  });
});

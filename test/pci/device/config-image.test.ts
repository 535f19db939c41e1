// Configuration space from a description: what lspci and the walkers find in it, and descriptions that cannot be.
import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { PCI_EXT_CAP_ID, capability, decodeMsix, pciDevice, walkCapabilities, walkExtendedCapabilities } from '../../../src/pci/index.ts';
import type { CapabilityImage, PciDeviceDescription } from '../../../src/pci/index.ts';

const identity = { id: [0x1de5, 0x0001], class: 0x088000 } as const;
const make = (more: Partial<PciDeviceDescription> = {}) => pciDevice(createEngine(), { ...identity, ...more });

const ALL: readonly CapabilityImage[] = [
  capability.powerManagement({ d1: true }),
  capability.msi({ vectors: 4, masks: true }),
  capability.msix({ vectors: 8, table: { bar: 0, offset: 0x2000 }, pending: { bar: 0, offset: 0x3000 } }),
  capability.express(),
  capability.vendorSpecific(new Uint8Array([1, 2, 3])),
  capability.advancedErrorReporting(),
  capability.serialNumber(0x0011_2233_4455_6677n),
  capability.accessControl(0x1d),
  capability.addressTranslation(),
  capability.singleRootIoVirtualization({ totalFunctions: 8, deviceId: 0x0002 }),
  capability.resizableBars([{ bar: 0, sizes: [2 ** 20, 2 ** 28], size: 2 ** 20 }]),
];

describe('the bytes of a description', () => {
  test('identity lies where the header has it', () => {
    const one = make({ subsystem: [0x1af4, 0x1100], revision: 0x5a, pin: 'C' }).function;
    expect([one.peek(0x00), one.peek(0x08), one.peek(0x2c), one.peek(0x3d, 1)]).toEqual([0x0001_1de5, 0x0880_005a, 0x1100_1af4, 3]);
    expect(one.readConfig()).toHaveLength(256);
  });

  test('BARs have their type bits, their sizes, and no address', () => {
    const one = make({ bars: { 0: { memory: 0x1001 }, 1: { memory: 8, kind: 'io' }, 2: { memory: 2 ** 33, kind: 'mem64', prefetchable: true }, 4: { memory: 4, size: 0x100 } } }).function;
    expect([0x10, 0x14, 0x18, 0x1c, 0x20].map((at) => one.peek(at))).toEqual([0, 1, 0xc, 0, 0]);
    expect(one.bars.map(({ index, size }) => [index, size])).toEqual([[0, 0x2000n], [1, 8n], [2, 2n ** 33n], [4, 0x100n]]);
  });

  test('capabilities are linked in the order given, extended ones from 0x100 on', () => {
    const one = make({ bars: { 0: { memory: 0x4000 } }, capabilities: ALL }).function;
    const config = one.readConfig();
    expect(config).toHaveLength(4096);
    const standard = walkCapabilities(config);
    const extended = walkExtendedCapabilities(config);
    expect([standard.findings, extended.findings]).toEqual([[], []]);
    expect(standard.capabilities.map(({ id }) => id)).toEqual([1, 5, 0x11, 0x10, 9]);
    expect(extended.capabilities.map(({ id, offset }) => [id, offset])).toEqual([
      [PCI_EXT_CAP_ID.ERR, 0x100], [PCI_EXT_CAP_ID.DSN, 0x148], [PCI_EXT_CAP_ID.ACS, 0x154], [PCI_EXT_CAP_ID.ATS, 0x15c], [PCI_EXT_CAP_ID.SRIOV, 0x164], [PCI_EXT_CAP_ID.REBAR, 0x1a4],
    ]);
    expect(decodeMsix(config)).toMatchObject({ tableBar: 0, tableOffset: 0x2000, pbaBar: 0, pbaOffset: 0x3000, count: 8 });
  });

  test('what they say, lspci prints', () => {
    const text = make({ bars: { 0: { memory: 0x4000 } }, capabilities: ALL }).function.lspci();
    for (const line of [
      'Power Management version 3', 'MSI: Enable- Count=1/4 Maskable+ 64bit+', 'MSI-X: Enable- Count=8 Masked-', 'Express (v2) Endpoint, MSI 00', 'FLReset+',
      'Speed 2.5GT/s, Width x1', 'Vendor Specific Information: Len=06', 'Advanced Error Reporting', 'Device Serial Number 00-11-22-33-44-55-66-77', 'Access Control Services',
      'Address Translation Service', 'Single Root I/O Virtualization',
    ]) expect(text).toContain(line);
  });

  test('a capability may ask where it lies; the next one follows it', () => {
    const one = make({ capabilities: [capability.powerManagement({ at: 0x80 }), capability.msi(), capability.vendorSpecific(new Uint8Array(1), { at: 0x40 })] }).function;
    expect(walkCapabilities(one.readConfig()).capabilities.map(({ id, offset }) => [id, offset])).toEqual([[1, 0x80], [5, 0x88], [9, 0x40]]);
  });

  test('a device of PCI Express starts as its specification says: after a reset device control is as at power-on', () => {
    const { function: one } = make({ capabilities: [capability.express(), capability.advancedErrorReporting()] });
    const before = one.readConfig();
    one.resetToPowerOn();
    expect(one.readConfig()).toEqual(before);
    expect(one.peek(0x48, 2)).toBe(0x2810);
  });
});

describe('a description that cannot be is refused, and says why', () => {
  test.each<[string, Partial<PciDeviceDescription>, string]>([
    ['a class of 25 bits', { class: 0x100_0000 }, 'pciDevice 00:00.0: class is 16777216'],
    ['a vendor of 17 bits', { id: [0x1_0000, 0] }, 'pciDevice 00:00.0: id[0] is 65536'],
    ['a pin E', { pin: 'E' as 'A' }, `pciDevice 00:00.0: pin is "E"; expected 'A', 'B', 'C' or 'D'`],
    ['BAR 6', { bars: { 6: { memory: 16 } } as never }, 'there is no BAR 6; expected 0 to 5'],
    ['a BAR whose size is no power of two', { bars: { 0: { memory: 16, size: 24 } } }, 'has size 24, not a power of two'],
    ['a BAR smaller than its contents', { bars: { 0: { memory: 0x2000, size: 0x1000 } } }, 'size is 0x1000, and the contents have 0x2000 bytes'],
    ['a 64-bit BAR 5', { bars: { 5: { memory: 16, kind: 'mem64' } } }, 'a 64-bit BAR whose upper half would be register 6'],
    ['a BAR in the upper half of another', { bars: { 0: { memory: 16, kind: 'mem64' }, 1: { memory: 16 } } }, 'BAR 1 is the upper half of 64-bit BAR 0'],
    ['a 32-bit BAR of 4 GiB', { bars: { 0: { memory: 2 ** 32 } } }, 'has size 4294967296, outside 16..2147483648'],
    ['MSI-X outside of its BAR', { bars: { 0: { memory: 0x1000 } }, capabilities: [capability.msix({ vectors: 256, table: { bar: 0, offset: 8 }, pending: { bar: 0, offset: 0 } })] }, 'pass the end of BAR 0'],
    ['MSI-X pending bits in the table', { bars: { 0: { memory: 0x1000 } }, capabilities: [capability.msix({ vectors: 4, table: { bar: 0, offset: 0 }, pending: { bar: 0, offset: 32 } })] }, 'lie in the table'],
    ['MSI-X in a BAR of ports', { bars: { 0: { memory: 0x100, kind: 'io' } }, capabilities: [capability.msix({ vectors: 1, table: { bar: 0, offset: 0 }, pending: { bar: 0, offset: 32 } })] }, 'which is of I/O ports'],
    ['capabilities over each other', { capabilities: [capability.msi({ at: 0x40 }), capability.powerManagement({ at: 0x48 })] }, 'capability 0x01 at 0x48 lies over capability 0x05 at 0x40'],
    ['a capability in the header', { capabilities: [capability.msi({ at: 0x3c })] }, 'do not lie at a multiple of 4 in 0x40..0xff'],
    ['a capability beyond the end', { capabilities: [capability.msi({ at: 0xf8 })] }, 'do not lie at a multiple of 4 in 0x40..0xff'],
    ['an extended list that begins late', { capabilities: [capability.serialNumber(1, { at: 0x200 })] }, 'the list begins at 0x100'],
    ['a BAR of nothing', { bars: { 0: undefined } as never }, 'pciDevice 00:00.0 BAR 0 is undefined; expected a register map, registerBar(map), { memory }, or { size, read, write }'],
    ['a BAR that is a string', { bars: { 2: '4K' } as never }, 'pciDevice 00:00.0 BAR 2 is 4K; expected a register map'],
    ['a BAR of no contents', { bars: { 0: {} } as never }, 'pciDevice 00:00.0 BAR 0 has neither registers, memory nor a size'],
    ['registers that are no map', { bars: { 0: { registers: 'ID' } } as never }, 'pciDevice 00:00.0 BAR 0: registers are no register map'],
    ['memory of -1 bytes', { bars: { 0: { memory: -1 } } }, 'pciDevice 00:00.0 BAR 0: memory'],
    ['a BAR of an unknown kind', { bars: { 0: { memory: 16, kind: 'mmio' as 'io' } } }, `kind is "mmio"; expected 'io', 'mem32' or 'mem64'`],
    ['ports that are prefetchable', { bars: { 0: { memory: 16, kind: 'io', prefetchable: true } } }, 'pciDevice 00:00.0 BAR 0: a BAR of ports cannot be prefetchable'],
    ['a capability by name', { capabilities: ['msi' as never] }, 'pciDevice 00:00.0: "msi" is no capability; expected what the functions of `capability` answer'],
    ['a ROM of no bytes', { rom: new Uint8Array(0) }, "the ROM's image has 0 bytes"],
  ])('%s', (_, more, message) => {
    const engine = createEngine();
    expect(() => pciDevice(engine, { ...identity, ...more })).toThrow(message);
    expect(engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  });

  test.each<[string, () => unknown, string]>([
    ['3 MSI vectors', () => capability.msi({ vectors: 3 }), 'msi: vectors is 3; expected 1, 2, 4, 8, 16 or 32'],
    ['2049 MSI-X vectors', () => capability.msix({ vectors: 2049, table: { bar: 0, offset: 0 }, pending: { bar: 0, offset: 0 } }), 'msix: vectors is 2049'],
    ['an MSI-X table at 4', () => capability.msix({ vectors: 1, table: { bar: 0, offset: 4 }, pending: { bar: 0, offset: 0 } }), 'expected a multiple of 8'],
    ['a BAR that is resized to 3 MiB', () => capability.resizableBars([{ bar: 0, sizes: [3 << 20], size: 1 << 20 }]), 'size is 3145728; expected a power of two'],
    ['no engine', () => pciDevice({} as never, identity), 'pciDevice: the engine is a object'],
    ['no host', () => pciDevice(createEngine(), identity, null as never), 'pciDevice: the host is a object'],
    ['no description', () => pciDevice(createEngine(), undefined as never), 'pciDevice: the description is a undefined'],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message);
  });
});

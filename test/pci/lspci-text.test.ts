// What formatLspci prints from recorded configuration spaces, against what lspci printed of the same functions.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type LspciInput, formatLspci } from '../../src/pci/index.ts';
import { type LspciFunction, parseLspciHex, parseLspciVerbose } from '../../src/trace/index.ts';

const fixture = (name: string) => readFileSync(join(__dirname, `../fixtures/traces/${name}`), 'utf8');

/** What -xxxx lacks, taken from the parsed -vv: names, sizes, the routed interrupt, the driver. Nothing that the bytes tell. */
function inputOf(seen: LspciFunction, config: Uint8Array): LspciInput {
  const bars = [0, 0, 0, 0, 0, 0].map((none, index) => seen.regions.find((region) => region.index === index)?.size ?? none);
  return {
    slot: seen.slot,
    config,
    sizes: { bars, rom: seen.rom?.size ?? 0 },
    names: {
      class: seen.headline.className,
      device: seen.headline.device.name,
      ...(seen.headline.progIf?.name !== undefined && { progIf: seen.headline.progIf.name }),
      ...(seen.subsystem !== undefined && { subsystem: seen.subsystem.name }),
    },
    ...(seen.irq !== undefined && { irq: seen.irq }),
    ...(seen.kernelDriver !== undefined && { driver: seen.kernelDriver }),
  };
}

const machines = ['nvme', 'e1000e'].map((name) => ({
  name,
  text: fixture(`${name}.lspci-vv`),
  seen: parseLspciVerbose(fixture(`${name}.lspci-vv`)),
  dump: parseLspciHex(fixture(`${name}.lspci-xxxx`)),
}));

/** A 4096-byte function of type 0 with the given bytes put in. */
function configWith(parts: Record<number, number[]>): Uint8Array {
  const config = new Uint8Array(4096);
  config.set([0x86, 0x80, 0x10, 0x15, 0, 0, 0x10, 0]);
  for (const [offset, bytes] of Object.entries(parts)) config.set(bytes, Number(offset));
  return config;
}

/** The lines of the capabilities, from a function that holds only them. */
const capabilitiesOf = (config: Uint8Array, sizes = {}) =>
  formatLspci({ slot: '00:02.0', config, sizes }).split('\n').filter((line) => line.startsWith('\tCap') || line.startsWith('\t\t'));

describe('the recorded functions, byte for byte', () => {
  const cases = machines.flatMap(({ name, seen, dump, text }) =>
    seen.map((each, index) => ({ title: `${name} ${each.slot} ${each.headline.className}`, each, hex: dump[index]!, want: text.split('\n\n')[index]! })),
  );

  test('there are five on each machine', () => {
    expect(cases).toHaveLength(10);
  });

  test.each(cases)('$title', ({ each, hex, want }) => {
    expect(hex.slot).toBe(each.slot);
    expect(formatLspci(inputOf(each, hex.bytes)).trimEnd()).toBe(want.trimEnd());
  });

  test.each(machines)('all of $name in one text', ({ seen, dump, text }) => {
    expect(seen.map((each, index) => formatLspci(inputOf(each, dump[index]!.bytes))).join('\n')).toBe(text);
  });

  const capabilities = machines.flatMap(({ name, seen, dump }) =>
    seen.flatMap((each, index) => each.capabilities.map((capability) => ({ title: `${name} ${each.slot} [${capability.offset.toString(16)}] ${capability.name}`, capability, hex: dump[index]! }))),
  );

  test('the dumps have thirteen capabilities of seven kinds', () => {
    expect(capabilities).toHaveLength(13);
    expect(new Set(capabilities.map(({ capability }) => capability.name)).size).toBe(7);
  });

  test.each(capabilities)('$title', ({ capability, hex }) => {
    const text = formatLspci({ slot: hex.slot, config: hex.bytes });
    const bracket = capability.version === undefined ? capability.offset.toString(16) : `${capability.offset.toString(16)} v${capability.version}`;
    expect(text).toContain(`\tCapabilities: [${bracket}] ${[capability.headline, ...capability.lines].join('\n')}\n`);
  });

  // Were the text taken from anywhere but the bytes, some flip would leave it as it was. Reserved bits are not in these ranges.
  test.each<[string, number, number, number, number]>([
    ['vendor, device', 0, 1, 0, 4],
    ['control', 0, 1, 4, 5],
    ['class, prog-if, revision', 0, 1, 8, 12],
    ['subsystem', 0, 1, 0x2c, 0x30],
    ['MSI-X vectors', 0, 1, 0x42, 0x43],
    ['MSI-X table and PBA', 0, 1, 0x44, 0x4c],
    ['PM states', 0, 1, 0x63, 0x64],
    ['Express DevSta', 0, 1, 0x88, 0x89],
    ['MSI address and data', 0, 3, 0x84, 0x8e],
    ['AER log', 1, 1, 0x11c, 0x12c],
    ['serial number', 1, 1, 0x144, 0x14c],
  ])('%s: every flipped bit shows', (_, machine, index, from, to) => {
    const { slot, bytes } = machines[machine]!.dump[index]!;
    const before = formatLspci({ slot, config: bytes });
    for (let bit = from * 8; bit < to * 8; bit++) {
      const config = bytes.slice();
      config[bit >> 3]! ^= 1 << (bit & 7);
      expect({ bit, changed: formatLspci({ slot, config }) !== before }).toEqual({ bit, changed: true });
    }
  });
});

describe('what the recordings do not have', () => {
  test('unknown names print as lspci prints unknown ids', () => {
    const [first] = formatLspci({ slot: '0000:00:01.0', config: machines[0]!.dump[1]!.bytes }).split('\n');
    expect(first).toBe('0000:00:01.0 Class [0108]: Device [1b36:0010] (rev 02) (prog-if 02)');
  });

  test('64 bytes are what a user who is not root sees', () => {
    const text = formatLspci({ slot: '00:01.0', config: machines[0]!.dump[1]!.bytes.slice(0, 64) });
    expect(text).toContain('\tCapabilities: <access denied>\n');
  });

  test('a slot, a node, a group, modules, latencies, a self test', () => {
    const config = configWith({ 4: [4], 12: [16, 64], 15: [0x80 | 5], 0x3c: [255, 2, 8, 4] });
    const text = formatLspci({
      slot: '00:02.0', config, physicalSlot: '7', numaNode: 1, iommuGroup: '12', modules: ['a', 'b'], sizes: { bars: [0, 0, 0, 0, 0, 0] },
    });
    expect(text).toBe(
      '00:02.0 Class [0000]: Device [8086:1510]\n\tPhysical Slot: 7\n' +
        '\tControl: I/O- Mem- BusMaster+ SpecCycle- MemWINV- VGASnoop- ParErr- Stepping- SERR- FastB2B- DisINTx-\n' +
        '\tStatus: Cap+ 66MHz- UDF- FastB2B- ParErr- DEVSEL=fast >TAbort- <TAbort- <MAbort- >SERR- <PERR- INTx-\n' +
        '\tLatency: 64 (2000ns min, 1000ns max), Cache Line Size: 64 bytes\n\tInterrupt: pin B routed to IRQ 255\n' +
        '\tNUMA node: 1\n\tIOMMU group: 12\n\tBIST result: 05\n\tKernel modules: a, b\n',
    );
  });

  test('disabled, unassigned, prefetchable, 64-bit regions and an enabled ROM', () => {
    const config = configWith({ 0x10: [0x0c, 0, 0, 0xe0, 0x2f, 0, 0, 0], 0x18: [0, 0, 0, 0], 0x1c: [1, 0xe0, 0, 0], 0x30: [1, 0, 0xb4, 0xfe] });
    const text = formatLspci({ slot: '00:02.0', config, sizes: { bars: [1 << 28, 0, 4096, 8, 0, 0], rom: 2048 } });
    expect(text).toContain('\tRegion 0: Memory at 2fe0000000 (64-bit, prefetchable) [disabled] [size=256M]\n');
    expect(text).toContain('\tRegion 2: Memory at <unassigned> (32-bit, non-prefetchable) [disabled] [size=4K]\n');
    expect(text).toContain('\tRegion 3: I/O ports at e000 [disabled] [size=8]\n');
    expect(text).toContain('\tExpansion ROM at feb40000 [disabled by cmd] [size=2K]\n');
  });

  test.each<[string, number[], string[]]>([
    ['32-bit maskable MSI', [0x05, 0, 0x14, 0x01, 0, 0x10, 0xe0, 0xfe, 0x28, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0],
      ['MSI: Enable- Count=2/4 Maskable+ 64bit-', '\t\tAddress: fee01000  Data: 0028', '\t\tMasking: 00000001  Pending: 00000002']],
    ['AF', [0x13, 0, 6, 3, 1, 0], ['PCI Advanced Features', '\t\tAFCap: TP+ FLR+', '\t\tAFCtrl: FLR+', '\t\tAFStatus: TP-']],
    ['vendor specific', [0x09, 0, 0x14, 0], ['Vendor Specific Information: Len=14 <?>']],
    ['VPD', [0x03, 0, 0, 0], ['Vital Product Data <?>']],
    ['SATA in configuration space', [0x12, 0, 0x10, 0, 0x0f, 0, 0, 0], ['SATA HBA v1.0 InCfgSpace']],
    ['debug port', [0x0a, 0, 0xa0, 0x20], ['Debug port: BAR=1 offset=00a0']],
    ['EA', [0x14, 0, 2, 0], ['Enhanced Allocation (EA): NumEntries=2 <?>']],
    ['subsystem', [0x0d, 0, 0, 0, 0x86, 0x80, 1, 0], ['Subsystem: Device [8086:0001]']],
    ['an unknown id', [0x7b, 0, 0x34, 0x12], ['Capability ID 0x7b [1234]']],
  ])('%s', (_, bytes, want) => {
    expect(capabilitiesOf(configWith({ 0x34: [0x40], 0x40: bytes }))).toEqual([`\tCapabilities: [40] ${want[0]!}`, ...want.slice(1)]);
  });

  test('a virtio structure', () => {
    const config = configWith({ 0: [0xf4, 0x1a, 0x41, 0x10], 0x34: [0x40], 0x40: [9, 0, 20, 2, 4, 0, 0, 0, 0, 0x30, 0, 0, 0, 0x10, 0, 0, 4] });
    expect(capabilitiesOf(config)).toEqual([
      '\tCapabilities: [40] Vendor Specific Information: VirtIO: Notify', '\t\tBAR=4 offset=00003000 size=00001000 multiplier=00000004',
    ]);
  });

  const EXPRESS_ENDPOINT = [
    0x10, 0, 0x02, 0x00, 0xc2, 0x8f, 0x2c, 0x11, 0x10, 0x29, 0, 0, // DevCap 0x112c8fc2: 512 bytes, 75 W, FLReset
    0x43, 0xfc, 0x43, 0x00, 0x43, 0, 0x42, 0x10, // LnkCap 0x0043fc43, LnkCtl 0x43, LnkSta 0x1042: 5GT/s x4
  ];

  test('an Express endpoint has a link, and shows when it is slower than it could be', () => {
    const config = configWith({
      0x34: [0x40], 0x40: EXPRESS_ENDPOINT, 0x64: [0x1f, 0x08, 0, 0, 0, 0], 0x6c: [0x0e, 0, 0, 0], 0x70: [0x03, 0, 0x1e, 0],
    });
    expect(capabilitiesOf(config, { bars: [0, 0, 0, 0, 0, 0] })).toEqual([
      '\tCapabilities: [40] Express (v2) Endpoint, MSI 00',
      '\t\tDevCap:\tMaxPayload 512 bytes, PhantFunc 0, Latency L0s unlimited, L1 unlimited',
      '\t\t\tExtTag- AttnBtn- AttnInd- PwrInd- RBE+ FLReset+ SlotPowerLimit 75W',
      '\t\tDevCtl:\tCorrErr- NonFatalErr- FatalErr- UnsupReq-',
      '\t\t\tRlxdOrd+ ExtTag+ PhantFunc- AuxPwr- NoSnoop+ FLReset-',
      '\t\t\tMaxPayload 128 bytes, MaxReadReq 512 bytes',
      '\t\tDevSta:\tCorrErr- NonFatalErr- FatalErr- UnsupReq- AuxPwr- TransPend-',
      '\t\tLnkCap:\tPort #0, Speed 8GT/s, Width x4, ASPM L0s L1, Exit Latency L0s unlimited, L1 unlimited',
      '\t\t\tClockPM- Surprise- LLActRep- BwNot- ASPMOptComp+',
      '\t\tLnkCtl:\tASPM L0s L1 Enabled; RCB 64 bytes, Disabled- CommClk+',
      '\t\t\tExtSynch- ClockPM- AutWidDis- BWInt- AutBWInt-',
      '\t\tLnkSta:\tSpeed 5GT/s (downgraded), Width x4',
      '\t\t\tTrErr- Train- SlotClk+ DLActive- BWMgmt- ABWMgmt-',
      '\t\tDevCap2: Completion Timeout: Range ABCD, TimeoutDis+ NROPrPrP- LTR+',
      '\t\t\t 10BitTagComp- 10BitTagReq- OBFF Not Supported, ExtFmt- EETLPPrefix-',
      '\t\t\t EmergencyPowerReduction Not Supported, EmergencyPowerReductionInit-',
      '\t\t\t FRS- TPHComp- ExtTPHComp-',
      '\t\tDevCtl2: Completion Timeout: 50us to 50ms, TimeoutDis- LTR- 10BitTagReq- OBFF Disabled,',
      '\t\tLnkCap2: Supported Link Speeds: 2.5-8GT/s, Crosslink- Retimer- 2Retimers- DRS-',
      '\t\tLnkCtl2: Target Link Speed: 8GT/s, EnterCompliance- SpeedDis-',
      '\t\t\t Transmit Margin: Normal Operating Range, EnterModifiedCompliance- ComplianceSOS-',
      '\t\t\t Compliance Preset/De-emphasis: -6dB de-emphasis, 0dB preshoot',
      '\t\tLnkSta2: Current De-emphasis Level: -6dB, EqualizationComplete+ EqualizationPhase1+',
      '\t\t\t EqualizationPhase2+ EqualizationPhase3+ LinkEqualizationRequest-',
      '\t\t\t Retimer- 2Retimers- CrosslinkRes: unsupported',
    ]);
  });

  test.each<[string, number[], string[]]>([
    ['ACS', [0x0d, 0, 1, 0, 0x5f, 0, 0x1d, 0],
      ['[100 v1] Access Control Services', '\t\tACSCap:\tSrcValid+ TransBlk+ ReqRedir+ CmpltRedir+ UpstreamFwd+ EgressCtrl- DirectTrans+',
        '\t\tACSCtl:\tSrcValid+ TransBlk- ReqRedir+ CmpltRedir+ UpstreamFwd+ EgressCtrl- DirectTrans-']],
    ['ARI', [0x0e, 0, 1, 0, 0, 1, 0, 0],
      ['[100 v1] Alternative Routing-ID Interpretation (ARI)', '\t\tARICap:\tMFVC- ACS-, Next Function: 1', '\t\tARICtl:\tMFVC- ACS-, Function Group: 0']],
    ['ATS', [0x0f, 0, 1, 0, 0x20, 0, 0, 0x80],
      ['[100 v1] Address Translation Service (ATS)', '\t\tATSCap:\tInvalidate Queue Depth: 00', '\t\tATSCtl:\tEnable+, Smallest Translation Unit: 00']],
    ['PASID', [0x1b, 0, 1, 0, 6, 0x14, 1, 0],
      ['[100 v1] Process Address Space ID (PASID)', '\t\tPASIDCap: Exec+ Priv+, Max PASID Width: 14', '\t\tPASIDCtl: Enable+ Exec- Priv-']],
    ['PRI', [0x13, 0, 1, 0, 1, 0, 0, 1, 0x40, 0, 0, 0, 0x20, 0, 0, 0],
      ['[100 v1] Page Request Interface (PRI)', '\t\tPRICtl: Enable+ Reset-', '\t\tPRISta: RF- UPRGI- Stopped+',
        '\t\tPage Request Capacity: 00000040, Page Request Allocation: 00000020']],
    ['LTR', [0x18, 0, 1, 0, 0x0f, 0x10, 0x0f, 0x10],
      ['[100 v1] Latency Tolerance Reporting', '\t\tMax snoop latency: 15728640ns', '\t\tMax no snoop latency: 15728640ns']],
    ['REBAR', [0x15, 0, 1, 0, 0, 0xf0, 0, 0, 0x20, 0x08, 0, 0],
      ['[100 v1] Physical Resizable BAR', '\t\tBAR 0: current size: 256MB, supported: 256MB 512MB 1GB 2GB']],
    ['vendor specific', [0x0b, 0, 1, 0, 2, 0, 4, 0x10], ['[100 v1] Vendor Specific Information: ID=0002 Rev=4 Len=100 <?>']],
    ['DVSEC', [0x23, 0, 1, 0, 0x22, 0x10, 0xc1, 0x02, 1, 0], ['[100 v1] Designated Vendor-Specific: Vendor=1022 ID=0001 Rev=1 Len=44 <?>']],
    ['a body that is not decoded', [0x19, 0, 1, 0], ['[100 v1] Secondary PCI Express <?>']],
    ['an unknown id', [0x55, 0, 3, 0], ['[100 v3] Extended Capability ID 0x55']],
    ['a chain that loops', [0x19, 0, 1, 0x10], ['[100 v1] Secondary PCI Express <?>', '\tCapabilities: [100] <chain looped>']],
  ])('extended: %s', (_, bytes, want) => {
    const config = configWith({ 0x34: [0x40], 0x40: [0x10, 0, 0x91], 0x100: bytes });
    const lines = capabilitiesOf(config);
    const start = lines.findIndex((line) => line.startsWith('\tCapabilities: [100'));
    expect(lines.slice(start)).toEqual([`\tCapabilities: ${want[0]!}`, ...want.slice(1)]);
  });

  test('SR-IOV', () => {
    const config = configWith({ 0x34: [0x40], 0x40: [0x10, 0, 0x91] });
    config.set([0x10, 0, 1, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 64, 0, 64, 0, 0, 0, 0, 0, 128, 0, 2, 0, 0, 0, 0xed, 0x10, 0x53, 5, 0, 0, 1, 0, 0, 0], 0x100);
    config.set([0x0c, 0x40, 0x80, 0, 0, 0x28], 0x124);
    const lines = capabilitiesOf(config);
    expect(lines.slice(lines.findIndex((line) => line.includes('SR-IOV')))).toEqual([
      '\tCapabilities: [100 v1] Single Root I/O Virtualization (SR-IOV)',
      '\t\tIOVCap:\tMigration- 10BitTagReq- Interrupt Message Number: 000',
      '\t\tIOVCtl:\tEnable- Migration- Interrupt- MSE- ARIHierarchy+ 10BitTagReq-',
      '\t\tIOVSta:\tMigration-',
      '\t\tInitial VFs: 64, Total VFs: 64, Number of VFs: 0, Function Dependency Link: 00',
      '\t\tVF offset: 128, stride: 2, Device ID: 10ed',
      '\t\tSupported Page Size: 00000553, System Page Size: 00000001',
      '\t\tRegion 0: Memory at 0000280000804000 (64-bit, prefetchable)',
      '\t\tVF Migration: offset: 00000000, BIR: 0',
    ]);
  });

  test('a standard list that loops or breaks says so', () => {
    expect(capabilitiesOf(configWith({ 0x34: [0x40], 0x40: [3, 0x40] })).at(-1)).toBe('\tCapabilities: [40] <chain looped>');
    expect(capabilitiesOf(configWith({ 0x34: [0x40], 0x40: [0xff, 0xff] }))).toEqual(['\tCapabilities: [40] <chain broken>']);
  });
});

test('any capability area prints, whatever its bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 192, maxLength: 192 }), fc.uint8Array({ minLength: 512, maxLength: 512 }), fc.constantFrom(256, 4096), (low, high, length) => {
      const config = configWith({ 0x34: [0x40], 0x40: [...low], 0x100: [...high] }).slice(0, length);
      config[0x40] = 0x10; // so that the extended list is walked
      config.fill(0, 0x10, 0x28);
      const text = formatLspci({ slot: '00:02.0', config });
      expect(text.endsWith('\n')).toBe(true);
      expect(text).not.toMatch(/undefined|NaN/);
    }),
    { numRuns: 300 },
  );
});

// lspci's text for the PCI Express capability: what it is, its device registers, and (express-link.ts) its link.
//
//   +0   id 0x10, next                     +2   flags: 13..9 interrupt message | 8 slot | 7..4 type | 3..0 version
//   +4   device capabilities               +8   device control        +10  device status
//   +12  link capabilities                 +16  link control          +18  link status
//   +20  slot, +28 root                    (ports only, not printed: this room prints type 0 functions)
//   +36  device capabilities 2             +40  device control 2      +42  device status 2     (version 2 on)
//   +44  link capabilities 2               +48  link control 2        +50  link status 2       (version 2 on)
//
// Source: PCI Express 5.0, 7.5.3

import { readU16, readU32 } from '../little-endian.ts';
import { type LspciContext, flag, flags, word } from './context.ts';
import { link2Lines, linkLines } from './express-link.ts';

/** Bits 7..4 of the flags. The gaps are reserved. Source: linux/pci_regs.h PCI_EXP_TYPE_* */
export const EXPRESS_TYPE = {
  ENDPOINT: 0, LEG_END: 1, ROOT_PORT: 4, UPSTREAM: 5, DOWNSTREAM: 6, PCI_BRIDGE: 7, PCIE_BRIDGE: 8, RC_END: 9, RC_EC: 10,
} as const;

const L0S_LATENCY = ['<64ns', '<128ns', '<256ns', '<512ns', '<1us', '<2us', '<4us', 'unlimited'];
const L1_LATENCY = ['<1us', '<2us', '<4us', '<8us', '<16us', '<32us', '<64us', 'unlimited'];
const SLOT_POWER_SCALE = [1, 0.1, 0.01, 0.001];
const OBFF_SUPPORT = ['Not Supported', 'Via message', 'Via WAKE#', 'Via message/WAKE#'];
const OBFF_CONTROL = ['Disabled', 'Via message A', 'Via message B', 'Via WAKE#'];
const EMERGENCY_POWER = ['Not Supported', 'Device Specific', 'Form Factor or Device Specific', 'Reserved'];
/** Completion timeout ranges A..D are bits 0..3; only these sums are defined. */
const TIMEOUT_RANGES: Record<number, string> = {
  0: 'Not Supported', 1: 'Range A', 2: 'Range B', 3: 'Range AB', 6: 'Range BC', 7: 'Range ABC', 14: 'Range BCD', 15: 'Range ABCD',
};
const TIMEOUT_VALUES: Record<number, string> = {
  0: '50us to 50ms', 1: '50us to 100us', 2: '1ms to 10ms', 5: '16ms to 55ms', 6: '65ms to 210ms', 9: '260ms to 900ms', 10: '1s to 3.5s',
  13: '4s to 13s', 14: '17s to 64s',
};

function typeName(type: number, expressFlags: number): string {
  const slot = flag('Slot', expressFlags, 0x100);
  switch (type) {
    case EXPRESS_TYPE.ENDPOINT: return 'Endpoint';
    case EXPRESS_TYPE.LEG_END: return 'Legacy Endpoint';
    case EXPRESS_TYPE.ROOT_PORT: return `Root Port (${slot})`;
    case EXPRESS_TYPE.UPSTREAM: return 'Upstream Port';
    case EXPRESS_TYPE.DOWNSTREAM: return `Downstream Port (${slot})`;
    case EXPRESS_TYPE.PCI_BRIDGE: return 'PCI-Express to PCI/PCI-X Bridge';
    case EXPRESS_TYPE.PCIE_BRIDGE: return 'PCI/PCI-X to PCI-Express Bridge';
    case EXPRESS_TYPE.RC_END: return 'Root Complex Integrated Endpoint';
    case EXPRESS_TYPE.RC_EC: return 'Root Complex Event Collector';
    default: return `Unknown type ${type}`;
  }
}

function slotPowerLimit(capabilities: number): string {
  const watts = ((capabilities >>> 18) & 0xff) * SLOT_POWER_SCALE[(capabilities >>> 26) & 3]!;
  return ` SlotPowerLimit ${Number(watts.toFixed(3))}W`;
}

function deviceLines(config: Uint8Array, at: number, type: number): string[] {
  const capabilities = readU32(config, at + 4);
  const control = readU16(config, at + 8);
  const status = readU16(config, at + 10);
  const isEndpoint = type === EXPRESS_TYPE.ENDPOINT || type === EXPRESS_TYPE.LEG_END;
  const isFunction = isEndpoint || type === EXPRESS_TYPE.RC_END;
  const inSlot = isEndpoint || type === EXPRESS_TYPE.UPSTREAM || type === EXPRESS_TYPE.PCI_BRIDGE;
  const getsPower = type === EXPRESS_TYPE.ENDPOINT || type === EXPRESS_TYPE.UPSTREAM || type === EXPRESS_TYPE.PCI_BRIDGE;

  let first = `\t\tDevCap:\tMaxPayload ${128 << (capabilities & 7)} bytes, PhantFunc ${(1 << ((capabilities >>> 3) & 3)) - 1}`;
  if (isEndpoint) {
    first += `, Latency L0s ${L0S_LATENCY[(capabilities >>> 6) & 7]!}, L1 ${L1_LATENCY[(capabilities >>> 9) & 7]!}`;
  }
  let second = `\t\t\t${flag('ExtTag', capabilities, 0x20)}`;
  if (inSlot) second += ` ${flags(capabilities, [['AttnBtn', 0x1000], ['AttnInd', 0x2000], ['PwrInd', 0x4000]])}`;
  second += ` ${flag('RBE', capabilities, 0x8000)}`;
  if (isFunction) second += ` ${flag('FLReset', capabilities, 0x10000000)}`;
  if (getsPower) second += slotPowerLimit(capabilities);

  const errors = [['CorrErr', 1], ['NonFatalErr', 2], ['FatalErr', 4], ['UnsupReq', 8]] as const;
  let ordering = flags(control, [['RlxdOrd', 0x10], ['ExtTag', 0x100], ['PhantFunc', 0x200], ['AuxPwr', 0x400], ['NoSnoop', 0x800]]);
  if (type === EXPRESS_TYPE.PCI_BRIDGE) ordering += ` ${flag('BrConfRtry', control, 0x8000)}`;
  if (isFunction && (capabilities & 0x10000000) !== 0) ordering += ` ${flag('FLReset', control, 0x8000)}`;
  return [
    first,
    second,
    `\t\tDevCtl:\t${flags(control, errors)}`,
    `\t\t\t${ordering}`,
    `\t\t\tMaxPayload ${128 << ((control >> 5) & 7)} bytes, MaxReadReq ${128 << ((control >> 12) & 7)} bytes`,
    `\t\tDevSta:\t${flags(status, [...errors, ['AuxPwr', 0x10], ['TransPend', 0x20]])}`,
  ];
}

function device2Lines({ config, hasMemoryBar }: LspciContext, at: number, type: number): string[] {
  const capabilities = readU32(config, at + 36);
  const control = readU16(config, at + 40);
  const isPort = type === EXPRESS_TYPE.ROOT_PORT || type === EXPRESS_TYPE.UPSTREAM || type === EXPRESS_TYPE.DOWNSTREAM;
  const forwards = type === EXPRESS_TYPE.ROOT_PORT || type === EXPRESS_TYPE.DOWNSTREAM;
  const completes = type === EXPRESS_TYPE.ROOT_PORT || type === EXPRESS_TYPE.ENDPOINT || type === EXPRESS_TYPE.LEG_END
    || type === EXPRESS_TYPE.RC_END;
  const hasAtomics = isPort || hasMemoryBar;

  // A zero in the two-bit count of prefixes stands for four.
  const prefixes = (capabilities & 0x200000) === 0 ? '' : `, MaxEETLPPrefixes ${((capabilities >>> 22) & 3) || 4}`;
  let third = `\t\t\t ${flag('FRS', capabilities, 0x80000000)}`;
  if (type === EXPRESS_TYPE.ROOT_PORT) {
    third += ` LN System CLS ${word(['Not Supported', '64byte cachelines', '128byte cachelines', 'Reserved'], (capabilities >>> 14) & 3)},`;
  }
  if (type === EXPRESS_TYPE.ROOT_PORT || type === EXPRESS_TYPE.ENDPOINT) {
    third += ` ${flags(capabilities, [['TPHComp', 0x1000], ['ExtTPHComp', 0x2000]])}`;
  }
  if (forwards) third += ` ${flag('ARIFwd', capabilities, 0x20)}`;

  const lines = [
    `\t\tDevCap2: Completion Timeout: ${TIMEOUT_RANGES[capabilities & 0xf] ?? 'Unknown'}, ` +
      flags(capabilities, [['TimeoutDis', 0x10], ['NROPrPrP', 0x400], ['LTR', 0x800]]),
    `\t\t\t ${flags(capabilities, [['10BitTagComp', 0x10000], ['10BitTagReq', 0x20000]])} ` +
      `OBFF ${OBFF_SUPPORT[(capabilities >>> 18) & 3]!}, ${flags(capabilities, [['ExtFmt', 0x100000], ['EETLPPrefix', 0x200000]])}${prefixes}`,
    `\t\t\t EmergencyPowerReduction ${EMERGENCY_POWER[(capabilities >>> 24) & 3]!}, ` +
      flag('EmergencyPowerReductionInit', capabilities, 0x4000000),
    third,
  ];
  if (hasAtomics) {
    const routing = isPort ? ` ${flag('Routing', capabilities, 0x40)}` : '';
    const completer = completes ? ` ${flags(capabilities, [['32bit', 0x80], ['64bit', 0x100], ['128bitCAS', 0x200]])}` : '';
    lines.push(`\t\t\t AtomicOpsCap:${routing}${completer}`);
  }
  lines.push(
    `\t\tDevCtl2: Completion Timeout: ${TIMEOUT_VALUES[control & 0xf] ?? 'Unknown'}, ` +
      `${flags(control, [['TimeoutDis', 0x10], ['LTR', 0x400], ['10BitTagReq', 0x1000]])} OBFF ${OBFF_CONTROL[(control >> 13) & 3]!},` +
      (forwards ? ` ${flag('ARIFwd', control, 0x20)}` : ''),
  );
  if (hasAtomics) {
    const requester = completes ? ` ${flag('ReqEn', control, 0x40)}` : '';
    lines.push(`\t\t\t AtomicOpsCtl:${requester}${isPort ? ` ${flag('EgressBlck', control, 0x80)}` : ''}`);
  }
  return lines;
}

/**
 * The lines of the Express capability at `at`: the headline first, without what precedes it on its line.
 *
 * Links are printed for types that have one; the slot and root registers of ports are not.
 */
export function expressLines(context: LspciContext, at: number): string[] {
  const { config } = context;
  const expressFlags = readU16(config, at + 2);
  const version = expressFlags & 0xf;
  const type = (expressFlags >> 4) & 0xf;
  const hasLink = type <= EXPRESS_TYPE.PCIE_BRIDGE && type !== 2 && type !== 3;
  const message = ((expressFlags >> 9) & 0x1f).toString(16).padStart(2, '0');
  const lines = [`Express (v${version}) ${typeName(type, expressFlags)}, MSI ${message}`, ...deviceLines(config, at, type)];
  if (hasLink) lines.push(...linkLines(config, at, type));
  if (version < 2 || at + 52 > config.length) return lines;
  lines.push(...device2Lines(context, at, type));
  if (hasLink) lines.push(...link2Lines(config, at, type));
  return lines;
}

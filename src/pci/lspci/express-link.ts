// lspci's text for the link registers of the PCI Express capability.
//
//   +12 link capabilities   31..24 port | 22 ASPM optionality | 21..18 reports | 17..15 L1 exit | 14..12 L0s exit | 11..10 ASPM
//                           | 9..4 width | 3..0 speed
//   +16 link control        1..0 ASPM | 3 RCB | 4 disable | 6 common clock | 7 extended sync | 8 clock PM | 9..11 width, bandwidth
//   +18 link status         3..0 speed | 9..4 width | 10..15 training, clock, active, bandwidth
//   +44 link capabilities 2, +48 link control 2, +50 link status 2
//
// Source: PCI Express 5.0, 7.5.3.6 to 7.5.3.8 and 7.5.3.18 to 7.5.3.20

import { readU16, readU32 } from '../little-endian.ts';
import { flag, flags, word } from './context.ts';

const SPEEDS: Record<number, string> = { 1: '2.5GT/s', 2: '5GT/s', 3: '8GT/s', 4: '16GT/s', 5: '32GT/s', 6: '64GT/s' };
const ASPM_SUPPORT = ['not supported', 'L0s', 'L1', 'L0s L1'];
const ASPM_ENABLED = ['Disabled', 'L0s Enabled', 'L1 Enabled', 'L0s L1 Enabled'];
const L0S_EXIT = ['<64ns', '<128ns', '<256ns', '<512ns', '<1us', '<2us', '<4us', 'unlimited'];
const L1_EXIT = ['<1us', '<2us', '<4us', '<8us', '<16us', '<32us', '<64us', 'unlimited'];
const MARGINS = ['Normal Operating Range', '800-1200mV(full-swing)/400-700mV(half-swing)'];
const LOW_MARGIN = '200-400mV(full-swing)/100-200mV(half-swing)';
const PRESETS = [
  '-6dB de-emphasis, 0dB preshoot', '-3.5dB de-emphasis, 0dB preshoot', '-4.4dB de-emphasis, 0dB preshoot',
  '-2.5dB de-emphasis, 0dB preshoot', '0dB de-emphasis, 0dB preshoot', '0dB de-emphasis, 1.9dB preshoot',
  '0dB de-emphasis, 2.5dB preshoot', '-6.0dB de-emphasis, 3.5dB preshoot', '-3.5dB de-emphasis, 3.5dB preshoot',
  '0dB de-emphasis, 3.5dB preshoot',
];
const CROSSLINK = ['unsupported', 'Upstream Port', 'Downstream Port', 'incomplete'];

const speed = (code: number): string => SPEEDS[code] ?? 'unknown';

/** Ports above a link do not mark it as slower than it could be: what is below decides. */
const DOWNWARD_TYPES = [4, 6, 8];
/** Endpoints and upward bridges have a read completion boundary; so does a root port. */
const RCB_TYPES = [0, 1, 4, 7];

function compared(type: number, found: number, possible: number): string {
  if (found > possible) return ' (overdriven)';
  return found === possible || DOWNWARD_TYPES.includes(type) ? '' : ' (downgraded)';
}

/** LnkCap, LnkCtl and LnkSta of the Express capability at `at`. */
export function linkLines(config: Uint8Array, at: number, type: number): string[] {
  const capabilities = readU32(config, at + 12);
  const control = readU16(config, at + 16);
  const status = readU16(config, at + 18);
  const aspm = (capabilities >>> 10) & 3;
  const exits = [
    ...((aspm & 1) !== 0 ? [`L0s ${L0S_EXIT[(capabilities >>> 12) & 7]!}`] : []),
    ...((aspm & 2) !== 0 ? [`L1 ${L1_EXIT[(capabilities >>> 15) & 7]!}`] : []),
  ];
  const exit = exits.length === 0 ? '' : `, Exit Latency ${exits.join(', ')}`;
  const width = (capabilities >>> 4) & 0x3f;
  const widthNow = (status >> 4) & 0x3f;
  const boundary = RCB_TYPES.includes(type) ? ` RCB ${(control & 8) !== 0 ? 128 : 64} bytes,` : '';
  return [
    `\t\tLnkCap:\tPort #${capabilities >>> 24}, Speed ${speed(capabilities & 0xf)}, Width x${width}, ASPM ${ASPM_SUPPORT[aspm]!}${exit}`,
    `\t\t\t${flags(capabilities, [
      ['ClockPM', 0x40000], ['Surprise', 0x80000], ['LLActRep', 0x100000], ['BwNot', 0x200000], ['ASPMOptComp', 0x400000],
    ])}`,
    `\t\tLnkCtl:\tASPM ${ASPM_ENABLED[control & 3]!};${boundary} ${flags(control, [['Disabled', 0x10], ['CommClk', 0x40]])}`,
    `\t\t\t${flags(control, [['ExtSynch', 0x80], ['ClockPM', 0x100], ['AutWidDis', 0x200], ['BWInt', 0x400], ['AutBWInt', 0x800]])}`,
    `\t\tLnkSta:\tSpeed ${speed(status & 0xf)}${compared(type, status & 0xf, capabilities & 0xf)}, ` +
      `Width x${widthNow}${compared(type, widthNow, width)}`,
    `\t\t\t${flags(status, [
      ['TrErr', 0x400], ['Train', 0x800], ['SlotClk', 0x1000], ['DLActive', 0x2000], ['BWMgmt', 0x4000], ['ABWMgmt', 0x8000],
    ])}`,
  ];
}

function supportedSpeeds(vector: number): string {
  const fastest = 32 - Math.clz32(vector);
  return fastest <= 1 ? speed(fastest) : `2.5-${speed(fastest)}`;
}

/** LnkCap2 (absent before PCI Express 3.0), LnkCtl2 and LnkSta2 of the Express capability at `at`. */
export function link2Lines(config: Uint8Array, at: number, type: number): string[] {
  const capabilities = readU32(config, at + 44);
  const control = readU16(config, at + 48);
  const status = readU16(config, at + 50);
  const margin = (control >> 7) & 7;
  const lines: string[] = [];
  if (capabilities !== 0) {
    const bits = flags(capabilities, [['Crosslink', 0x100], ['Retimer', 0x800000], ['2Retimers', 0x1000000], ['DRS', 0x80000000]]);
    lines.push(`\t\tLnkCap2: Supported Link Speeds: ${supportedSpeeds((capabilities >>> 1) & 0x7f)}, ${bits}`);
  }
  const selectable = type === 6 ? `, Selectable De-emphasis: ${(control & 0x40) !== 0 ? '-3.5dB' : '-6dB'}` : '';
  const marginText = MARGINS[margin] ?? (margin <= 5 ? LOW_MARGIN : 'Unknown');
  lines.push(
    `\t\tLnkCtl2: Target Link Speed: ${speed(control & 0xf)}, ${flags(control, [['EnterCompliance', 0x10], ['SpeedDis', 0x20]])}${selectable}`,
    `\t\t\t Transmit Margin: ${marginText}, ${flags(control, [['EnterModifiedCompliance', 0x400], ['ComplianceSOS', 0x800]])}`,
    `\t\t\t Compliance Preset/De-emphasis: ${word(PRESETS, control >> 12)}`,
    `\t\tLnkSta2: Current De-emphasis Level: ${(status & 1) !== 0 ? '-3.5dB' : '-6dB'}, ` +
      flags(status, [['EqualizationComplete', 2], ['EqualizationPhase1', 4]]),
    `\t\t\t ${flags(status, [['EqualizationPhase2', 8], ['EqualizationPhase3', 0x10], ['LinkEqualizationRequest', 0x20]])}`,
    `\t\t\t ${flag('Retimer', status, 0x40)} ${flag('2Retimers', status, 0x80)} CrosslinkRes: ${CROSSLINK[(status >> 8) & 3]!}`,
  );
  return lines;
}

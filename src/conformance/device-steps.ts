// What a table's device does of itself, and what it can be asked beside its files.
//
//   assert, deassert     its interrupt pin            registers          bytes of configuration space as the device has them
//   send N               message N                    bytes N            bytes of region N
//   error, request       ERR, REQ                     cycles             accesses of logged regions since the last time
//   write ADDRESS BYTES  a transfer to memory         resets             how often it was reset
//   poke N               bytes of region N            arcs               migration arcs since the last time
//   break ARC            such an arc, from now on
//   show                 its display's plane          masters            what BUS_MASTER was set to
//   lock, unlock         its host holds its lock      token              the VF token
//                                                     asleep             whether it sleeps

import type { TableDevice } from './devices.ts';
import { dataBytes } from './hex-text.ts';
import { bytesDiffer } from './difference.ts';
import type { Step } from './table.ts';

type Report = (what: string, expected: string, found: string) => void;

function compareBytes(step: Step, found: Uint8Array, report: Report): number {
  const differ = bytesDiffer(dataBytes(step.out ?? ''), found);
  if (differ !== undefined) report('bytes of the device', differ.expected, differ.found);
  return 0;
}

function compareLines(step: Step, found: readonly string[], report: Report): number {
  const expected = (step.lines ?? []).join('\n');
  if (expected !== found.join('\n')) report(step.event ?? '', expected, found.join('\n'));
  return 0;
}

function bytesOf(device: TableDevice, index: number, step: Step): Uint8Array {
  const region = device.bytesAt(index);
  if (region === undefined) throw new SyntaxError(`the device has no region ${index}`);
  return region.readBytes(BigInt(step.at ?? 0), new Uint8Array(dataBytes(step.out ?? '').length));
}

/** Runs one; its answer. */
export function deviceStep(device: TableDevice, step: Step, report: Report): number {
  const [event = '', first = '', second = ''] = (step.event ?? '').split(' ');
  const { interrupts, lowPower, vfToken } = device.device;
  switch (event) {
    case 'assert':
    case 'deassert':
      device.wires.pull(event === 'assert');
      return 0;
    case 'send':
      device.wires.send(Number(first));
      return 0;
    case 'error':
      return interrupts.err.signal() ? 1 : 0;
    case 'request':
      return interrupts.req.signal() ? 1 : 0;
    case 'write':
      device.log?.written(BigInt(first), Number(second));
      return 0;
    case 'break':
      device.migration!.breaks = first;
      return 0;
    case 'show':
      device.isShown = true;
      return 0;
    case 'lock':
    case 'unlock':
      device.isLocked = event === 'lock';
      return 0;
    case 'asleep':
      return lowPower.suspended ? 1 : 0;
    case 'resets':
      return device.resets;
    case 'token':
      return compareBytes(step, vfToken!.bytes, report);
    case 'registers':
      return compareBytes(step, bytesOf(device, 7, step), report);
    case 'bytes':
      return compareBytes(step, bytesOf(device, Number(first), step), report);
    case 'poke':
      device.bytesAt(Number(first))!.writeBytes(BigInt(step.at ?? 0), dataBytes(step.in ?? ''));
      return 0;
    case 'cycles':
      return compareLines(step, device.cycles.splice(0), report);
    case 'arcs':
      return compareLines(step, device.migration!.arcs.splice(0), report);
    case 'masters':
      return compareLines(step, device.masters.splice(0).map(String), report);
    default:
      throw new SyntaxError(`${JSON.stringify(step.event)} is nothing that a device does`);
  }
}

// What a function of a table's host does beside its files: transfers, and what its driver and its host hear of.
//
//   dma read ADDRESS BYTES    a transfer, which has landed when the step is over        unplug [surprise], plug   out of the host, and back
//   dma write ADDRESS                                                                   gone           whether it is out
//   pin IOVA BYTES read|write a mediated device's driver pins pages,                    domain on|off  its group has a foreign domain
//   unpin IOVA BYTES          and lets them go
//   faults, messages          what went wrong, and what was sent, since the last time
//   unmapped                  what its driver was told goes

import { outcome } from './bench.ts';
import { bytesDiffer } from './difference.ts';
import { dataBytes } from './hex-text.ts';
import type { HostBench, TableFunction } from './host-bench.ts';
import type { Returns, Step } from './table.ts';

type Report = (what: string, expected: string, found: string) => void;

/** Events that are a host's, by their first word. */
export const HOST_EVENTS: readonly string[] = ['dma', 'pin', 'unpin', 'faults', 'messages', 'unmapped', 'unplug', 'plug', 'gone', 'domain'];

const plain = (call: () => void): Returns => outcome(() => (call(), 0));

function transfer({ one }: TableFunction, step: Step, [access = '', address = '', length = '0']: readonly string[], report: Report): Returns {
  if (access !== 'read' && access !== 'write') throw new SyntaxError(`a transfer is a read or a write; not ${JSON.stringify(access)}`);
  const bytes = access === 'read' ? new Uint8Array(Number(length)) : dataBytes(step.in ?? '');
  const found = plain(() => one.land(access, BigInt(address), bytes));
  if (access === 'read' && found === 0) {
    const differ = bytesDiffer(dataBytes(step.out ?? ''), bytes);
    if (differ !== undefined) report('bytes that were read', differ.expected, differ.found);
  }
  return found;
}

function told(lines: string[], step: Step, report: Report): number {
  const [expected, found] = [(step.lines ?? []).join('\n'), lines.splice(0).join('\n')];
  if (expected !== found) report(step.event ?? '', expected, found);
  return 0;
}

/** Runs one; what it comes to. */
export function hostStep(host: HostBench, step: Step, report: Report): Returns {
  const each = host.find(step.device);
  const [event = '', ...words] = (step.event ?? '').split(' ');
  const [first = '', second = ''] = words;
  switch (event) {
    case 'dma':
      return transfer(each, step, words, report);
    case 'pin':
      return plain(() => host.access(each).pin(BigInt(first), BigInt(second), words[2] === 'write'));
    case 'unpin':
      return plain(() => host.access(each).unpin(BigInt(first), BigInt(second)));
    case 'faults':
    case 'messages':
    case 'unmapped':
      return told(each[event], step, report);
    case 'unplug':
      return plain(() => host.unplug(each, first === 'surprise'));
    case 'plug':
      return plain(() => host.plug(each));
    case 'gone':
      return each.one.isGone ? 1 : 0;
    default:
      each.one.group.hasForeignDomain = first === 'on';
      return 0;
  }
}

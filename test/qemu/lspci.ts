// What `lspci -vv` says in the guest, held against what `maplebar inspect` says of the same card.
//
//   the card by its name     headline: class, ids, revision, interface     names are those of whose list it is; the slot is the machine's
//                            Control                                       which flags there are; whether they are set is the guest's
//                            Status, capabilities                          all of it
//                            Interrupt                                     the pin; the line is the machine's
//                            Region                                        kind and size; the address is the machine's
//   the guest's own dump     everything, byte for byte
//
// Lines that only a running kernel has: Physical Slot, Latency (of a bus master), IOMMU group, NUMA node, Kernel driver, Kernel modules.

const OF_THE_KERNEL = /^\t(Physical Slot|Latency|IOMMU group|NUMA node|Kernel driver in use|Kernel modules):/;
const HEADLINE = /^[0-9a-f]{2}:[0-9a-f]{2}\.[0-7] /;

/** The numbers of a headline or of a subsystem, without the names before them. */
function numbers(line: string): string {
  const ids = [...line.matchAll(/\[([0-9a-f]{4}(?::[0-9a-f]{4})?)\]/g)].map(([, id]) => id);
  const revision = /\(rev ([0-9a-f]{2})\)/.exec(line)?.[1] ?? '00';
  const programming = /\(prog-if ([0-9a-f]{2})/.exec(line)?.[1] ?? '00';
  // A class that is printed twice, as its own name, is one class.
  return [...new Set(ids), `rev ${revision}`, `prog-if ${programming}`].join(' ');
}

function known(line: string): string | undefined {
  if (HEADLINE.test(line)) return numbers(line);
  if (line.startsWith('\tSubsystem:')) return `\tSubsystem: ${numbers(line)}`;
  if (OF_THE_KERNEL.test(line)) return undefined;
  if (line.startsWith('\tControl:')) return line.replace(/[+-](?=\s|$)/g, '');
  if (line.startsWith('\tInterrupt:')) return line.replace(/ routed to IRQ \d+/, '');
  if (line.startsWith('\tRegion ')) return line.replace(/ at [0-9a-f]+/, '');
  return line;
}

/** What both know of a card, a line each. */
export function knownOfBoth(text: string): string[] {
  const lines = text.trimEnd().split('\n').map(known).filter((line) => line !== undefined);
  // A machine and a bench may list regions and the pin in either order.
  const [head = '', ...rest] = lines;
  const isSorted = (line: string): boolean => /^\t(Region|Interrupt)/.test(line);
  return [head, ...rest.filter(isSorted).sort(), ...rest.filter((line) => !isSorted(line))];
}

/** The functions of a text of lspci, by their slots; what follows the text of one of inspect is left out. */
export function functionsOf(text: string): Map<string, string> {
  const parts = text.split(/^(?=[0-9a-f]{2}:[0-9a-f]{2}\.[0-7] )/m).filter((part) => HEADLINE.test(part));
  return new Map(parts.map((part) => [part.slice(0, 7), part.replace(/^VFIO device[^]*/m, '').trimEnd()]));
}

/** The text of a function without what only a running kernel has. */
export const withoutKernel = (text: string): string => text.split('\n').filter((line) => !/^\t(Physical Slot|IOMMU group|NUMA node|Kernel driver in use|Kernel modules):/.test(line)).join('\n');

/** The first lines in which two lists differ, or nothing. */
export function firstDifference(found: readonly string[], expected: readonly string[]): string | undefined {
  const at = Array.from({ length: Math.max(found.length, expected.length) }, (_, i) => i).find((i) => found[i] !== expected[i]);
  return at === undefined ? undefined : `line ${at + 1}: ${JSON.stringify(found[at])}; expected ${JSON.stringify(expected[at])}`;
}

// What lspci says in a guest is held against what inspect says: the machine's part is left out, and nothing else.

import { describe, expect, test } from '@jest/globals';
import { firstDifference, functionsOf, knownOfBoth, withoutKernel } from './lspci.ts';

const IN_GUEST = `00:05.0 Unclassified device [00ff]: Device [1234:11e8] (rev 10)
	Subsystem: Red Hat, Inc. Device [1af4:1100]
	Physical Slot: 5
	Control: I/O+ Mem+ BusMaster+ SpecCycle- MemWINV- VGASnoop- ParErr- Stepping- SERR+ FastB2B- DisINTx-
	Status: Cap+ 66MHz- UDF- FastB2B- ParErr- DEVSEL=fast >TAbort- <TAbort- <MAbort- >SERR- <PERR- INTx-
	Latency: 0
	Interrupt: pin A routed to IRQ 10
	IOMMU group: 3
	Region 0: Memory at fe900000 (32-bit, non-prefetchable) [size=1M]
	Capabilities: [40] MSI: Enable- Count=1/1 Maskable- 64bit+
		Address: 0000000000000000  Data: 0000
	Kernel driver in use: uio_pci_generic`;

const OURS = `00:01.0 Unclassified device [00ff]: Device [1234:11e8] (rev 10)
	Subsystem: Device [1af4:1100]
	Control: I/O+ Mem+ BusMaster- SpecCycle- MemWINV- VGASnoop- ParErr- Stepping- SERR- FastB2B- DisINTx-
	Status: Cap+ 66MHz- UDF- FastB2B- ParErr- DEVSEL=fast >TAbort- <TAbort- <MAbort- >SERR- <PERR- INTx-
	Interrupt: pin A routed to IRQ 0
	Region 0: Memory at c0000000 (32-bit, non-prefetchable) [size=1M]
	Capabilities: [40] MSI: Enable- Count=1/1 Maskable- 64bit+
		Address: 0000000000000000  Data: 0000`;

const difference = (found: string): string | undefined => firstDifference(knownOfBoth(found), knownOfBoth(OURS));

test('slot, addresses, lines, drivers and what the guest has turned on are the machine\'s', () => {
  expect(difference(IN_GUEST)).toBeUndefined();
  expect(knownOfBoth(OURS)).toHaveLength(8);
});

test('names of a list of ids are no part of a card', () => {
  const named = '00:06.0 Non-Volatile memory controller [0108]: Red Hat, Inc. QEMU NVM Express Controller [1b36:0010] (rev 02) (prog-if 02 [NVM Express])';
  const ours = '00:01.0 Non-Volatile memory controller [0108]: QEMU NVM Express Controller [1b36:0010] (rev 02) (prog-if 02)';
  expect(knownOfBoth(named)).toEqual(knownOfBoth(ours));
});

test.each([
  ['a class', '[00ff]', '[0200]'],
  ['an id', '11e8', '11e9'],
  ['a revision', 'rev 10', 'rev 11'],
  ['an interface', '(rev 10)', '(rev 10) (prog-if 02)'],
  ['a subsystem', '1af4:1100', '1af4:1101'],
  ['a flag of COMMAND that is not there', ' DisINTx-', ''],
  ['a flag of STATUS', 'Cap+', 'Cap-'],
  ['a pin', 'pin A', 'pin B'],
  ['the kind of a region', '32-bit', '64-bit'],
  ['the size of a region', 'size=1M', 'size=2M'],
  ['the place of a capability', '[40] MSI', '[50] MSI'],
  ['what a capability says', 'Count=1/1', 'Count=1/2'],
  ['a line of a capability', '\t\tAddress: 0000000000000000  Data: 0000\n', ''],
])('another card is seen: %s', (_, from, to) => {
  expect(IN_GUEST).toContain(from);
  expect(difference(IN_GUEST.replace(from, to))).toMatch(/^line \d+: /);
});

describe('a text of several functions', () => {
  test('is cut at their headlines', () => {
    const cut = functionsOf(`lspci: a complaint\n${IN_GUEST}\n\n${OURS}\n\nVFIO device 0000:00:01.0: PCI\n  index  region\n`);
    expect([...cut]).toEqual([['00:05.0', IN_GUEST], ['00:01.0', OURS]]);
  });

  test('of none is empty', () => {
    expect(functionsOf('').size).toBe(0);
  });
});

test('a dump is compared without the lines that only a kernel has', () => {
  expect(withoutKernel(IN_GUEST).split('\n')).toHaveLength(9);
  expect(withoutKernel(IN_GUEST)).not.toMatch(/Slot|IOMMU|Kernel/);
});

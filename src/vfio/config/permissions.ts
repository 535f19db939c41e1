// What a user may see and change of each register, bit by bit, as vfio-pci decides. Behaviour text, section 4.5, the table.
//
//   virtual   0 reads the register               1 reads the shadow
//   writable  0 drops the bit                    1 writes: the register where it is not virtual, else the shadow
//
// Source: drivers/vfio/pci/vfio_pci_config.c init_pci_cap_*_perm, init_pci_ext_cap_*_perm

import * as pci from './registers.ts';

/** How a capability's bytes are read. */
type Reads = 'by bit' | 'direct' | 'raw';
/** How they are written. `never`: accepted, and not even looked at. */
type Writes = 'by bit' | 'raw' | 'never';

/** The rules of the bytes of one capability. */
export class Permissions {
  readonly reads: Reads;
  readonly writes: Writes;
  private readonly virtual = new Uint8Array(0x40);
  private readonly writable = new Uint8Array(0x40);

  constructor(reads: Reads, writes: Writes) {
    this.reads = reads;
    this.writes = writes;
  }

  /** Sets the bits of one register. */
  set(offset: number, bytes: 1 | 2 | 4, virtual: number, writable: number): this {
    for (let i = 0; i < bytes; i++) {
      this.virtual[offset + i] = virtual >>> (8 * i);
      this.writable[offset + i] = writable >>> (8 * i);
    }
    return this;
  }

  private gather(from: Uint8Array, offset: number, bytes: number): number {
    let bits = 0;
    for (let i = bytes - 1; i >= 0; i--) bits = (bits << 8) | (from[offset + i] ?? 0);
    return bits >>> 0;
  }

  /** Which bits of `bytes` bytes at `offset` are the shadow's. */
  virtualBits(offset: number, bytes: number): number {
    return this.gather(this.virtual, offset, bytes);
  }

  /** Which of them take a write. */
  writableBits(offset: number, bytes: number): number {
    return this.gather(this.writable, offset, bytes);
  }
}

const ALL8 = 0xff;
const ALL16 = 0xffff;
const ALL32 = 0xffff_ffff;

const byBit = (): Permissions => new Permissions('by bit', 'by bit');
/** With the pointer to the next one in the shadow, so that what is hidden can be left out. */
const standard = (): Permissions => byBit().set(pci.PCI_CAP_LIST_NEXT, 1, ALL8, 0);
const extended = (): Permissions => byBit().set(0, 4, ALL32, 0);

function basic(): Permissions {
  const bits = byBit()
    // Of a virtual function the registers read all ones.
    .set(pci.PCI_VENDOR_ID, 2, ALL16, 0)
    .set(pci.PCI_DEVICE_ID, 2, ALL16, 0)
    .set(pci.PCI_COMMAND, 2, pci.PCI_COMMAND_INTX_DISABLE, ALL16)
    .set(pci.PCI_STATUS, 2, pci.PCI_STATUS_CAP_LIST, 0)
    .set(pci.PCI_CACHE_LINE_SIZE, 1, 0, ALL8)
    .set(pci.PCI_LATENCY_TIMER, 1, 0, ALL8)
    .set(pci.PCI_BIST, 1, 0, ALL8)
    .set(pci.PCI_ROM_ADDRESS, 4, ALL32, ALL32)
    .set(pci.PCI_CAPABILITY_LIST, 1, ALL8, 0)
    .set(pci.PCI_INTERRUPT_LINE, 1, ALL8, ALL8)
    .set(pci.PCI_INTERRUPT_PIN, 1, ALL8, 0);
  for (let at = pci.PCI_BASE_ADDRESS_0; at <= pci.PCI_BASE_ADDRESS_5; at += 4) bits.set(at, 4, ALL32, ALL32);
  return bits;
}

const PME = pci.PCI_PM_CTRL_PME_ENABLE | pci.PCI_PM_CTRL_PME_STATUS;
const EXP_VIRTUAL = pci.PCI_EXP_DEVCTL_BCR_FLR | pci.PCI_EXP_DEVCTL_PAYLOAD | pci.PCI_EXP_DEVCTL_READRQ;

const UNCORRECTABLE = 0x03ff_f031;
const CORRECTABLE = 0x0000_f1c1;

function errorReporting(): Permissions {
  const bits = extended();
  for (const at of [pci.PCI_ERR_UNCOR_STATUS, pci.PCI_ERR_UNCOR_MASK, pci.PCI_ERR_UNCOR_SEVER]) bits.set(at, 4, 0, UNCORRECTABLE);
  for (const at of [pci.PCI_ERR_COR_STATUS, pci.PCI_ERR_COR_MASK]) bits.set(at, 4, 0, CORRECTABLE);
  return bits.set(pci.PCI_ERR_CAP, 4, 0, 0x140);
}

/** The bytes of no capability. */
export const RAW = new Permissions('raw', 'raw');
/** Where nothing else is said: the registers are read, but for the head of the capability, and nothing is written. */
const READ_ONLY = new Permissions('direct', 'never');
const WRITTEN_RAW = new Permissions('direct', 'raw');

export const HEADER = basic();

const STANDARD: Readonly<Record<number, Permissions>> = {
  [pci.PCI_CAP_ID_PM]: standard().set(pci.PCI_PM_PMC, 2, pci.PCI_PM_CAP_PME_MASK, 0).set(pci.PCI_PM_CTRL, 4, PME, ~(PME | pci.PCI_PM_CTRL_STATE_MASK)),
  [pci.PCI_CAP_ID_VPD]: standard().set(pci.PCI_VPD_ADDR, 2, ALL16, ALL16).set(pci.PCI_VPD_DATA, 4, ALL32, ALL32),
  [pci.PCI_CAP_ID_PCIX]: standard().set(2, 2, 0, ALL16).set(8, 4, 0, ALL32),
  [pci.PCI_CAP_ID_VNDR]: WRITTEN_RAW,
  // All of Express that a user may write stands in two registers; phantom functions would be unknown to an IOMMU.
  [pci.PCI_CAP_ID_EXP]: standard().set(pci.PCI_EXP_DEVCTL, 2, EXP_VIRTUAL, ~pci.PCI_EXP_DEVCTL_PHANTOM).set(pci.PCI_EXP_DEVCTL2, 2, 0, ~pci.PCI_EXP_DEVCTL2_ARI),
  [pci.PCI_CAP_ID_AF]: standard().set(pci.PCI_AF_CTRL, 1, pci.PCI_AF_CTRL_FLR, pci.PCI_AF_CTRL_FLR),
};

const EXTENDED: Readonly<Record<number, Permissions>> = {
  [pci.PCI_EXT_CAP_ID_ERR]: errorReporting(),
  [pci.PCI_EXT_CAP_ID_PWR]: extended().set(8, 1, 0, ALL8),
  [pci.PCI_EXT_CAP_ID_VNDR]: WRITTEN_RAW,
  [pci.PCI_EXT_CAP_ID_DVSEC]: WRITTEN_RAW,
};

/** The rules of MSI, whose layout follows its control word. Not even its capability bits are safe from a write of the user's. */
export function msiPermissions(flags: number): Permissions {
  const is64Bit = (flags & pci.PCI_MSI_FLAGS_64BIT) !== 0;
  const data = is64Bit ? 12 : 8;
  const bits = standard().set(pci.PCI_MSI_FLAGS, 1, ALL8, ALL8).set(4, 4, ALL32, ALL32).set(data, 2, ALL16, ALL16);
  if (is64Bit) bits.set(8, 4, ALL32, ALL32);
  if ((flags & pci.PCI_MSI_FLAGS_MASKBIT) !== 0) bits.set(data + 4, 4, 0, ALL32).set(data + 8, 4, 0, ALL32);
  return bits;
}

/** The rules of a capability. */
export function permissionsOf(list: 'standard' | 'extended', id: number): Permissions {
  return (list === 'standard' ? STANDARD : EXTENDED)[id] ?? READ_ONLY;
}

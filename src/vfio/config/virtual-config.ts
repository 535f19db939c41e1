// Configuration space as a user of vfio-pci sees it: a shadow in front of the registers, chunk by chunk. Behaviour text, section 4.5.
//
//   read, write of any length --> chunks of 4, 2 or 1 bytes, each in one dword and one capability
//     chunk --> permissions: bits of the shadow | bits of the register
//           --> what the write sets off: COMMAND, power state, FLR, MSI, VPD (config-effects.ts)
//
// The shadow lives from the first open of the device to its last close.
//
// Source: drivers/vfio/pci/vfio_pci_config.c vfio_config_do_rw and the functions that it calls

import type { UserMemory } from '../user-memory.ts';
import { ConfigEffects } from './config-effects.ts';
import type { ConfigOwner } from './config-effects.ts';
import { BASIC, UNASSIGNED, makeConfigMap } from './config-map.ts';
import type { ConfigMap } from './config-map.ts';
import type { ConfigHardware, ConfigWidth, HardwareRegisters } from './hardware.ts';
import { HEADER, RAW, msiPermissions, permissionsOf } from './permissions.ts';
import type { Permissions } from './permissions.ts';
import * as pci from './registers.ts';
import { saveState } from './saved-state.ts';
import { ShadowBars, isBar } from './shadow-bars.ts';

/** One chunk: where, and whose rules hold. */
interface Chunk {
  readonly at: number;
  readonly width: ConfigWidth;
  readonly owner: number;
  /** Bytes from the start of the capability. */
  readonly offset: number;
  readonly permissions: Permissions;
}

/** Configuration space of an open device. */
export class VirtualConfig {
  readonly effects: ConfigEffects;
  private readonly hardware: HardwareRegisters;
  private readonly map: ConfigMap;
  private readonly view: DataView;
  private readonly bars: ShadowBars;
  private readonly msi: Permissions;
  private readonly virtualFunction: ConfigHardware['virtualFunction'];

  /** @param sizeOf Bytes of a region of the device; undefined for an absent one. */
  constructor(hardware: HardwareRegisters, options: ConfigHardware, owner: ConfigOwner, sizeOf: (index: number) => bigint | undefined) {
    this.hardware = hardware;
    this.map = makeConfigMap(hardware);
    const { shadow, standard } = this.map;
    this.view = new DataView(shadow.buffer);
    this.virtualFunction = options.virtualFunction;
    this.bars = new ShadowBars(hardware, shadow, sizeOf);
    const msi = standard.get(pci.PCI_CAP_ID_MSI);
    this.msi = msiPermissions(msi === undefined ? 0 : hardware.read(msi + pci.PCI_MSI_FLAGS, 2));
    if (options.virtualFunction !== undefined) {
      const { vendor, device } = options.virtualFunction;
      this.view.setUint16(pci.PCI_VENDOR_ID, vendor, true);
      this.view.setUint16(pci.PCI_DEVICE_ID, device, true);
      shadow[pci.PCI_INTERRUPT_PIN] = 0;
      shadow[pci.PCI_COMMAND]! |= pci.PCI_COMMAND_MEMORY;
    }
    this.effects = new ConfigEffects({ hardware, map: this.map, bars: this.bars, options, owner, save: () => saveState(hardware, this.map) });
  }

  private capabilityStart(at: number): number {
    const { owners } = this.map;
    const base = at >= pci.PCI_CFG_SPACE_SIZE ? pci.PCI_CFG_SPACE_SIZE : pci.PCI_STD_HEADER_SIZEOF;
    let start = at;
    // Two of a kind without a byte between them are taken for one.
    while (start > base && owners[start - 1] === owners[at]) start--;
    return start;
  }

  private chunk(at: number, left: number): Chunk {
    const { owners } = this.map;
    const owner = owners[at]!;
    let room = 1;
    while (((at + room) & 3) !== 0 && room < left && owners[at + room] === owner) room++;
    const width = room >= 4 && (at & 3) === 0 ? 4 : room >= 2 && (at & 1) === 0 ? 2 : 1;
    if (owner === UNASSIGNED) return { at, width, owner, offset: 0, permissions: RAW };
    if (owner === BASIC && at < pci.PCI_STD_HEADER_SIZEOF) return { at, width, owner, offset: at, permissions: HEADER };
    const list = at >= pci.PCI_CFG_SPACE_SIZE ? 'extended' : 'standard';
    const permissions = list === 'standard' && owner === pci.PCI_CAP_ID_MSI ? this.msi : permissionsOf(list, owner);
    return { at, width, owner, offset: at - this.capabilityStart(at), permissions };
  }

  private shadowed(at: number, width: ConfigWidth): number {
    return width === 1 ? this.view.getUint8(at) : width === 2 ? this.view.getUint16(at, true) : this.view.getUint32(at, true);
  }

  private setShadow(at: number, width: ConfigWidth, value: number): void {
    if (width === 1) this.view.setUint8(at, value);
    else if (width === 2) this.view.setUint16(at, value, true);
    else this.view.setUint32(at, value, true);
  }

  private read(chunk: Chunk): number {
    const { at, width, offset, permissions } = chunk;
    if (permissions.reads === 'raw') return this.hardware.read(at, width);
    if (permissions.reads === 'direct') return this.readDirect(chunk);
    const isHeader = permissions === HEADER;
    if (isHeader && isBar(offset)) this.bars.settle();
    const virtual = permissions.virtualBits(offset, width);
    const all = 2 ** (8 * width) - 1;
    let value = (this.shadowed(at, width) & virtual) >>> 0;
    if (virtual !== all) value = (value | (this.hardware.read(at, width) & ~virtual)) >>> 0;
    // A virtual function has no MEM bit; the shadow has.
    if (isHeader && offset === pci.PCI_COMMAND && this.virtualFunction !== undefined) value |= this.shadowed(at, 1) & pci.PCI_COMMAND_MEMORY;
    return value;
  }

  /** The register, but for the head of the capability: the pointer to the next. */
  private readDirect({ at, width, offset }: Chunk): number {
    const value = this.hardware.read(at, width);
    if (at >= pci.PCI_CFG_SPACE_SIZE) return offset < 4 ? this.shadowed(at, width) : value;
    if (offset === 0 && width > 1) return ((value & ~0xffff) | this.shadowed(at, 2)) >>> 0;
    return offset === pci.PCI_CAP_LIST_NEXT ? (value & ~0xff) | this.shadowed(at, 1) : value;
  }

  private write(chunk: Chunk, value: number): void {
    const { at, width, owner, offset, permissions } = chunk;
    if (permissions.writes === 'raw') {
      this.hardware.write(at, width, value);
      return;
    }
    const place = { at, width, offset, value, standard: at < pci.PCI_CFG_SPACE_SIZE ? owner : -1 };
    const finish = this.effects.before(place);
    const [virtual, writable] = [permissions.virtualBits(offset, width), permissions.writableBits(offset, width)];
    const [kept, through] = [(writable & virtual) >>> 0, (writable & ~virtual) >>> 0];
    if (kept !== 0) this.setShadow(at, width, (this.shadowed(at, width) & ~kept) | (value & kept));
    if (through !== 0) this.hardware.write(at, width, ((this.hardware.read(at, width) & ~through) | (value & through)) >>> 0);
    finish();
  }

  /**
   * Moves `count` bytes. A failure midway loses the count: chunks before it have happened.
   *
   * @throws VfioError EFAULT when the caller's memory ends. What nobody would write is not looked at.
   */
  access(count: number, position: number, user: UserMemory, writes: boolean): void {
    for (let done = 0; done < count; ) {
      const chunk = this.chunk(position + done, count - done);
      const { width } = chunk;
      if (!writes) {
        const value = this.read(chunk);
        user.copyOut(done, Uint8Array.from({ length: width }, (_, i) => value >>> (8 * i)));
      } else if (chunk.permissions.writes !== 'never') {
        const bytes = user.copyIn(done, width);
        this.write(chunk, bytes.reduceRight((value, byte) => value * 256 + byte, 0));
        this.effects.finish();
      }
      done += width;
    }
  }

  /** Runs a reset of the function in D0, and leaves its registers as they were. */
  resetFunction(run: () => void): void {
    this.effects.setPowerState(0);
    const restore = saveState(this.hardware, this.map);
    try {
      run();
    } finally {
      restore();
    }
  }
}

// A card as bytes, to go with a saved state of v86: that has the guest's memory and processor, and of a card only a copy of configuration space.
//
//   magic, version | vendor, device, class | config | kind | kind 1: the stream of its migration           | CRC-32 of all before
//                                                          | kind 2: regions: index, pages that are not 0  |
//
// A state is read to its end before anything changes. Configuration space may differ from the card's in bits that a guest can write, or that the card itself sets, and nowhere else.

import {
  PCI_CAP_ID, PCI_CLASS_PROG, PCI_COMMAND, PCI_DEVICE_ID, PCI_STATUS, PCI_STATUS_INTERRUPT, PCI_VENDOR_ID, StateReader, StateWriter, crc32, findCapability, msiLayout,
} from '../../pci/index.ts';
import type { PciFunction } from '../../pci/index.ts';
import { VFIO_DEVICE_STATE_RUNNING, VfioError, joinedBytes } from '../../uapi/index.ts';
import type { MigrationModel } from '../../vfio/index.ts';

const MAGIC = 0x3638_424d; // "MB86"
const VERSION = 1;
const KIND = { stream: 1, pages: 2 } as const;
const PAGE = 4096;
const MOST = 2 ** 30;
const LARGEST = 1n << 32n;

function refuse(one: PciFunction, why: string): never {
  throw new VfioError('EINVAL', `${one.slot}: load`, why);
}

function head(one: PciFunction): Uint8Array {
  return new StateWriter().u32(MAGIC).u16(VERSION).u16(one.peek(PCI_VENDOR_ID, 2)).u16(one.peek(PCI_DEVICE_ID, 2)).u8(one.peek(PCI_CLASS_PROG, 1)).bytes();
}

/** Regions of plain bytes; refuses a card that is more than that. */
function plainRegions(one: PciFunction): PciFunction['bars'] {
  for (const { index, region } of one.bars) {
    if (region.size > LARGEST) throw new VfioError('ENOTSUP', `${one.slot}: state`, `BAR ${index} has ${region.size} bytes, more than the ${LARGEST} that the guest has addresses for, and the device was made without a migration`);
    if (region.kind === 'ram' || region.kind === 'demand') continue;
    throw new VfioError('ENOTSUP', `${one.slot}: state`, `BAR ${index} is a ${region.kind} region, and the device was made without a migration; see streamedMigration`);
  }
  return one.bars;
}

function modelOf(one: PciFunction, call: string): MigrationModel | undefined {
  const state = one.device.migration?.state;
  if (state !== undefined && state !== VFIO_DEVICE_STATE_RUNNING) throw new VfioError('EBUSY', `${one.slot}: ${call}`, 'a VFIO program is migrating the device');
  return one.description.migration;
}

/** Runs `use` while the device stands still. */
function stopped<Result>(model: MigrationModel, use: () => Result): Result {
  model.stop?.();
  try {
    return use();
  } finally {
    model.run?.();
  }
}

function stream(one: PciFunction, model: MigrationModel): Uint8Array {
  const parts: Uint8Array[] = [];
  const source = model.save();
  try {
    source.finish();
    for (let part = source.next(); part?.length !== 0; part = source.next()) {
      if (part === undefined) throw new VfioError('EAGAIN', `${one.slot}: save`, 'the device has no state ready now');
      parts.push(part);
    }
  } finally {
    source.end?.();
  }
  return joinedBytes(parts);
}

function pages(one: PciFunction): Uint8Array {
  const to = new StateWriter();
  const page = new Uint8Array(PAGE);
  to.list(plainRegions(one), (_, { index, region }) => {
    const size = Number(region.size);
    const written: { readonly at: number; readonly bytes: Uint8Array }[] = [];
    for (let at = 0; at < size; at += PAGE) {
      const bytes = region.readBytes(at, page.subarray(0, Math.min(PAGE, size - at)));
      if (bytes.some((byte) => byte !== 0)) written.push({ at, bytes: bytes.slice() });
    }
    to.u8(index).u64(region.size).list(written, (_to, { at, bytes }) => to.u64(BigInt(at)).block(bytes));
  });
  return to.bytes();
}

/**
 * The card now.
 *
 * @throws VfioError ENOTSUP for a device of registers without a migration, EBUSY while VFIO migrates it, EAGAIN when it has no state ready; nothing has changed.
 */
export function saveCard(one: PciFunction): Uint8Array {
  const model = modelOf(one, 'save');
  const [kind, contents] = model === undefined ? [KIND.pages, pages(one)] : [KIND.stream, stopped(model, () => stream(one, model))];
  const to = new StateWriter().block(head(one)).block(one.readConfig()).u8(kind).block(contents);
  return to.u32(crc32(to.bytes())).bytes();
}

/** Bits of a byte that differ without a guest having written them. */
function ownBits(one: PciFunction, offset: number): number {
  if (offset === PCI_STATUS) return PCI_STATUS_INTERRUPT;
  const msi = findCapability(one.readConfig(), PCI_CAP_ID.MSI)?.offset;
  const pending = msi === undefined ? null : msiLayout(one.readConfig(), msi).pending;
  if (pending !== null && offset >= pending && offset < pending + 4) return 0xff;
  // Sizes of resized BARs decide which of their bits are addresses.
  return one.description.resizableBars === true && one.bars.some(({ registers }) => registers.some((at) => offset > at && offset < at + 4)) ? 0xff : 0;
}

function checkConfig(one: PciFunction, found: Uint8Array, accepts: (register: number, value: number) => boolean): void {
  const now = one.readConfig();
  if (found.length !== now.length) refuse(one, `configuration space has ${found.length} bytes; the card's has ${now.length}`);
  for (let at = 0; at < now.length; at++) {
    const differs = found[at]! ^ now[at]!;
    if (differs === 0) continue;
    const field = one.registerAt(at);
    const shift = field === undefined ? 0 : 8 * (at - field.offset);
    const free = field === undefined ? 0 : (((field.writable ?? 0) | (field.clears ?? 0)) >>> shift) & 0xff;
    if ((differs & ~(free | ownBits(one, at))) !== 0) refuse(one, `byte 0x${at.toString(16)} of configuration space is 0x${found[at]!.toString(16)}, and 0x${now[at]!.toString(16)} of the card`);
  }
  const view = new DataView(found.buffer, found.byteOffset);
  for (let at = 0; at < 64; at += 4) if (!accepts(at, view.getUint32(at, true))) refuse(one, `the BAR at 0x${at.toString(16)} of configuration space is not where this card's is fixed`);
}

/** Configuration space becomes `config`: bytes first, then one write of COMMAND, at which everything follows. */
function becomeConfig(one: PciFunction, config: Uint8Array): void {
  const view = new DataView(config.buffer, config.byteOffset);
  for (let at = 0; at < config.length; at += 4) if (one.peek(at, 4) !== view.getUint32(at, true)) one.poke(at, 4, view.getUint32(at, true));
  one.config.write16(PCI_COMMAND, view.getUint16(PCI_COMMAND, true));
}

function pagesLoader(one: PciFunction, contents: Uint8Array): () => void {
  const from = new StateReader(one.slot, contents);
  const regions = plainRegions(one);
  const seen = new Set<number>();
  const loaded = from.list(regions.length, () => {
    const index = from.u8();
    if (seen.has(index)) refuse(one, `the state has BAR ${index} twice`);
    seen.add(index);
    const region = regions.find((bar) => bar.index === index)?.region ?? refuse(one, `the state has a BAR ${index}, and the card none`);
    const size = from.u64();
    if (size !== region.size) refuse(one, `BAR ${index} has ${size} bytes in the state, and ${region.size} in the card`);
    const written = from.list(Number(size) / PAGE + 1, () => {
      const at = Number(from.u64(size));
      const bytes = from.block(PAGE);
      if (at % PAGE !== 0 || bytes.length !== Math.min(PAGE, Number(size) - at) || bytes.length === 0) refuse(one, `${bytes.length} bytes at ${at} are no page of BAR ${index}`);
      return [at, bytes] as const;
    });
    return { region, size: Number(size), written: new Map(written) };
  });
  from.end();
  if (loaded.length !== regions.length) refuse(one, `the state has ${loaded.length} BARs; the card has ${regions.length}`);
  return () => {
    const page = new Uint8Array(PAGE);
    for (const { region, size, written } of loaded) {
      for (let at = 0; at < size; at += PAGE) {
        const now = region.readBytes(at, page.subarray(0, Math.min(PAGE, size - at)));
        const wanted = written.get(at);
        // A page that is 0 already is not written: it would come to be.
        if (wanted !== undefined) region.writeBytes(at, wanted);
        else if (now.some((byte) => byte !== 0)) region.writeBytes(at, now.fill(0));
      }
    }
  };
}

/**
 * Makes the card what a state says.
 *
 * @param accepts whether a register of configuration space may have a value.
 * @throws VfioError EINVAL for what is no state of such a card, with what was found; EBUSY while VFIO migrates it. Nothing has changed then.
 */
export function loadCard(one: PciFunction, state: Uint8Array, accepts: (register: number, value: number) => boolean): void {
  const from = new StateReader(one.slot, state);
  const identity = from.block(64);
  const own = head(one);
  if (identity.length !== own.length || identity.some((byte, i) => byte !== own[i])) refuse(one, 'it is no state of such a card, or of another version');
  const config = from.block(4096);
  const kind = from.u8();
  const contents = from.block(MOST);
  const sum = from.u32();
  from.end();
  const found = crc32(state.subarray(0, state.length - 4));
  if (sum !== found) refuse(one, `the checksum is 0x${sum.toString(16)}, and 0x${found.toString(16)} of the bytes`);
  const model = modelOf(one, 'load');
  if (kind !== (model === undefined ? KIND.pages : KIND.stream)) refuse(one, `the state is of kind ${kind}, and this card's are of kind ${model === undefined ? KIND.pages : KIND.stream}`);
  checkConfig(one, config, accepts);
  if (model === undefined) {
    pagesLoader(one, contents)();
    becomeConfig(one, config);
    return;
  }
  stopped(model, () => {
    const target = model.load();
    target.write(contents);
    target.finish();
    becomeConfig(one, config);
  });
}

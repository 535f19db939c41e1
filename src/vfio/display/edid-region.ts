// The EDID region of a display: where a program says which monitor the guest shall see. Behaviour text, section 2.3.
//
//   000  edid_offset 0x800  edid_max_size 0x400  edid_size   max_xres  max_yres  link_state
//        0 read-only        4 read-only          8           c ro      10 ro     14: 1 up, 2 down
//   800  the monitor's EDID, 0x400 bytes
//
// Registers answer accesses of 4 bytes that a multiple of 4 divides; others are ignored, and so is what lies in neither part.
//
// Source: linux/vfio.h struct vfio_region_gfx_edid; samples/vfio-mdev/mbochs.c handle_edid_regs, handle_edid_blob

import { integer } from '../../core/index.ts';
import type { Engine, Region } from '../../core/index.ts';
import { VFIO_DEVICE_GFX_LINK_STATE_UP, vfio_region_gfx_edid } from '../../uapi/index.ts';
import type { VfioRegionDescription } from '../device.ts';

const BYTES = 0x1000;
const BLOB = 0x800;
const BLOB_BYTES = 0x400;
/** VFIO_REGION_TYPE_GFX and VFIO_REGION_SUBTYPE_GFX_EDID. Source: linux/vfio.h */
const TYPE = { type: 1, subtype: 1 };

/** What an EDID region is made of. */
export interface EdidRegionOptions {
  /** The largest mode that the display can show, pixels and lines. */
  readonly maxWidth: number;
  readonly maxHeight: number;
  /** The program has set the link: the monitor's EDID, or null without a monitor. */
  readonly onLink?: (edid: Uint8Array | null) => void;
  readonly name?: string;
}

/**
 * Makes an EDID region: a device-specific one, index 9 and up.
 *
 * @throws RangeError for sizes that are no 32-bit numbers; VfioError ENOMEM when the core is full.
 */
export function edidRegion(engine: Engine, options: EdidRegionOptions): VfioRegionDescription & { readonly region: Region } {
  const max_xres = integer('edidRegion: maxWidth', options.maxWidth, 1, 0xffff_ffff);
  const max_yres = integer('edidRegion: maxHeight', options.maxHeight, 1, 0xffff_ffff);
  const registers = vfio_region_gfx_edid.encode({ edid_offset: BLOB, edid_max_size: BLOB_BYTES, edid_size: 0, max_xres, max_yres, link_state: 0 });
  const view = new DataView(registers.buffer, registers.byteOffset, registers.length);
  const blob = new Uint8Array(BLOB_BYTES);
  const { edid_size, link_state } = vfio_region_gfx_edid.fields;
  const isRegister = (at: number, width: number): boolean => width === 4 && at % 4 === 0 && at + width <= registers.length;
  const isBlob = (at: number, width: number): boolean => at >= BLOB && at + width <= BLOB + BLOB_BYTES;
  const linked = (): void => {
    const isUp = view.getUint32(link_state.offset, true) === VFIO_DEVICE_GFX_LINK_STATE_UP;
    options.onLink?.(isUp ? blob.slice(0, Math.min(BLOB_BYTES, view.getUint32(edid_size.offset, true))) : null);
  };
  const region = engine.region({
    kind: 'hook',
    name: options.name ?? 'EDID',
    size: BYTES,
    maxWidth: 4,
    unaligned: false,
    read(position, width) {
      const at = Number(position);
      if (isRegister(at, width)) return view.getUint32(at, true);
      let value = 0;
      if (isBlob(at, width)) for (let i = width - 1; i >= 0; i--) value = value * 256 + blob[at - BLOB + i]!;
      return value;
    },
    write(position, width, data) {
      const [at, value] = [Number(position), Number(data)];
      if (isBlob(at, width)) for (let i = 0; i < width; i++) blob[at - BLOB + i] = value >>> (8 * i);
      if (!isRegister(at, width) || (at !== edid_size.offset && at !== link_state.offset)) return;
      view.setUint32(at, value, true);
      if (at === link_state.offset) linked();
    },
  });
  return { region, size: BigInt(BYTES), capabilities: [{ kind: 'TYPE', ...TYPE }] };
}

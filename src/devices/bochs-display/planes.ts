// The picture of a bochs-display as VFIO programs find it: a plane, and a region that takes a monitor.

import type { Engine, Region } from '../../core/index.ts';
import type { VfioExtras } from '../../pci/index.ts';
import { edidRegion } from '../../vfio/index.ts';
import type { VfioDisplay } from '../../vfio/index.ts';
import type { DisplayMode, PixelFormat } from './bochs-display.ts';

/** What a plane is: BAR 0, or a buffer of its own. */
export type PlaneKind = VfioDisplay['kind'];

/** DRM_FORMAT_* of linux/drm_fourcc.h: four characters. */
const FOURCC: Readonly<Record<PixelFormat, number>> = { XRGB8888: 0x3432_5258, BGRX8888: 0x3432_5842, RGB888: 0x3432_4752, RGB565: 0x3631_4752, XRGB1555: 0x3531_5258 };
/** DRM_PLANE_TYPE_PRIMARY: the only plane there is. */
const PRIMARY = 1;
const FRAMEBUFFER = 0;

/** The display's side. @internal */
export interface PlaneSource {
  readonly mode: () => DisplayMode | null;
  /** Bytes of the framebuffer. */
  readonly memory: number;
  readonly framebuffer: () => Region;
  readonly largest: readonly [width: number, height: number];
  /** Another monitor, or none. */
  readonly plug: (edid: Uint8Array | null) => void;
}

/** @throws TypeError for a kind that is none. @internal */
export function planesFor(engine: Engine, kind: PlaneKind, { mode, memory, framebuffer, largest: [maxWidth, maxHeight], plug }: PlaneSource): VfioExtras {
  if (!['region', 'dma-buf'].includes(kind)) throw new TypeError(`bochsDisplay: planes is ${JSON.stringify(kind)}; expected 'region' or 'dma-buf'`);
  const shown = (type: number) => {
    const now = type === PRIMARY ? mode() : null;
    return now === null ? null : { format: FOURCC[now.format], width: now.width, height: now.height, stride: now.stride, size: now.stride * now.height, position: now.offset };
  };
  const asRegion = (type: number) => {
    const found = shown(type);
    // A plane in a region starts where the region does: there is no way to say another place.
    return found === null || found.position !== 0 ? null : { ...found, size: memory };
  };
  const asBuffer = (type: number) => {
    const found = shown(type);
    return found === null ? null : { ...found, region: framebuffer() };
  };
  const display: VfioDisplay = kind === 'region' ? { kind, regionIndex: FRAMEBUFFER, plane: asRegion } : { kind, plane: asBuffer };
  return { display, regions: [edidRegion(engine, { maxWidth, maxHeight, onLink: plug, name: 'bochs-display EDID' })] };
}

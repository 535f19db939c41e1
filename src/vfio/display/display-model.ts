// What a display device must supply: its planes, as regions of the device or as buffers of their own.

import type { Region } from '../../core/index.ts';

/** A plane that is shown. Pixels, unless it says bytes. */
export interface DisplayPlane {
  /** DRM_FORMAT_*: four characters, as linux/drm_fourcc.h writes them. */
  readonly format: number;
  /** DRM_FORMAT_MOD_*. Default 0: linear. */
  readonly modifier?: bigint;
  readonly width: number;
  readonly height: number;
  /** Bytes from one line to the next. */
  readonly stride: number;
  /** Bytes of the plane, or of the region that it lies in. */
  readonly size: number;
  /** Default 0. */
  readonly xPos?: number;
  readonly yPos?: number;
  readonly xHot?: number;
  readonly yHot?: number;
}

/** A plane and where its bytes are. */
export interface BufferPlane extends DisplayPlane {
  readonly region: Region;
  /** Bytes from the start of the region, below 2^53. */
  readonly position: number;
}

/**
 * How a device shows its planes to VFIO_DEVICE_QUERY_GFX_PLANE. `plane` answers what DRM plane type `type` (1: primary) shows now, or null while that is nothing.
 *
 * `region`: it starts at byte 0 of a region of the device. `dma-buf`: it is a buffer, which VFIO_DEVICE_GET_GFX_DMABUF gives an fd.
 */
export type VfioDisplay =
  | { readonly kind: 'region'; readonly regionIndex: number; readonly plane: (type: number) => DisplayPlane | null }
  | { readonly kind: 'dma-buf'; readonly plane: (type: number) => BufferPlane | null };

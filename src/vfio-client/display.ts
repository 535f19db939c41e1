// What a display device shows: the plane now, as a region of the device or as a buffer of its own. Behaviour text, section 1.12.
//
//   probe(kind)  PROBE | kind    0: its planes are of this kind    EINVAL: of the other    ENOTTY: it is no display
//   plane(kind)  kind            a picture, or all zero: there is none
//   dmaBuf(id)   dmabuf_id       the result: a new fd of that buffer

import {
  VFIO_DEVICE_GET_GFX_DMABUF,
  VFIO_DEVICE_QUERY_GFX_PLANE,
  VFIO_GFX_PLANE_TYPE_DMABUF,
  VFIO_GFX_PLANE_TYPE_PROBE,
  VFIO_GFX_PLANE_TYPE_REGION,
  VfioError,
  vfio_device_gfx_plane_info,
} from '../uapi/index.ts';
import type { StructRecord } from '../uapi/index.ts';
import { VfioAnswerError, ask, newFd } from './calls.ts';
import type { VfioCalls } from './calls.ts';

const QUERY = 'VFIO_DEVICE_QUERY_GFX_PLANE';
const GET = 'VFIO_DEVICE_GET_GFX_DMABUF';

/** How a display hands out its planes: as a region of the device, or each as a buffer. */
export type GfxPlaneKind = 'region' | 'dma-buf';

/** Which plane, as DRM counts them: DRM_PLANE_TYPE_OVERLAY 0, PRIMARY 1, CURSOR 2. */
export type GfxPlaneType = 'overlay' | 'primary' | 'cursor';

const KINDS: Readonly<Record<GfxPlaneKind, number>> = { region: VFIO_GFX_PLANE_TYPE_REGION, 'dma-buf': VFIO_GFX_PLANE_TYPE_DMABUF };
/** The place in the list is the number. */
const TYPES: readonly GfxPlaneType[] = ['overlay', 'primary', 'cursor'];
/** Of a hot spot: the driver does not know it. Source: linux/vfio.h */
const UNKNOWN = 0xffff_ffff;
/** DRM_FORMAT_MOD_LINEAR. Source: linux/drm_fourcc.h */
const LINEAR = 0n;
/** DRM_FORMAT_BIG_ENDIAN. Source: linux/drm_fourcc.h */
const BIG_ENDIAN = 0x8000_0000;

/** A picture that is shown now. */
export interface GfxPlane {
  /** DRM_FORMAT_ number. */
  readonly format: number;
  /** Its four characters: `XR24` is XRGB8888. ` BE` behind them: big-endian. A hexadecimal number where they are none. */
  readonly formatName: string;
  /** DRM_FORMAT_MOD_ number; 0n: linear. */
  readonly modifier: bigint;
  /** Pixels, at least 1. */
  readonly width: number;
  /** Lines, at least 1. */
  readonly height: number;
  /** Bytes from one line to the next, at least 1. */
  readonly stride: number;
  /** Bytes of the buffer, or of the region. */
  readonly size: number;
  /** Pixels from the left edge of the screen. */
  readonly xPos: number;
  /** Lines from the top of the screen. */
  readonly yPos: number;
  /** Of a cursor: the pixel that points, from the plane's left edge. Undefined where the driver does not know. */
  readonly xHot: number | undefined;
  /** Of a cursor: the line that points, from the plane's top. Undefined where the driver does not know. */
  readonly yHot: number | undefined;
}

/** A picture that starts at byte 0 of a region. */
export interface RegionGfxPlane extends GfxPlane {
  /** To be asked for and mapped. Some drivers have it beyond the regions that GET_INFO counts. */
  readonly regionIndex: number;
}

/** A picture in a buffer of its own. */
export interface BufferGfxPlane extends GfxPlane {
  /** The buffer's number, for {@link DisplayClient.dmaBuf}. The same number is the same buffer. */
  readonly dmaBufId: number;
}

function formatName(format: number): string {
  const letters = String.fromCharCode(...[0, 8, 16, 24].map((bit) => ((format & ~BIG_ENDIAN) >>> bit) & 0xff));
  if (!/^[\x21-\x7e][\x20-\x7e]{3}$/.test(letters)) return `0x${format.toString(16)}`;
  return `${letters.trimEnd()}${(format & BIG_ENDIAN) === 0 ? '' : ' BE'}`;
}

/** The picture; undefined where all is zero. */
function decodePlane(info: StructRecord<typeof vfio_device_gfx_plane_info>): GfxPlane | undefined {
  const { drm_format: format, drm_format_mod: modifier, width, height, stride, size, x_pos: xPos, y_pos: yPos, x_hot, y_hot } = info;
  const parts = [format, width, height, stride, size];
  if (parts.every((part) => part === 0)) return undefined;
  const picture = `${width}x${height} of format 0x${format.toString(16)}, ${stride} bytes a line, ${size} bytes`;
  if (parts.includes(0)) throw new VfioAnswerError(QUERY, `${picture}: expected a picture, or zeros alone`);
  // The last line may be shorter than the others.
  if (modifier === LINEAR && BigInt(stride) * BigInt(height - 1) >= BigInt(size)) throw new VfioAnswerError(QUERY, `${picture}: there is no room for the last line`);
  const hot = (at: number): number | undefined => (at === UNKNOWN ? undefined : at);
  return { format, formatName: formatName(format), modifier, width, height, stride, size, xPos, yPos, xHot: hot(x_hot), yHot: hot(y_hot) };
}

/**
 * The display of a device.
 *
 * @example
 * ```ts
 * const plane = client.display.plane('dma-buf'); // VfioError ENOMEM: the buffer is made now, ask again
 * if (plane !== undefined) {
 *   const fd = client.display.dmaBuf(plane.dmaBufId);
 *   const pixels = process.mmap(plane.size, PROT_READ, MAP_SHARED, fd);
 *   process.memory.read32(pixels + plane.stride); // the first pixel of line 1
 *   process.close(fd);
 * }
 * ```
 */
export class DisplayClient {
  private readonly calls: VfioCalls;
  private readonly fd: number;

  /** @internal */
  constructor(calls: VfioCalls, fd: number) {
    this.calls = calls;
    this.fd = fd;
  }

  private query(flags: number, type: number): StructRecord<typeof vfio_device_gfx_plane_info> {
    const bytes = vfio_device_gfx_plane_info.encode({ argsz: vfio_device_gfx_plane_info.size, flags, drm_plane_type: type });
    ask(QUERY, () => this.calls.ioctl(this.fd, VFIO_DEVICE_QUERY_GFX_PLANE, bytes));
    const info = vfio_device_gfx_plane_info.decode(bytes);
    if (info.flags !== flags) throw new VfioAnswerError(QUERY, `flags 0x${flags.toString(16)} were asked for, and 0x${info.flags.toString(16)} answered`);
    return info;
  }

  /**
   * Whether planes are of a kind. Nothing is made or changed.
   *
   * @returns undefined when the device is no display: ENOTTY; false when it is one of the other kind: EINVAL.
   * @throws VfioError EBADF. TypeError for a kind that is none.
   * @example
   * ```ts
   * client.display.probe('dma-buf'); // true
   * client.display.probe('region');  // false
   * ```
   */
  probe(kind: GfxPlaneKind): boolean | undefined {
    const flags = VFIO_GFX_PLANE_TYPE_PROBE | kindFlag('probe', kind);
    try {
      this.query(flags, TYPES.indexOf('primary'));
      return true;
    } catch (error) {
      if (!(error instanceof VfioError)) throw error;
      if (error.code === 'ENOTTY') return undefined;
      if (error.code === 'EINVAL') return false;
      throw error;
    }
  }

  /**
   * What a plane shows now.
   *
   * @param kind - The kind that {@link DisplayClient.probe} finds.
   * @param type - Default `primary`.
   * @returns undefined while nothing is shown.
   * @throws VfioError ENOTTY when the device is no display; EINVAL when it is one of the other kind; ENOMEM when a picture is met for the first time and its buffer is made:
   *   ask again; EBADF, and what the driver says of a picture that it cannot show.
   * @throws TypeError for a kind or type that is none. VfioAnswerError for a picture that cannot be: no pixels, or more lines than bytes for them.
   * @example
   * ```ts
   * const plane = client.display.plane('dma-buf');
   * plane?.formatName; // 'XR24'
   * plane?.height;     // 64
   * ```
   */
  plane(kind: 'region', type?: GfxPlaneType): RegionGfxPlane | undefined;
  /** The same of a display whose planes are buffers. */
  plane(kind: 'dma-buf', type?: GfxPlaneType): BufferGfxPlane | undefined;
  /** The same of either. */
  plane(kind: GfxPlaneKind, type?: GfxPlaneType): RegionGfxPlane | BufferGfxPlane | undefined;
  plane(kind: GfxPlaneKind, type: GfxPlaneType = 'primary'): RegionGfxPlane | BufferGfxPlane | undefined {
    const number = TYPES.indexOf(type);
    if (number < 0) throw new TypeError(`plane: the type is ${JSON.stringify(type)}; expected one of ${TYPES.join(', ')}`);
    const info = this.query(kindFlag('plane', kind), number);
    const plane = decodePlane(info);
    if (plane === undefined) return undefined;
    return kind === 'region' ? { ...plane, regionIndex: info.region_index } : { ...plane, dmaBufId: info.dmabuf_id };
  }

  /**
   * Opens the buffer of a plane.
   *
   * @param id - {@link BufferGfxPlane.dmaBufId}: 0 to 2^32-1, of this open device.
   * @returns A new fd, which its user closes. Mapped shared, from offset 0 on, it is the picture; it outlives the device's fd.
   * @throws VfioError ENOTTY when the device is no display with buffers; ENOENT when no buffer has the number; EINVAL when the buffer starts inside a page; EMFILE; EBADF.
   * @throws RangeError for a number out of range. VfioAnswerError for a result that is no new fd.
   * @example
   * ```ts
   * const fd = client.display.dmaBuf(client.display.plane('dma-buf')!.dmaBufId);
   * process.lseek(fd); // 8192
   * process.close(fd);
   * ```
   */
  dmaBuf(id: number): number {
    if (!Number.isSafeInteger(id) || id < 0 || id > 0xffff_ffff) throw new RangeError(`dmaBuf: the number is ${String(id)}; expected 0 to 2^32-1`);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, id, true);
    return newFd(GET, this.fd, () => this.calls.ioctl(this.fd, VFIO_DEVICE_GET_GFX_DMABUF, bytes));
  }
}

function kindFlag(what: string, kind: GfxPlaneKind): number {
  if (!Object.hasOwn(KINDS, kind)) throw new TypeError(`${what}: the kind is ${JSON.stringify(kind)}; expected 'region' or 'dma-buf'`);
  return KINDS[kind];
}

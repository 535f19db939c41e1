// VFIO_DEVICE_QUERY_GFX_PLANE and VFIO_DEVICE_GET_GFX_DMABUF: what a display shows. Behaviour text, section 1.12.
//
//   argsz flags type format modifier width height stride size x_pos y_pos x_hot y_hot region_index/dmabuf_id | reserved (neither read nor written)
//   0     4     8    12     16       24    28     32     36   40    44    48    52    56                       60
//
// A buffer has a number from the first query that meets its mode on; that query answers ENOMEM, the next one the number.
//
// Source: samples/vfio-mdev/mdpy.c and mbochs.c

import { VFIO_GFX_PLANE_TYPE_DMABUF, VFIO_GFX_PLANE_TYPE_PROBE, VFIO_GFX_PLANE_TYPE_REGION, VfioError, vfio_device_gfx_plane_info } from '../../uapi/index.ts';
import { PAGE_SIZE } from '../device.ts';
import type { CallingProcess } from '../files/open-file.ts';
import { BufferFile } from '../dma-buf/buffer-file.ts';
import { askModel } from '../model-error.ts';
import type { UserMemory } from '../user-memory.ts';
import type { BufferPlane, DisplayPlane, VfioDisplay } from './display-model.ts';

const USED = vfio_device_gfx_plane_info.fields.reserved.offset;
const NOTHING: DisplayPlane = { format: 0, width: 0, height: 0, stride: 0, size: 0 };

interface Buffer {
  readonly id: number;
  readonly plane: BufferPlane;
  /** While an fd of it is open. */
  file: BufferFile | undefined;
}

function isSame(a: BufferPlane, b: BufferPlane): boolean {
  return a.region === b.region && (['format', 'width', 'height', 'stride', 'size', 'position'] as const).every((key) => a[key] === b[key]);
}

/** The display of one device, shared by all of its open files. @internal */
export class DeviceDisplay {
  private readonly model: VfioDisplay;
  private readonly buffers = new Map<number, Buffer>();
  private nextId = 1;

  constructor(model: VfioDisplay) {
    this.model = model;
  }

  /** The last file has been closed: numbers are forgotten, open buffers stay. */
  release(): void {
    this.buffers.clear();
  }

  private idOf(call: string, plane: BufferPlane): number {
    const found = [...this.buffers.values()].find((one) => isSame(one.plane, plane));
    if (found !== undefined) return found.id;
    const id = this.nextId++;
    this.buffers.set(id, { id, plane, file: undefined });
    throw new VfioError('ENOMEM', call, `the buffer of ${plane.width}x${plane.height} is made now: ask again`);
  }

  /** VFIO_DEVICE_QUERY_GFX_PLANE. Writes 60 bytes: with PROBE those that it was given. */
  query(user: UserMemory): number {
    const call = 'VFIO_DEVICE_QUERY_GFX_PLANE';
    const bytes = new Uint8Array(vfio_device_gfx_plane_info.size);
    bytes.set(user.copyIn(0, USED));
    const { argsz, flags, drm_plane_type: type } = vfio_device_gfx_plane_info.decode(bytes);
    if (argsz < USED) throw new VfioError('EINVAL', call, `argsz ${argsz} is below ${USED}`);
    const { model } = this;
    const own = model.kind === 'region' ? VFIO_GFX_PLANE_TYPE_REGION : VFIO_GFX_PLANE_TYPE_DMABUF;
    if ((flags & ~VFIO_GFX_PLANE_TYPE_PROBE) !== own) throw new VfioError('EINVAL', call, `flags 0x${flags.toString(16)}: this display's planes are of kind ${model.kind}, 0x${own.toString(16)}`);
    if ((flags & VFIO_GFX_PLANE_TYPE_PROBE) === 0) {
      const found = askModel(() => model.plane(type));
      const id = model.kind === 'region' ? model.regionIndex : found === null ? 0 : this.idOf(call, found as BufferPlane);
      const { format, modifier = 0n, width, height, stride, size, xPos = 0, yPos = 0, xHot = 0, yHot = 0 } = found ?? NOTHING;
      vfio_device_gfx_plane_info.encode(
        { drm_format: format, drm_format_mod: modifier, width, height, stride, size, x_pos: xPos, y_pos: yPos, x_hot: xHot, y_hot: yHot, dmabuf_id: id },
        bytes,
      );
    }
    user.copyOut(0, bytes.subarray(0, USED));
    return 0;
  }

  /** VFIO_DEVICE_GET_GFX_DMABUF: a new fd of a buffer. Undefined: the display has none, and no such request. */
  getBuffer(user: UserMemory, process: CallingProcess): number | undefined {
    const call = 'VFIO_DEVICE_GET_GFX_DMABUF';
    if (this.model.kind !== 'dma-buf') return undefined;
    const id = new DataView(user.copyIn(0, 4).buffer).getUint32(0, true);
    const buffer = this.buffers.get(id);
    if (buffer === undefined) throw new VfioError('ENOENT', call, `no buffer has the number ${id}`);
    const { region, position, size } = buffer.plane;
    if (position % PAGE_SIZE !== 0) throw new VfioError('EINVAL', call, `the buffer starts at 0x${position.toString(16)}, inside a page`);
    const file = buffer.file ?? new BufferFile({ region, position: BigInt(position), size: BigInt(size) }, () => (buffer.file = undefined));
    const fd = process.install(call, file);
    buffer.file = file;
    return fd;
  }
}

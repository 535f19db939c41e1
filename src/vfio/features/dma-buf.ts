// Feature DMA_BUF of Linux 7.2: parts of a BAR as a dma-buf, whose fd the call answers. Behaviour text, section 9, DMA_BUF.
//
//   region_index open_flags flags nr_ranges | { offset, length } * nr_ranges        only the first 16 bytes must lie in argsz
//   0            4          8     12          16   0       8
//
// Source: drivers/vfio/pci/vfio_pci_dmabuf.c vfio_pci_core_feature_dma_buf, validate_dmabuf_input of 7.2

import { hex } from '../../core/index.ts';
import { VFIO_DEVICE_FEATURE_GET, VFIO_PCI_ROM_REGION_INDEX, VfioError, vfio_device_feature_dma_buf, vfio_region_dma_range } from '../../uapi/index.ts';
import { BarDmaBufFile } from '../dma-buf/bar-file.ts';
import { VfioDmaBuf } from '../dma-buf/bar-buffer.ts';
import type { VfioRegion } from '../device.ts';
import { PAGE_SIZE } from '../page.ts';
import type { Feature } from './feature.ts';

const HEADER = vfio_device_feature_dma_buf.size;
const RANGE = vfio_region_dma_range.size;
/** What the kernel allocates at most in one piece. */
const MOST_BYTES = 4 << 20;
const PAGE = BigInt(PAGE_SIZE);

interface Part {
  readonly offset: bigint;
  readonly length: bigint;
}

/** Whole pages inside the BAR; an absent one has none. */
function checkParts(call: string, parts: readonly Part[], index: number, region: VfioRegion | undefined): void {
  const size = region?.size ?? 0n;
  parts.forEach(({ offset, length }, i) => {
    const what = `range ${i}, ${hex(length)} bytes at ${hex(offset)}`;
    if (length === 0n || offset % PAGE !== 0n || length % PAGE !== 0n) throw new VfioError('EINVAL', call, `${what}: expected whole pages, at least one`);
    if (offset + length > size) throw new VfioError('EINVAL', call, `${what}: it passes the end of BAR ${index}, ${hex(size)} bytes`);
  });
}

/** 11, GET. Nothing is written back. */
export const dmaBuf: Feature = {
  ops: VFIO_DEVICE_FEATURE_GET,
  bytes: HEADER,
  isThere: ({ kind }) => kind === 'pci',
  refuses: ({ description }) => (description.peerToPeer === false ? 'EOPNOTSUPP' : undefined),
  run(device, { call, data, process }) {
    const { region_index: index, open_flags, flags, nr_ranges: count } = vfio_device_feature_dma_buf.decode(data.copyIn(0, HEADER));
    if (count === 0 || flags !== 0) throw new VfioError('EINVAL', call, `nr_ranges is ${count} and flags 0x${flags.toString(16)}; expected at least 1, and 0`);
    if (index >= VFIO_PCI_ROM_REGION_INDEX) throw new VfioError('ENODEV', call, `region ${index} is no BAR`);
    if (count * RANGE > MOST_BYTES) throw new VfioError('ENOMEM', call, `${count} ranges are more than the kernel takes at once`);
    const bytes = data.copyIn(HEADER, count * RANGE);
    const parts = Array.from({ length: count }, (_, i) => vfio_region_dma_range.decode(bytes.subarray(i * RANGE, (i + 1) * RANGE)));
    const region = device.region(index);
    checkParts(call, parts, index, region);
    if (region === undefined || region.ioPorts === true) throw new VfioError('ENODEV', call, `BAR ${index} is no memory that others can reach`);
    const buffer = new VfioDmaBuf(parts.map(({ offset: position, length }) => ({ region: region.region, position, length })), !device.memoryEnabled());
    return process.install(call, new BarDmaBufFile(buffer, open_flags, device.dmaBufs.add(buffer)));
  },
};

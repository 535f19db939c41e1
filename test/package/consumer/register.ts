// Compiled with neither DOM nor Node types, and with every declaration file checked: what a strict TypeScript user meets.
import { Process, VfioDevice, VfioError, createEngine } from 'maplebar';
import type { Region, Window } from 'maplebar';
import { vfio_region_info } from 'maplebar/uapi';
import { decodeBars } from 'maplebar/pci';
import { irq, registerMap, registersOf, rw, w1c } from 'maplebar/registers';
import type { RegisterStore } from 'maplebar/registers';
import { readAccesses } from 'maplebar/trace';
import { VfioClient } from 'maplebar/vfio-client';
import type { BufferGfxPlane, IoEventFdOptions, PrecopyInfo } from 'maplebar/vfio-client';
import { RangeMap } from 'maplebar/range-map';
import { SharedRangeArena, SharedRangeReader } from 'maplebar/range-map/shared';
import type { RangeReaderSeat, SharedRangeMap, SharedRangeView } from 'maplebar/range-map/shared';

const engine = createEngine({ memoryLimit: 2 ** 24 });
const bar: Region = engine.region({ kind: 'hook', size: 0x1000, read: (position, width) => Number(position) + width });
const window: Window = engine.space('bus').map(0x1000n, bar, { memoryType: 'write-combining' });
const process = new Process(engine);
const fd: number = process.open(new VfioDevice({ name: '0000:00:01.0', regions: { 0: { region: bar } } }));
const size: bigint = vfio_region_info.decode(new Uint8Array(32)).size;
const client = new VfioClient(process, fd);
const plane: BufferGfxPlane | undefined = client.display.plane('dma-buf');
const doorbell: IoEventFdOptions = { at: 0n, value: 1, width: 4, fd: process.eventfd() };
const remove: () => void = client.region(0).ioeventfd(doorbell);
const buffer: number = client.feature.dmaBuf.get(0, [{ offset: 0n, size: 0x1000n }]);
const precopy: PrecopyInfo | undefined = client.migration.to('PRE_COPY')?.precopyInfo();
// @ts-expect-error a display of regions has no buffers
client.display.dmaBuf(client.display.plane('region')!.dmaBufId);
const numbers: RangeMap = new RangeMap([[1, 2, 3]]);
const bigints: RangeMap<bigint> = new RangeMap({ keys: 'bigint' });
const start: number = numbers.allocate({ size: 4, value: 7 });
const key: bigint | undefined = bigints.find(0n)?.first;
// @ts-expect-error a bigint is no key of a map with number keys
numbers.get(1n);
class Owned extends RangeMap<bigint> {}
{
  using snapshot = new Owned({ keys: 'bigint' }).set(1n, 2n, 3).snapshot();
  snapshot.getMany(new BigUint64Array(1));
}
const arena = new SharedRangeArena({ memoryLimit: 2 ** 24 });
const message: { seat: RangeReaderSeat; map: SharedRangeMap<bigint> } = { seat: arena.openReader(), map: arena.share(new RangeMap({ keys: 'bigint', arena })) };
const view: SharedRangeView<bigint> = new SharedRangeReader(message.seat).map(message.map);
// @ts-expect-error a view is read only
view.set(1n, 2n, 3);
const map = registerMap('named', { bytes: 8 }, { STATUS: { at: 0, fields: { DONE: w1c(0) } }, MASK: { at: 4, fields: { DONE: rw(0) } } }, { irq: [irq('done', { line: 0, status: 'STATUS', mask: 'MASK' })] });
const store: RegisterStore = { peek: () => 1n, poke: () => undefined };
const done: number = registersOf(map, store).STATUS.DONE.get();
// @ts-expect-error the map has no such field
registersOf(map, store).STATUS.DOEN.get();
export const used = [plane, remove, buffer, precopy, done, view.get(1n), window.start, fd, size, VfioError, decodeBars, readAccesses, start, key];

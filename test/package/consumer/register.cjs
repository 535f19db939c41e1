// The same in CommonJS, and that each subpath can be required.
const { createEngine } = require('maplebar');
const { VFIO_DEVICE_GET_INFO } = require('maplebar/uapi');
const { decodeConfigHeader } = require('maplebar/pci');
const { parseIomem } = require('maplebar/trace');
const { RangeMap } = require('maplebar/range-map');
const { RangeMap: SharedMap, SharedRangeArena, SharedRangeReader } = require('maplebar/range-map/shared');

if (VFIO_DEVICE_GET_INFO !== 0x3b6b || typeof decodeConfigHeader !== 'function' || parseIomem('').length !== 0 || new RangeMap([[1, 2, 3]]).get(2) !== 3) throw new Error('a subpath is not what it should be');
const arena = new SharedRangeArena();
const shared = arena.share(new SharedMap([[1, 2, 3]], { arena }));
if (new SharedRangeReader(arena.openReader()).map(shared).get(2) !== 3) throw new Error('a reader of a shared range map sees something else');
const engine = createEngine();
const bus = engine.space();
bus.map(0x1000, engine.region({ kind: 'ram', size: 0x1000 }));
bus.write32(0x1014, 0xcafe);
console.log(`register ${bus.read32(0x1014).toString(16)}`);

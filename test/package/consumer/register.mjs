// The least a user does: a device with one BAR, its register read through a bus and through a VFIO file. Answers what was read.
import { Process, VfioDevice, createEngine } from 'maplebar';
import { VFIO_DEVICE_GET_REGION_INFO, vfio_region_info } from 'maplebar/uapi';
import { RangeMap } from 'maplebar/range-map';

export function readRegister(options) {
  const engine = createEngine(options);
  const bar0 = engine.region({ kind: 'ram', size: 0x4000 });
  const bus = engine.space();
  bus.map(0xfebf8000, bar0);
  bus.write32(0xfebf8014, 0xcafe);

  const names = new RangeMap([[0x10, 0x17, 1]]);
  if (names.get(0x14) !== 1 || names.allocate({ size: 0x10, value: 2 }) !== 0) throw new Error('the range map answers something else');

  const process = new Process(engine);
  const fd = process.open(new VfioDevice({ name: '0000:00:01.0', regions: { 0: { region: bar0 } } }));
  const info = vfio_region_info.encode({ argsz: vfio_region_info.size, index: 0 });
  process.ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, info);
  const register = new Uint8Array(4);
  process.pread(fd, register, vfio_region_info.decode(info).offset + 0x14n);
  return `register ${new DataView(register.buffer).getUint32(0, true).toString(16)}`;
}

// A device of which QEMU maps a part: registers that are trapped, and behind them pages that it has in common with whoever looks.
//
//   BAR 0   0 .. 0xfff: a read answers how many there were, a write is kept      0x1000 .. 0x3fff: memory
import { PciFunction } from 'maplebar/pci';
import { sharedMemory, sharedRegion } from 'maplebar/vfio-user';

const BYTES = 0x4000;
const TRAPPED = 0x1000;

/** The identity of a function without capabilities: 1234:11e9, class ff0000, BAR 0 of memory. */
function config() {
  const bytes = new Uint8Array(256);
  bytes.set([0x34, 0x12, 0xe9, 0x11]);
  bytes[0x0b] = 0xff;
  return bytes;
}

/** Makes what makes one. */
export async function windowMaker() {
  const memory = await sharedMemory(BYTES);
  const view = new DataView(memory.bytes.buffer, memory.bytes.byteOffset, BYTES);
  let reads = 0;
  let written = 0;
  return (engine) => {
    const one = new PciFunction(engine, {
      slot: '00:00.0',
      config: config(),
      sizes: { bars: [BigInt(BYTES), 0n, 0n, 0n, 0n, 0n] },
      interrupts: {},
      backing: ({ name }) => sharedRegion(engine, memory, { name, from: TRAPPED, read: () => ++reads, write: (_, __, value) => void (written = Number(value)) }),
    });
    return {
      vfio: one.device,
      destroy: () => {
        one.destroy();
        memory.fd.close();
      },
      resets: 0,
      peek: (offset) => view.getUint32(offset, true),
      poke: (offset, value) => view.setUint32(offset, value, true),
      trapped: () => written,
    };
  };
}

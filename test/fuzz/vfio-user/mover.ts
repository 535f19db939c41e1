// A device for the fuzzer: whatever is written to its BAR makes it reach the client's memory. And a log of what was written.
//
//   BAR 0, any write:   value << 4 is the address; bit 2 of the offset chooses write or read, those above how many bytes

import type { Engine } from '../../../src/core/index.ts';
import type { DeviceHost } from '../../../src/pci/index.ts';
import { DmaLog, VfioDevice } from '../../../src/vfio/index.ts';

const SHIFT = 4;

/** Makes it. What a transfer ends with is nobody's concern. */
export function mover(engine: Engine, { dma }: DeviceHost): { readonly vfio: VfioDevice; destroy(): void } {
  const transfer = (at: number, value: number): void => {
    const address = BigInt(value >>> 0) << BigInt(SHIFT);
    const bytes = new Uint8Array((at >>> 3) + 1);
    void ((at & 4) === 0 ? dma!.read(address, bytes) : dma!.write(address, bytes)).catch((error: unknown) => {
      if (!(error instanceof Error && 'errno' in error)) throw error;
    });
  };
  const bars = [
    engine.region({ kind: 'hook', name: 'BAR 0', size: 0x1000, read: () => 0x5a, write: transfer }),
    engine.region({ kind: 'ram', name: 'BAR 2', size: 0x100 }),
    engine.region({ kind: 'ram', name: 'config', size: 0x100 }),
  ] as const;
  const vfio = new VfioDevice({
    name: '0000:00:01.0',
    regions: {
      0: { region: bars[0] },
      2: { region: bars[1], ioPorts: true },
      7: { region: bars[2] },
    },
    interrupts: { intx: true, msi: 4, express: true },
    msix: { bar: 2, offset: 0, count: 16 },
    dmaLogging: new DmaLog(),
  });
  return { vfio, destroy: () => bars.forEach((bar) => bar.destroy()) };
}

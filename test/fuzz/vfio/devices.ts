// What the runs are made on: all devices of src/devices on a testbench, and described ones of every kind.

import { VfioError } from '../../../src/uapi/index.ts';
import * as devices from '../../../src/devices/index.ts';
import type { Testbench } from '../../../src/hosts/index.ts';
import { capability, pciDevice } from '../../../src/pci/index.ts';
import type { DeviceHost, PciDevice } from '../../../src/pci/index.ts';
import type { Engine, Region } from '../../../src/core/index.ts';
import { DmaLog, HotResetSet, VfioDevice } from '../../../src/vfio/index.ts';
import type { MigrationModel, VfioDeviceDescription } from '../../../src/vfio/index.ts';

/** One device of a run. */
export interface Subject {
  readonly device: VfioDevice;
  /** The function behind it, where there is one. */
  readonly card?: PciDevice;
  readonly log?: DmaLog;
  /** Shows a picture of one mode or another, or none. */
  readonly show?: (value: number) => void;
}

/** What one kind of run has. */
export interface Stage {
  readonly name: string;
  /** `own` takes regions that go with the run. */
  readonly make: (bench: Testbench, own: (region: Region) => Region) => readonly Subject[];
}

type Make = (engine: Engine, host: DeviceHost) => PciDevice;

const REFERENCE: Readonly<Record<string, Make>> = {
  idio16: (engine, host) => devices.idio16(engine, host),
  edu: (engine, host) => devices.edu(engine, host),
  serial: (engine, host) => devices.serial(engine, host),
  'bochs-display': (engine, host) => devices.bochsDisplay(engine, host),
  'endpoint-test': (engine, host) => devices.endpointTest(engine, host),
  mtty: (engine, host) => devices.mtty(engine, host),
  'nvme-lite': (engine, host) => devices.nvmeLite(engine, host, { store: new Uint8Array(1 << 14), serial: 'fuzz' }),
};

/** A model that refuses an arc now and then, and streams what little it has. */
function migration(flags: number, manner: 'mlx5' | 'mtty'): MigrationModel {
  let arcs = 0;
  return {
    flags,
    manner,
    dataSize: () => 12,
    arc: () => (++arcs % 11 === 0 ? 'EBUSY' : undefined),
    stop: () => undefined,
    run: () => undefined,
    save: () => {
      const first = [new Uint8Array([1, 2, 3, 4, 5]), new Uint8Array([6, 7])];
      const rest: Uint8Array[] = [];
      return {
        pending: () => ({ initial: first.reduce((sum, { length }) => sum + length, 0), dirty: 0 }),
        next: () => first.shift() ?? rest.shift() ?? new Uint8Array(),
        finish: () => void rest.push(new Uint8Array([8, 9, 10])),
      };
    },
    load: () => {
      let written = 0;
      return {
        bytes: 10,
        write: (bytes) => {
          if (bytes[0] === 0xff) throw new VfioError('EINVAL', 'load', 'no such stream');
          written += bytes.length;
        },
        finish: () => {
          if (written > 64) throw new VfioError('EINVAL', 'load', 'too long');
        },
      };
    },
  };
}

function described(bench: Testbench, own: (region: Region) => Region, more: Partial<VfioDeviceDescription> & { readonly name: string }, slot = 0): VfioDevice {
  const { engine } = bench;
  const ram = (size: number): Region => own(engine.region({ kind: 'ram', size, name: `${more.name} ${size}` }));
  const registers = new Uint8Array(0x1000);
  const hook = own(engine.region({
    kind: 'hook',
    size: 0x1000,
    read: (at, width) => registers.subarray(Number(at), Number(at) + width).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n),
    write: (at, width, value) => {
      for (let i = 0; i < width; i++) registers[Number(at) + i] = Number((BigInt(value) >> BigInt(8 * i)) & 0xffn);
    },
  }));
  const regions = { 0: { region: ram(0x4000), prefetchable: true }, 1: { region: hook }, 3: { region: ram(0x20), ioPorts: true }, 6: { region: ram(0x1000), imageSize: 0x300 }, 7: { region: ram(0x100) }, 9: { region: ram(0x1800), mmap: true } };
  return new VfioDevice({
    regions: more.kind === undefined || more.kind === 'pci' ? regions : { 0: regions[0], 1: regions[1] },
    ...(more.kind === undefined && { msix: { bar: 0, offset: 0x2000, count: 4 }, msixMode: slot === 0 ? ('sparse' as const) : ('mappable' as const) }),
    ...more,
  });
}

const DESCRIBED: readonly Stage[] = [
  {
    name: 'described',
    make: (bench, own) => {
      const log = new DmaLog();
      const plain = described(bench, own, { name: 'plain', reset: true, atomics: 7, physicalFunction: true, interrupts: { intx: true, msi: 4, express: true, dynamicMsix: true, availableVectors: 3 }, migration: migration(7, 'mlx5'), dmaLogging: log });
      const other = described(bench, own, { name: 'other', physicalFunction: true, migration: migration(7, 'mtty'), suspends: false }, 1);
      new HotResetSet([{ bus: 1, devfn: 0, group: 7, device: plain }, { bus: 1, devfn: 1, group: 7, device: other }]);
      return [{ device: plain, log }, { device: other }];
    },
  },
  {
    name: 'platform and cdx',
    make: (bench, own) => {
      const log = new DmaLog();
      return [
        { log, device: described(bench, own, { name: 'platform', kind: 'platform', migration: migration(5, 'mlx5'), dmaLogging: log }) },
        { device: described(bench, own, { name: 'cdx', kind: 'cdx', busMaster: () => undefined }) },
      ];
    },
  },
  {
    name: 'virtual function',
    make: (bench, own) => {
      let busy = 0;
      const log = new DmaLog();
      const virtual = described(bench, own, { name: 'virtual', dmaLogging: log, migration: migration(7, 'mlx5'), reset: true, interrupts: { msi: 4, availableVectors: 0 }, resetBusy: () => ++busy % 7 === 0, config: { virtualFunction: { vendor: 0x8086, device: 0x1520 } } });
      new HotResetSet([{ bus: 2, devfn: 1, group: 7, device: virtual }]);
      return [{ device: virtual, log }];
    },
  },
  {
    name: 'with every capability',
    make: (bench) => {
      const card = bench.plug((engine, host) =>
        pciDevice(engine, {
          id: [1, 2], class: 0, pin: 'A', bars: { 0: { memory: 0x4000 }, 2: { memory: 0x20, kind: 'io' } },
          capabilities: [
            capability.powerManagement({ keepsState: false }), capability.msi({ vectors: 4 }),
            capability.msix({ vectors: 8, table: { bar: 0, offset: 0 }, pending: { bar: 0, offset: 0x1000 } }), capability.express(),
          ],
        }, host),
      );
      new HotResetSet([{ bus: 3, devfn: 0, group: 7, device: card.vfio }]);
      return [{ device: card.vfio, card: card as never }];
    },
  },
];

/** A display whose picture VFIO programs can find. */
function displayStage(planes: 'region' | 'dma-buf'): Stage {
  return {
    name: `bochs-display, planes as ${planes}`,
    make: (bench) => {
      const card = bench.plug((engine, host) => devices.bochsDisplay(engine, host, { memory: 1 << 22, planes }));
      const registers = card.function.bars.find(({ index }) => index === 2)!.region;
      const show = (value: number): void => {
        const lines = 16 << (value & 1);
        // As many bits as a pixel has, pixels of a line, lines; on, and off once in 16.
        for (const [at, data] of [[0x506, 32], [0x502, 64], [0x504, lines], [0x508, (value & 15) === 15 ? 0 : 0x41]] as const) registers.write16(at, data);
      };
      return [{ device: card.vfio, card, show }];
    },
  };
}

export const STAGES: readonly Stage[] = [
  ...Object.entries(REFERENCE).map(([name, make]): Stage => ({
    name,
    make: (bench) => {
      const card = bench.plug(make);
      return [{ device: card.vfio, card }];
    },
  })),
  displayStage('region'),
  displayStage('dma-buf'),
  ...DESCRIBED,
];

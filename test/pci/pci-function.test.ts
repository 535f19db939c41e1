// PCI functions made from descriptions: what two recorded machines say of each, the VFIO device made of it, descriptions that are refused.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Engine, createEngine } from '../../src/core/index.ts';
import { PciFunction, type PciFunctionDescription } from '../../src/pci/index.ts';
import { describeFunctions } from '../../src/trace/index.ts';
import { VFIO_DEVICE_GET_INFO, VFIO_DEVICE_GET_IRQ_INFO, VFIO_DEVICE_GET_REGION_INFO, VfioError, vfio_device_info, vfio_irq_info, vfio_region_info } from '../../src/uapi/index.ts';
import { Process } from '../../src/vfio/index.ts';
import { RECORDED, configBytes, dumpsOf, textOf } from '../trace/recorded.ts';

const NOTHING = { nodes: 0, pages: 0, objects: 0, backingBytes: 0 };
const machines = Object.fromEntries(RECORDED.map((name) => [name, describeFunctions(dumpsOf(name))]));
const all = RECORDED.flatMap((name) => machines[name]!.map((description): [string, PciFunctionDescription, string] => [`${name} ${description.slot}`, description, name]));
const nvme = machines['nvme']!.find(({ slot }) => slot === '00:01.0')!;
const e1000e = machines['e1000e']!.find(({ slot }) => slot === '00:01.0')!;

/** Opens the function, hands it to `look`, and checks that nothing of it stays. */
function withFunction(description: PciFunctionDescription, look: (one: PciFunction, process: Process, fd: number) => void): void {
  const engine = createEngine();
  const one = new PciFunction(engine, description);
  // As it is before anybody has it: opening it resets it.
  expect(one.readConfig().subarray(0, description.config.length)).toEqual(description.config);
  const process = new Process(engine);
  look(one, process, process.open(one.device));
  process.exit();
  one.destroy();
  expect(engine.live()).toEqual(NOTHING);
}

function irqCounts(process: Process, fd: number): (number | string)[] {
  return [0, 1, 2, 3, 4].map((index) => {
    const info = vfio_irq_info.encode({ argsz: vfio_irq_info.size, index });
    return process.raw.ioctl(fd, VFIO_DEVICE_GET_IRQ_INFO, info) < 0 ? 'none' : vfio_irq_info.decode(info).count;
  });
}

const offset = (index: number): bigint => BigInt(index) << 40n;
const code = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    return error instanceof VfioError ? error.code : String(error);
  }
  return 'done';
};

describe('a function of a recorded machine', () => {
  test.each(all)('%s: bytes, BARs and text are the dump\'s', (label, description, name) => {
    withFunction(description, (one, process, fd) => {
      const config = new Uint8Array(description.config.length);
      expect(process.pread(fd, config, offset(7))).toBe(config.length);
      // Configuration space of the file is virtual; that of the function is the dump's.
      const master = config.length > 4 && (description.config[4]! & 4) !== 0;
      one.config.write8(4, one.peek(4, 1) | (master ? 4 : 0));
      expect(one.readConfig().subarray(0, config.length)).toEqual(description.config);
      const printed = dumpsOf(name as 'nvme').lspciVerbose.find(({ slot }) => slot === one.slot)!;
      expect(one.bars.map(({ index, kind, address, size, region }) => [index, kind === 'io' ? 'io' : 'memory', address, size, region.size])).toEqual(
        printed.regions.map(({ index, kind, address, size }) => [index, kind, address, size, size]),
      );
      expect(one.bars.map(({ kind }) => (kind === 'mem64' ? 64 : 32))).toEqual(printed.regions.map(({ width }) => width));
      expect(one.rom?.region.size).toBe(printed.rom?.size ?? undefined);
      expect(textOf(`${name}.lspci-vv`).trimEnd().split('\n\n').map((text) => `${text}\n`)).toContain(one.lspci());
    });
  });

  test('the NVMe controller as VFIO sees it', () => {
    withFunction(nvme, (one, process, fd) => {
      expect(one.ecamOffset).toBe(0x8000);
      expect(one.device.name).toBe('0000:00:01.0');
      expect(one.msix).toMatchObject({ tableBar: 0, tableOffset: 0x2000, pbaOffset: 0x3000, count: 65 });
      expect(one.device.region(0)).toMatchObject({ size: 0x4000n, mmap: true, msixTable: { offset: 0x2000n, bytes: 1040n } });
      expect(irqCounts(process, fd)).toEqual([1, 0, 65, 1, 1]);
    });
  });

  test('the network card: ports are not mapped, the ROM is not written, one MSI message', () => {
    withFunction(e1000e, (one, process, fd) => {
      expect(one.device.region(2)).toMatchObject({ ioPorts: true, mmap: false });
      expect(one.device.region(3)!.msixTable).toEqual({ offset: 0n, bytes: 80n });
      expect(one.device.region(6)).toMatchObject({ size: 0x40000n, writable: false, mmap: false });
      expect(irqCounts(process, fd)).toEqual([1, 1, 5, 1, 1]);
    });
  });

  test('a conventional function has no ERR interrupt, and no INTx without a pin', () => {
    withFunction(machines['nvme']!.find(({ slot }) => slot === '00:00.0')!, (one, process, fd) => {
      expect(irqCounts(process, fd)).toEqual([0, 0, 0, 'none', 1]);
      const info = vfio_device_info.encode({ argsz: vfio_device_info.size });
      process.ioctl(fd, VFIO_DEVICE_GET_INFO, info);
      expect(vfio_device_info.decode(info)).toMatchObject({ num_regions: 9, num_irqs: 5 });
      expect(one.config.size).toBe(256n);
    });
  });

  test('the domain of a slot stays in the name', () => {
    withFunction({ ...nvme, slot: '10000:e1:1f.7' }, (one) => {
      expect([one.device.name, one.address.domain, one.ecamOffset]).toEqual(['10000:e1:1f.7', 0x10000, 0xe1ff000]);
    });
  });

  test('sizes that are not known leave the BARs out, and the table with them', () => {
    withFunction({ slot: '00:01.0', config: nvme.config }, (one, process, fd) => {
      expect(one.bars).toEqual([]);
      const info = vfio_region_info.encode({ argsz: vfio_region_info.size });
      process.ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, info);
      expect(vfio_region_info.decode(info)).toMatchObject({ size: 0n, flags: 0 });
      expect(irqCounts(process, fd)[2]).toBe(0);
    });
  });

  test('msixMode is the device\'s', () => {
    withFunction({ ...nvme, msixMode: 'sparse' }, (one) => {
      expect(one.device.mappable(one.device.region(0)!).areas).toEqual([{ offset: 0n, size: 0x2000n }, { offset: 0x3000n, size: 0x1000n }]);
    });
  });
});

describe('the registers decide', () => {
  test('COMMAND.MEM opens and closes memory BARs and the ROM, not ports', () => {
    withFunction(e1000e, (one, process, fd) => {
      // Behind the MSI-X table of BAR 3, whose bytes no read reaches anyway.
      const read = (index: number): string => code(() => process.pread(fd, new Uint8Array(4), offset(index) + (index === 3 ? 0x50n : 0n)));
      expect([0, 1, 2, 3, 6].map(read)).toEqual(Array(5).fill('done'));
      process.pwrite(fd, new Uint8Array([0x05, 0x05]), offset(7) + 4n);
      expect([0, 1, 2, 3, 6, 7].map(read)).toEqual(['EIO', 'EIO', 'done', 'EIO', 'EIO', 'done']);
      one.config.write16(4, 0x2);
      expect(read(0)).toBe('EIO');
      process.pwrite(fd, new Uint8Array([0x02]), offset(7) + 4n);
      expect(read(0)).toBe('done');
    });
  });

  test('D3 closes memory as COMMAND.MEM does', () => {
    withFunction(nvme, (one, process, fd) => {
      const read = (): string => code(() => process.pread(fd, new Uint8Array(4), offset(0)));
      const control = 0x64;
      for (const [state, expected] of [[0, 'done'], [1, 'done'], [3, 'EIO'], [0, 'done']] as const) {
        one.config.write8(control, state);
        expect([state, read()]).toEqual([state, expected]);
      }
    });
  });

  test('lspci shows what is in the registers now', () => {
    withFunction(nvme, (one) => {
      one.config.write16(4, 0);
      expect(one.lspci()).toContain('Mem- BusMaster-');
      expect(one.lspci()).toContain('Region 0: Memory at febf8000 (64-bit, non-prefetchable) [disabled] [size=16K]');
      one.config.write32(0x10, 0xffff_ffff);
      expect(one.lspci()).toContain('Region 0: Memory at ffffc000 (64-bit, non-prefetchable) [disabled] [size=16K]');
      one.poke(0x10, 4, 0xffff_f004);
      expect(() => one.lspci()).toThrow(RangeError);
    });
  });

  test('64 bytes are a function whose capabilities nobody was allowed to read', () => {
    withFunction({ ...nvme, config: nvme.config.slice(0, 64) }, (one) => {
      expect(one.config.size).toBe(256n);
      expect(one.msix).toBeNull();
      expect(one.lspci()).toContain('Capabilities: <access denied>');
    });
  });
});

describe('refused descriptions', () => {
  const table = (tableOffset: number): Record<number, number> => ({ 0x04: 0x0010_0003, 0x34: 0x40, 0x40: 0x0040_0011, 0x44: tableOffset, 0x48: 0 });
  const bar = { 0x10: 0xfe00_0000 };
  const cases: [string, Partial<PciFunctionDescription>, string][] = [
    ['a slot that is none', { slot: '1.0' }, 'slot "1.0"'],
    ['a device number above 1f', { slot: '00:20.0' }, 'slot "00:20.0"'],
    ['100 bytes of configuration', { config: new Uint8Array(100) }, '100 bytes; expected 64, 256 or 4096'],
    ['no bytes at all', { config: new Uint8Array(0) }, '0 bytes'],
    ['a bridge', { config: configBytes({ 0x0c: 0x0001_0000 }) }, 'header type 1'],
    ['a size that is no power of two', { config: configBytes(bar), sizes: { bars: [0x3000] } }, 'not a power of two'],
    ['a size that is no number', { config: configBytes(bar), sizes: { bars: [NaN] } }, 'size NaN'],
    ['a BAR that lies across its size', { config: configBytes({ 0x10: 0xfe00_1000 }), sizes: { bars: [0x4000] } }, 'not a multiple of its size'],
    ['a register whose size is 0', { config: configBytes(bar), sizes: { bars: [0] } }, 'its size is 0'],
    ['seven sizes', { sizes: { bars: [0, 0, 0, 0, 0, 0, 0] } }, '7 sizes'],
    ['memory type 3', { config: configBytes({ 0x10: 0xfe00_0006 }), sizes: { bars: [0x4000] } }, 'memory type 3'],
    ['a ROM of half a KiB', { sizes: { rom: 512 } }, 'size 512'],
    ['an MSI-X table behind the end of its BAR', { config: configBytes({ ...bar, ...table(0x3c00) }), sizes: { bars: [0x4000] } }, 'pass the end of BAR 0'],
  ];
  test.each(cases)('%s', (_, change, message) => {
    const engine = createEngine();
    const description = { slot: '00:01.0', config: configBytes({}), ...change };
    expect(() => new PciFunction(engine, description)).toThrow(RangeError);
    expect(() => new PciFunction(engine, description)).toThrow(message);
    expect(() => new PciFunction(engine, description)).toThrow(description.slot);
    expect(engine.live()).toEqual(NOTHING);
  });

  test('a BAR for which the core has no room', () => {
    const engine = createEngine({ memoryLimit: 2 ** 20 });
    const config = configBytes({ 0x10: 0xfe00_0000, 0x14: 0xfe10_0000 });
    expect(code(() => new PciFunction(engine, { slot: '00:01.0', config, sizes: { bars: [0x1000, 0x10_0000] } }))).toBe('ENOMEM');
    expect(engine.live()).toEqual(NOTHING);
  });

  test('any bytes are a function or a RangeError, and then nothing stays', () => {
    const engine: Engine = createEngine();
    const edits = fc.array(fc.tuple(fc.nat(0x143), fc.nat(255)), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.constantFrom(nvme, e1000e), edits, fc.boolean(), (description, changes, knowsSizes) => {
        const config = description.config.slice();
        for (const [at, value] of changes) config[at] = value;
        const { sizes, ...rest } = description;
        try {
          const one = new PciFunction(engine, { ...rest, config, ...(knowsSizes && { sizes: sizes! }) });
          expect(one.lspci()).toMatch(/^00:01\.0 /);
          one.device.memoryEnabled();
          one.destroy();
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
        expect(engine.live()).toEqual(NOTHING);
      }),
      { numRuns: 400 },
    );
  });

  test('whatever a guest writes to whatever bytes: no access fails, lspci prints, nothing stays', () => {
    const engine = createEngine();
    const memory = engine.space('memory');
    const ports = engine.space('ports');
    const edits = fc.array(fc.tuple(fc.nat(0x143), fc.nat(255)), { maxLength: 6 });
    const anywhere = fc.oneof(fc.nat(255), fc.constantFrom(0x04, 0x10, 0x30, 0x42, 0x64, 0x88, 0xa2, 0xcc, 0xd2, 0xe8, 0x104, 0x108));
    const writes = fc.array(fc.record({ at: anywhere, width: fc.constantFrom(1, 2, 4, 8), value: fc.bigInt(0n, (1n << 64n) - 1n) }), { maxLength: 30 });
    let made = 0;
    fc.assert(
      fc.property(fc.constantFrom(nvme, e1000e), edits, writes, (description, changes, steps) => {
        const config = description.config.slice();
        for (const [at, value] of changes) config[at] = value;
        let one: PciFunction;
        try {
          one = new PciFunction(engine, { ...description, config, interrupts: {} });
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          return;
        }
        made++;
        one.mapInto({ memory, ports });
        for (const { at, width, value } of steps) {
          const bytes = new Uint8Array(8);
          new DataView(bytes.buffer).setBigUint64(0, value, true);
          one.config.writeBytes(at, bytes.subarray(0, width));
          one.intx?.set((value & 1n) === 1n);
          one.msi?.trigger(Number(value % BigInt(one.msi.count)));
          one.msixVectors?.trigger(Number(value % BigInt(one.msixVectors.count)));
        }
        expect(one.lspci()).toMatch(/^00:01\.0 /);
        one.resetToPowerOn();
        expect(one.decoded).toEqual([null, null, null, null, null, null, null]);
        one.destroy();
        expect([memory.windows.size, ports.windows.size]).toEqual([0, 0]);
      }),
      { numRuns: 300 },
    );
    expect(made).toBeGreaterThan(100);
    memory.destroy();
    ports.destroy();
    expect(engine.live()).toEqual(NOTHING);
  });
});

// Property: pread and pwrite through files of all three modes, mappings and direct accesses move the same bytes as plain arrays do.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Region } from '../../src/core/index.ts';
import { MAP_SHARED, PROT_READ, PROT_WRITE, type Process, type VfioRegionDescription } from '../../src/vfio/index.ts';
import { PAGE, World, filled, hexOf, offsetOf, outcome } from './support.ts';

const MODES = ['index', 'cookie', 'scattered'] as const;
const BACKINGS = ['ram', 'demand', 'rom', 'hook'] as const;
/** A region of the device and the plain bytes that it must always equal. */
interface Modelled {
  readonly index: number;
  readonly region: Region;
  readonly description: VfioRegionDescription;
  readonly bytes: Uint8Array;
  readonly isRom: boolean;
  /** Bytes that pread sees as 0xff and pwrite leaves alone: from, to. */
  readonly hidden: readonly [number, number];
}

const shape = fc.record({
  backing: fc.constantFrom(...BACKINGS),
  size: fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: PAGE - 3, max: PAGE + 3 }), fc.integer({ min: 2 * PAGE, max: 3 * PAGE })),
  unaligned: fc.boolean(),
  maxWidth: fc.constantFrom(1 as const, 2 as const, 4 as const, 8 as const),
  isWritable: fc.boolean(),
  isPorts: fc.boolean(),
});
// Indices of BARs, config space and one device-specific region, with their shapes.
const device = fc.record({ bars: fc.array(shape, { minLength: 1, maxLength: 4 }), config: shape, extra: shape, table: fc.nat(0x100), vectors: fc.integer({ min: 1, max: 8 }) });

const step = fc.record({
  kind: fc.constantFrom('pread' as const, 'pwrite' as const, 'load' as const, 'store' as const, 'direct read' as const, 'direct write' as const, 'gate' as const),
  region: fc.nat(5),
  mode: fc.nat(2),
  at: fc.oneof(fc.nat(80), fc.integer({ min: PAGE - 20, max: PAGE + 20 }), fc.integer({ min: 2 * PAGE - 20, max: 3 * PAGE + 4 })),
  length: fc.oneof(fc.nat(40), fc.nat(2 * PAGE)),
  fill: fc.nat(0xff),
  isAddress: fc.boolean(),
});

function build(world: World, input: { bars: unknown[]; config: unknown; extra: unknown; table: number; vectors: number }): { models: Modelled[]; processes: Process[]; gate: { isOpen: boolean }; zap: () => void } {
  const gate = { isOpen: true };
  const all = [...input.bars.map((bar, index) => [index, bar] as const), [7, input.config] as const, [9, input.extra] as const];
  const models: Modelled[] = [];
  let msix: { bar: number; offset: number; count: number } | undefined;
  for (const [index, raw] of all) {
    const { backing, size, unaligned, maxWidth, isWritable, isPorts } = raw as { backing: (typeof BACKINGS)[number]; size: number; unaligned: boolean; maxWidth: 1 | 2 | 4 | 8; isWritable: boolean; isPorts: boolean };
    const bytes = new Uint8Array(size);
    const base = { size, unaligned, maxWidth };
    const behind = new Uint8Array(size);
    const region =
      backing === 'hook'
        ? world.region({
            ...base,
            kind: 'hook',
            read: (at, width) => behind.subarray(Number(at), Number(at) + width).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n),
            write: (at, width, value) => {
              for (let i = 0; i < width; i++) behind[Number(at) + i] = Number((BigInt(value) >> BigInt(8 * i)) & 0xffn);
            },
          })
        : world.region(backing === 'rom' ? { ...base, kind: 'rom', contents: bytes.map((_, i) => i * 7) } : { ...base, kind: backing });
    if (backing === 'rom') bytes.forEach((_, i) => (bytes[i] = i * 7));
    const end = input.table + 16 * input.vectors;
    const hasTable = index === 0 && end <= size;
    if (hasTable) msix = { bar: 0, offset: input.table, count: input.vectors };
    models.push({ index, region, description: { region, writable: isWritable, ioPorts: isPorts }, bytes, isRom: backing === 'rom', hidden: hasTable ? [input.table, end] : [size, size] });
  }
  const vfio = world.device(Object.fromEntries(models.map(({ index, description }) => [index, description])), { memoryEnabled: () => gate.isOpen, ...(msix === undefined ? {} : { msix }) });
  return { models, processes: MODES.map((offsets) => world.open(vfio, { offsets, seed: 77 })), gate, zap: () => vfio.zap() };
}

/** What pread or pwrite must answer, from the rules alone. */
function expected({ index, bytes, hidden, description }: Modelled, at: number, length: number, writes: boolean, isOpen: boolean): number | string {
  if (length === 0) return 0;
  if (writes && description.writable === false) return 'EINVAL';
  if (index === 7) return at + length > bytes.length ? 'EFAULT' : length;
  if (at >= bytes.length) return 'EINVAL';
  const count = Math.min(length, bytes.length - at);
  const isGated = index < 6 && description.ioPorts !== true && (at < hidden[0] || at + count > hidden[1]);
  return isGated && !isOpen ? 'EIO' : count;
}

test('files, mappings and direct accesses agree with plain arrays', () => {
  fc.assert(
    fc.property(device, fc.array(step, { maxLength: 40 }), (input, steps) => {
      const world = new World();
      const { models, processes, gate, zap } = build(world, input);
      const scratch = processes.map((process) => process.allocate(3 * PAGE));
      const maps = new Map<string, number>();
      const mapped = (process: Process, model: Modelled): number | string => {
        const key = `${processes.indexOf(process)} ${model.index}`;
        const known = maps.get(key);
        if (known !== undefined) return known;
        const address = outcome(() => process.mmap(model.bytes.length, PROT_READ | PROT_WRITE, MAP_SHARED, 3, offsetOf(process, model.index)));
        if (typeof address === 'number') maps.set(key, address);
        return address;
      };

      for (const { kind, region, mode, at, length, fill, isAddress } of steps) {
        const model = models[region % models.length]!;
        const process = processes[mode]!;
        const { bytes, hidden } = model;
        const data = Uint8Array.from({ length }, (_, i) => fill + i);
        const store = (from: number, count: number, shown = true): void => {
          if (model.isRom) return;
          for (let i = 0; i < count; i++) if (!shown || from + i < hidden[0] || from + i >= hidden[1]) bytes[from + i] = data[i]!;
        };
        const inside = at < bytes.length ? Math.min(length, bytes.length - at) : 0;

        if (kind === 'gate') {
          gate.isOpen = fill % 3 !== 0;
          if (!gate.isOpen) zap();
        } else if (kind === 'pread') {
          const want = expected(model, at, length, false, gate.isOpen);
          const offset = offsetOf(process, model.index) + BigInt(at);
          // In the modes without slots an offset behind the region's last page is nobody's, or another's: only inside it the answer is known.
          if (mode !== 0 && at >= Math.ceil(bytes.length / PAGE) * PAGE) continue;
          let seen = filled(length);
          const address = scratch[mode]!;
          if (isAddress) process.memory.writeBytes(address, seen);
          expect(outcome(() => process.pread(3, isAddress ? { address, length } : seen, offset))).toBe(want);
          if (isAddress) seen = process.memory.readBytes(address, new Uint8Array(length));
          if (typeof want === 'number') {
            const whole = filled(length);
            for (let i = 0; i < want; i++) whole[i] = at + i >= hidden[0] && at + i < hidden[1] ? 0xff : bytes[at + i]!;
            expect(hexOf(seen)).toBe(hexOf(whole));
          }
        } else if (kind === 'pwrite') {
          if (mode !== 0 && at >= Math.ceil(bytes.length / PAGE) * PAGE) continue;
          const want = expected(model, at, length, true, gate.isOpen);
          const address = scratch[mode]!;
          if (isAddress) process.memory.writeBytes(address, data);
          expect(outcome(() => process.pwrite(3, isAddress ? { address, length } : data, offsetOf(process, model.index) + BigInt(at)))).toBe(want);
          if (typeof want === 'number') store(at, want);
          // The bytes before the table are refused as a whole: the gate was closed from the start.
        } else if (kind === 'load' || kind === 'store') {
          const address = mapped(process, model);
          const mayMap = model.index < 6 && bytes.length >= PAGE && model.description.ioPorts !== true;
          expect(typeof address === 'number').toBe(mayMap);
          if (typeof address !== 'number') continue;
          if (!gate.isOpen && inside > 0) {
            const reach = (): unknown => (kind === 'load' ? process.memory.readBytes(address + at, new Uint8Array(inside)) : process.memory.writeBytes(address + at, data.subarray(0, inside)));
            expect(outcome(reach)).toBe('VfioFault');
          } else if (kind === 'load') {
            expect(hexOf(process.memory.readBytes(address + at, new Uint8Array(inside)))).toBe(hexOf(bytes.subarray(at, at + inside)));
          } else {
            process.memory.writeBytes(address + at, data.subarray(0, inside));
            store(at, inside, false);
          }
        } else if (kind === 'direct read') {
          expect(hexOf(model.region.readBytes(at - (inside === 0 ? at : 0), new Uint8Array(inside)))).toBe(hexOf(bytes.subarray(at, at + inside)));
        } else if (inside > 0) {
          model.region.writeBytes(at, data.subarray(0, inside));
          store(at, inside, false);
        }
      }
      for (const { region, bytes } of models) expect(hexOf(region.readBytes(0, new Uint8Array(bytes.length)))).toBe(hexOf(bytes));
      world.end();
    }),
    { numRuns: 250 },
  );
});

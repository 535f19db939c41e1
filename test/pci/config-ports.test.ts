// The ports 0xcf8 and 0xcfc: lanes, the enable bit, functions that are not there, and the same bytes as the memory-mapped window.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Engine, type Space, createEngine } from '../../src/core/index.ts';
import { PCI_CONFIG_PORTS, PciFunction, configPorts } from '../../src/pci/index.ts';
import { configBytes } from '../trace/recorded.ts';

const ADDRESS = 0xcf8;
const DATA = 0xcfc;
const ENABLE = 0x8000_0000;
const ECAM = 0xb000_0000;
const NOTHING = { nodes: 0, pages: 0, objects: 0, backingBytes: 0 };

let engine: Engine;
let ports: Space;
let memory: Space;
let functions: PciFunction[];

beforeEach(() => {
  engine = createEngine();
  ports = engine.space('ports');
  memory = engine.space('memory');
  ports.map(PCI_CONFIG_PORTS, engine.region(configPorts(() => functions)));
  functions = ['00:00.0', '00:1f.7', 'ff:01.0', '0001:00:02.0'].map((slot, i) => {
    const config = configBytes({}, i === 1 ? 4096 : 256);
    for (let at = 64; at < config.length; at++) config[at] = at + 16 * i;
    // A vendor's own registers, which take every bit.
    const registers = Array.from({ length: (config.length - 64) / 4 }, (_, dword) => ({ name: 'SCRATCH', offset: 64 + 4 * dword, bytes: 4 as const, writable: 0xffff_ffff }));
    return new PciFunction(engine, { slot, config, registers });
  });
  for (const { ecamOffset, address, config } of functions) if (address.domain === 0) memory.map(ECAM + ecamOffset, config);
});

afterEach(() => {
  const windowed = engine.live().objects;
  expect(windowed).toBeGreaterThan(0);
  for (const one of functions) one.destroy();
  memory.destroy();
  const regions = new Set([...ports.windows.values()].map(({ region }) => region));
  ports.destroy();
  for (const region of regions) region.destroy();
  expect(engine.live()).toEqual(NOTHING);
});

const select = (ecam: number, at: number): void => ports.write32(ADDRESS, (ENABLE | ((ecam >>> 4) & 0xff_ff00) | (at & 0xfc)) >>> 0);

describe('CONFIG_ADDRESS', () => {
  test('keeps enable, bus, device, function and dword; the reserved bits read zero', () => {
    expect(ports.read32(ADDRESS)).toBe(0);
    ports.write32(ADDRESS, 0xffff_ffff);
    expect(ports.read32(ADDRESS)).toBe(0x80ff_fffc);
    ports.write32(ADDRESS, 0x0012_3456);
    expect(ports.read32(ADDRESS)).toBe(0x0012_3454);
  });

  test.each([[0xcf8, 1], [0xcf9, 1], [0xcfa, 1], [0xcfb, 1], [0xcf8, 2], [0xcfa, 2], [0xcf9, 2]] as const)('port 0x%x by %i bytes is another device\'s', (port, width) => {
    ports.write32(ADDRESS, 0x8000_f840);
    if (width === 1) ports.write8(port, 0x06);
    else ports.write16(port, 0x0606);
    expect(width === 1 ? ports.read8(port) : ports.read16(port)).toBe(width === 1 ? 0xff : 0xffff);
    expect(ports.read32(ADDRESS)).toBe(0x8000_f840);
  });
});

describe('the data port', () => {
  test('each lane by byte, word and dword', () => {
    select(0, 0x44);
    expect([0, 1, 2, 3].map((lane) => ports.read8(DATA + lane))).toEqual([0x44, 0x45, 0x46, 0x47]);
    expect([0, 1, 2].map((lane) => ports.read16(DATA + lane))).toEqual([0x4544, 0x4645, 0x4746]);
    expect(ports.read32(DATA)).toBe(0x4746_4544);
    ports.write8(DATA + 1, 0xaa);
    ports.write16(DATA + 2, 0xccbb);
    expect(ports.read32(DATA)).toBe(0xccbb_aa44);
    ports.write32(DATA, 0x0102_0304);
    expect(functions[0]!.config.read32(0x44)).toBe(0x0102_0304);
  });

  test('without the enable bit reads all ones and drops writes', () => {
    ports.write32(ADDRESS, 0x44);
    ports.write32(DATA, 0);
    expect([ports.read8(DATA), ports.read16(DATA), ports.read32(DATA)]).toEqual([0xff, 0xffff, 0xffff_ffff]);
    expect(functions[0]!.config.read32(0x44)).toBe(0x4746_4544);
  });

  test('an absent function reads all ones; one that comes is there', () => {
    select(0x3000, 0);
    ports.write32(DATA, 0);
    expect([ports.read8(DATA + 3), ports.read16(DATA + 2), ports.read32(DATA)]).toEqual([0xff, 0xffff, 0xffff_ffff]);
    functions.push(new PciFunction(engine, { slot: '00:00.3', config: configBytes({}) }));
    expect(ports.read32(DATA)).toBe(0x0001_1234);
  });

  test('reaches the first domain only', () => {
    select(functions[3]!.ecamOffset, 0);
    expect(ports.read32(DATA)).toBe(0xffff_ffff);
  });

  test('two ports on, another two: accesses across the halves and out of the ports are cut', () => {
    select(0, 0x44);
    expect(ports.read32(DATA + 2)).toBe(0xffff_4746);
    ports.write32(ADDRESS + 2, 0xbbaa_0000);
    expect(functions[0]!.config.read32(0x44)).toBe(0x4746_bbaa);
    expect(ports.read32(ADDRESS)).toBe(0x8000_0044);
    expect(ports.read64(ADDRESS)).toBe(0x4746_bbaa_8000_0044n);
    ports.write64(ADDRESS, (0x0102_0304n << 32n) | 0x8000_0048n);
    expect(functions[0]!.config.read32(0x48)).toBe(0x0102_0304);
  });

  test('the same bytes as the memory-mapped window, read and written', () => {
    const step = fc.record({ which: fc.nat(2), at: fc.nat(255), width: fc.constantFrom(1, 2, 4), write: fc.option(fc.nat(0xffff_ffff), { nil: undefined }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        for (const { which, at, width, write } of steps) {
          const position = at - (at % width);
          const { ecamOffset, config } = functions[which]!;
          const port = DATA + (position & 3);
          const address = ECAM + ecamOffset + position;
          select(ecamOffset, position);
          if (write !== undefined) {
            const value = width === 4 ? write : write % 2 ** (8 * width);
            const [to, where]: [Space, number] = write % 2 === 0 ? [ports, port] : [memory, address];
            if (width === 1) to.write8(where, value);
            else if (width === 2) to.write16(where, value);
            else to.write32(where, value);
          }
          const seen = [ports, memory].map((space, i) => {
            const from = i === 0 ? port : address;
            return width === 1 ? space.read8(from) : width === 2 ? space.read16(from) : space.read32(from);
          });
          expect(seen[0]).toBe(seen[1]);
          expect(config.read8(position)).toBe(seen[0]! & 0xff);
        }
      }),
      { numRuns: 60 },
    );
  });
});

// D-locate: one page at a time and many a call say what translate says, of regions that live and of those that are gone.

import { expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import type { Engine, IommuDomain, Region } from '../../../src/core/index.ts';
import { ReferenceXorshift } from '../../reference/index.ts';

const PAGE = 4096;
const READABLE = 1;
const WRITABLE = 2;
const EBADF = 9;
const EINVAL = 22;

function locateAll(engine: Engine, domain: IommuDomain, iovas: readonly bigint[], permissions: number, columns?: (n: number) => readonly [iovas: number, positions: number, regions: number]): { status: number; positions: bigint[]; regions: number[] } {
  const { exports } = engine.core;
  const n = iovas.length;
  const bytes = 20 * n;
  const buffer = exports.takeBuffer(bytes) >>> 0;
  const [i, p, r] = (columns ?? (() => [0, 8 * n, 16 * n] as const))(n);
  const view = (): DataView => engine.core.data();
  iovas.forEach((iova, k) => view().setBigUint64(buffer + i + 8 * k, iova, true));
  const status = exports.domainLocateAll((domain as unknown as { readonly handle: number }).handle, buffer + i, buffer + p, buffer + r, n, permissions);
  const positions = iovas.map((_, k) => view().getBigUint64(buffer + p + 8 * k, true));
  const regions = iovas.map((_, k) => view().getUint32(buffer + r + 4 * k, true));
  exports.giveBuffer(buffer, bytes);
  return { status, positions, regions };
}

/** What translate says of a device with these permissions. */
function expected(domain: IommuDomain, iova: bigint, access: 'readable' | 'writable'): { position: bigint; region: Region } | undefined {
  const range = domain.translate(iova);
  return range === undefined || !range[access] || range.region.gone ? undefined : { position: range.position + (iova - range.first), region: range.region };
}

test.each(['simd', 'scalar'] as const)('many a call, one a call, and translate agree: %s', (build) => {
  const engine = createEngine({ build });
  const domain = engine.iommuDomain();
  const regions = Array.from({ length: 3 }, () => engine.region({ kind: 'demand', size: 2 ** 32 }));
  const random = new ReferenceXorshift(5);
  for (let page = 0; page < 600; page++) {
    if (random.next() % 4 === 0) continue;
    const [region, flags] = [regions[random.next() % 3]!, random.next() % 4];
    domain.map(page * PAGE, PAGE, { region, position: (random.next() % 1000) * PAGE, readable: (flags & 1) !== 0, writable: (flags & 2) !== 0 });
  }
  const check = (): void => {
    const iovas = Array.from({ length: 2000 }, () => BigInt(random.next() % (620 * PAGE)));
    for (const [access, permissions] of [['readable', READABLE], ['writable', WRITABLE]] as const) {
      const { status, positions, regions: handles } = locateAll(engine, domain, iovas, permissions);
      const wanted = iovas.map((iova) => expected(domain, iova, access));
      expect(status).toBe(wanted.filter((one) => one === undefined).length);
      expect(positions).toEqual(wanted.map((one) => one?.position ?? 0n));
      expect(handles).toEqual(wanted.map((one) => one?.region.handle ?? 0));
      iovas.slice(0, 300).forEach((iova, k) => {
        const one = wanted[k];
        expect(domain.locate(Number(iova), access === 'readable' ? 'read' : 'write')).toBe(one === undefined ? -1 : Number(one.position));
        if (one !== undefined) expect(domain.located).toBe(one.region);
      });
    }
  };
  check();
  // A region that was found a moment ago, and another behind its old handle's place.
  regions[1]!.destroy();
  check();
  engine.region({ kind: 'ram', size: PAGE });
  check();
  domain.unmap(100 * PAGE, 400 * PAGE - 1);
  check();
});

test('columns that lie over the handles, or beyond memory, are refused, and so is a domain that is gone', () => {
  const engine = createEngine();
  const domain = engine.iommuDomain();
  domain.map(0, PAGE, { region: engine.region({ kind: 'ram', size: PAGE }), position: 0, readable: true, writable: true });
  const iovas = [0n, 8n, 16n, 24n];
  const over = (columns: readonly [number, number, number]): number => locateAll(engine, domain, iovas, READABLE, () => columns).status;
  expect([over([0, 32, 64]), over([0, 0, 64])]).toEqual([0, 0]);
  expect([over([0, 32, 24]), over([0, 32, 28]), over([32, 0, 20]), over([32, 0, 60]), over([0, 32, 60])]).toEqual(Array(5).fill(-EINVAL));
  const { exports } = engine.core;
  const handle = (domain as unknown as { readonly handle: number }).handle;
  for (const [i, p, r] of [[0xffff_fff8, 0, 0], [0, 0xffff_fff8, 0], [0, 0, 0xffff_fffc]] as const) expect(exports.domainLocateAll(handle, i, p, r, 2, READABLE)).toBe(-EINVAL);
  domain.destroy();
  expect(locateAll(engine, domain, iovas, READABLE).status).toBe(-EBADF);
});

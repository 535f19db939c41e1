// Address spaces beside slow ones: random maps, copies and unmaps with and without a device, with the same answers and the same bytes for the device.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as uapi from '../../../src/uapi/index.ts';
import { FIXED, MAX, Machine, PAGE, R, W, dmaRead, packed } from './support.ts';
import { Reference } from './reference.ts';

const P = BigInt(PAGE);
const PAGES = 16;

type Step =
  | { readonly kind: 'map'; readonly space: number; readonly page: number; readonly offset: number; readonly pages: number; readonly bytes: number; readonly at: bigint | undefined; readonly flags: number }
  | { readonly kind: 'copy'; readonly from: number; readonly to: number; readonly source: bigint; readonly length: bigint; readonly at: bigint | undefined; readonly flags: number }
  | { readonly kind: 'unmap'; readonly space: number; readonly at: bigint; readonly length: bigint }
  | { readonly kind: 'allow'; readonly space: number; readonly page: number; readonly pages: number }
  | { readonly kind: 'attach'; readonly space: number }
  | { readonly kind: 'detach' };

const small = fc.bigInt({ min: 0n, max: 40n }).map((page) => page * P);
const iova = fc.oneof({ weight: 40, arbitrary: small }, { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 0x2_8000n }) }, { weight: 2, arbitrary: fc.constantFrom(MAX, MAX - 1n, MAX - 0xfffn, 0xfedf_f000n, 0xfee0_0000n, 0x7f_ffff_f000n) });
const place = fc.option(iova, { nil: undefined });
const flags = fc.constantFrom(R, R | W, W);
const space = fc.constantFrom(0, 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('map' as const), space, page: fc.nat(PAGES - 2), offset: fc.oneof({ weight: 40, arbitrary: fc.constant(0) }, fc.nat(4095)), pages: fc.nat(3), bytes: fc.oneof({ weight: 40, arbitrary: fc.constant(0) }, fc.nat(4095)), at: place, flags }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('copy' as const), from: space, to: space, source: iova, length: fc.oneof({ weight: 20, arbitrary: small }, fc.bigInt({ min: 0n, max: 0x3000n })), at: place, flags }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('unmap' as const), space, at: iova, length: fc.oneof({ weight: 4, arbitrary: small }, fc.constantFrom(MAX, 1n)) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('allow' as const), space, page: fc.nat(20), pages: fc.nat(12) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('attach' as const), space }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'detach' as const }) },
);

const RESERVED: readonly (readonly [bigint, bigint])[] = [[0xfee0_0000n, 0xfeef_ffffn], [0x80_0000_0000n, MAX]];

test('the same answers, and the same bytes for a device', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(step, { minLength: 1, maxLength: 60 }), async (isAttached, later) => {
      const steps: readonly Step[] = isAttached ? [{ kind: 'attach', space: 0 }, ...later] : later;
      const machine = new Machine();
      try {
        const user = machine.user();
        const one = machine.plug();
        const fd = user.cdev(one);
        user.bind(fd);
        const ids = [user.ioas(), user.ioas()];
        const references = [new Reference(), new Reference()];
        const memory = user.memory(PAGES);
        const room = user.memory(1);
        let attached: number | undefined;
        const leave = (): void => {
          if (attached === undefined) return;
          references[attached]!.reserved = [];
          references[attached]!.alignment = 1n;
        };
        const compare = async (at: bigint): Promise<void> => {
          const address = attached === undefined ? undefined : references[attached]!.address(at);
          expect(await dmaRead(one, at, 1)).toEqual(address === undefined ? 'EFAULT' : user.bytes(address, 1));
          if (address !== undefined) compared++;
        };
        /** Whether all of an area's memory is there. */
        const isThere = (address: bigint, length: bigint): boolean => address >= memory && address + length <= memory + BigInt(PAGES) * P;
        for (const each of steps) {
          if (each.kind === 'map') {
            const reference = references[each.space]!;
            const address = memory + BigInt(each.page) * P + BigInt(each.offset);
            const length = BigInt(each.pages) * P + BigInt(each.bytes);
            const isWide = (each.flags & W) !== 0;
            let want: bigint | string = each.at === MAX ? 'EOVERFLOW' : reference.map([{ address, length, wide: isWide }], each.at, (each.flags & R) !== 0, isWide);
            if (typeof want === 'bigint' && attached === each.space && !isThere(address, length)) {
              reference.areas.pop();
              want = 'EFAULT';
            }
            const request = each.at === undefined ? { flags: each.flags } : { iova: each.at, flags: each.flags | FIXED };
            expect(user.map(ids[each.space]!, address, length, request)).toBe(want);
          } else if (each.kind === 'copy') {
            const { source, length } = each;
            const to = references[each.to]!;
            const before = [...to.areas];
            let want: bigint | string;
            const parts = length > 0n && source + length - 1n <= MAX ? references[each.from]!.parts(source, source + length - 1n) : undefined;
            if (source === MAX || each.at === MAX) want = 'EOVERFLOW';
            else if (length === 0n) want = 'EINVAL';
            else if (source + length - 1n > MAX) want = 'EOVERFLOW';
            else if (parts === undefined) want = 'ENOENT';
            else {
              want = to.map(parts, each.at, (each.flags & R) !== 0, (each.flags & W) !== 0);
              if (typeof want === 'bigint' && attached === each.to && !parts.every((part) => isThere(part.address, part.length))) {
                to.areas = before;
                want = 'EFAULT';
              }
            }
            const request = each.at === undefined ? { flags: each.flags } : { iova: each.at, flags: each.flags | FIXED };
            expect(user.copy(ids[each.to]!, ids[each.from]!, source, length, request)).toBe(want);
          } else if (each.kind === 'unmap') {
            const { at, length } = each;
            let want: bigint | string;
            if (at === 0n && length === MAX) [want] = references[each.space]!.unmap(0n, MAX);
            else if (at === MAX || length === MAX) want = 'EOVERFLOW';
            else if (length === 0n) want = 'EINVAL';
            else if (at + length - 1n > MAX) want = 'EOVERFLOW';
            else {
              const [bytes, error] = references[each.space]!.unmap(at, at + length - 1n);
              want = error ?? (bytes === 0n ? 'ENOENT' : bytes);
            }
            expect(user.unmap(ids[each.space]!, at, length)).toBe(want);
          } else if (each.kind === 'allow') {
            const reference = references[each.space]!;
            const range = [BigInt(each.page) * P, BigInt(each.page + each.pages) * P - 1n] as const;
            reference.allowed = each.pages === 0 ? [] : [range];
            user.process.memory.writeBytes(room, packed(...range.map((bound) => bound & MAX)));
            expect(user.ioctl(uapi.IOMMU_IOAS_ALLOW_IOVAS, packed(24, ids[each.space]!, each.pages === 0 ? 0 : 1, 0, room))).toBe(0);
          } else if (each.kind === 'attach') {
            const reference = references[each.space]!;
            const isFree = attached === each.space || !reference.areas.some((area) => RESERVED.some(([from, to]) => from <= area.last && to >= area.first) || [area.first, area.last + 1n, area.address].some((edge) => edge % P !== 0n));
            const isPinned = reference.areas.every((area) => isThere(area.address, area.last - area.first + 1n));
            const result = user.attach(fd, ids[each.space]!);
            expect(typeof result === 'number').toBe(isFree && isPinned);
            if (typeof result !== 'number') expect(['EADDRINUSE', ...(isPinned ? [] : ['EFAULT'])]).toContain(result);
            else if (attached !== each.space) {
              leave();
              attached = each.space;
              reference.reserved = [...RESERVED];
              reference.alignment = P;
            }
          } else {
            expect(user.detach(fd)).toBe(0);
            leave();
            attached = undefined;
          }
          for (const { first, last } of attached === undefined ? [] : references[attached]!.areas) {
            for (const edge of [first, last]) await compare(edge);
          }
        }
        for (let page = 0n; page < 44n; page++) await compare(page * P);
      } finally {
        machine.end();
      }
    }),
    { numRuns: 200 },
  );
  expect(compared).toBeGreaterThan(100);
});

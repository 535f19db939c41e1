// iommufds beside the judge of test/reference/iommu: address spaces, page tables, attachments and transfers, in whatever order, end the same in both.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { operationOf } from '../../fuzz/dma/choose.ts';
import { iommufdCall } from '../../fuzz/dma/iommufd-operations.ts';
import { STAGES } from '../../fuzz/dma/stages.ts';
import { runOf } from '../../fuzz/dma/steps.ts';

const number = STAGES.findIndex(({ name }) => name === 'iommufds');
const numbers = fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { maxLength: 150, size: 'max' });

test('calls, attachments and transfers in any order', async () => {
  let attached = 0;
  await fc.assert(
    fc.asyncProperty(numbers, async (steps) => {
      const { counts } = await runOf(number, steps, operationOf);
      attached += counts['attach']?.['ok'] ?? 0;
    }),
    { numRuns: 100 },
  );
  expect(attached).toBeGreaterThan(100);
});

test('calls on one iommufd alone, so that address spaces fill up', async () => {
  let copied = 0;
  await fc.assert(
    fc.asyncProperty(numbers, async (steps) => {
      const { counts } = await runOf(number, steps, (random, scene) => iommufdCall(random, scene, 0));
      copied += counts['IOMMU_IOAS_COPY']?.['ok'] ?? 0;
    }),
    { numRuns: 100 },
  );
  expect(copied).toBeGreaterThan(20);
});

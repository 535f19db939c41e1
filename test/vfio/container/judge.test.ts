// Containers beside the judge of test/reference/iommu: whatever is mapped, unmapped and transferred, in whatever order, both answer the same.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { containerCall } from '../../fuzz/dma/container-operations.ts';
import { operationOf } from '../../fuzz/dma/choose.ts';
import { STAGES } from '../../fuzz/dma/stages.ts';
import { runOf } from '../../fuzz/dma/steps.ts';

const stages = STAGES.flatMap(({ name, processes }, number) => (processes.some(({ file }) => file === 'container') ? [{ name, number }] : []));
const numbers = fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { maxLength: 150, size: 'max' });

test.each(stages)('$name: calls and transfers in any order', async ({ number }) => {
  let ended = 0;
  await fc.assert(
    fc.asyncProperty(numbers, async (steps) => {
      const { counts } = await runOf(number, steps, operationOf);
      ended += counts['VFIO_IOMMU_MAP_DMA']?.['ok'] ?? 0;
    }),
    { numRuns: 60 },
  );
  expect(ended).toBeGreaterThan(100);
});

test.each(stages)('$name: calls on the first container alone, so that mappings pile up', async ({ number }) => {
  let full = 0;
  await fc.assert(
    fc.asyncProperty(numbers, async (steps) => {
      const { counts } = await runOf(number, steps, (random, scene) => containerCall(random, scene, 0));
      full += counts['VFIO_IOMMU_UNMAP_DMA']?.['ok'] ?? 0;
    }),
    { numRuns: 60 },
  );
  expect(full).toBeGreaterThan(100);
});

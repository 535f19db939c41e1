// fast-check as tests have it: a property is tried with the same values in each run of the tests, so that none passes or fails by chance.
// MAPLEBAR_RUNS tries each so many times as often, from a seed of chance: to look further. MAPLEBAR_SEED: that seed.
/* global process */
// The library itself: to other folders its name leads here.
const fastCheck = require('fast-check');

const { MAPLEBAR_RUNS: runs, MAPLEBAR_SEED: asked } = process.env;

/** Undefined: fast-check takes one of chance. */
const seedOf = (own = 1) => (asked !== undefined ? Number(asked) : runs === undefined ? own : undefined);

function assert(property, { seed, numRuns = 100, ...params } = {}) {
  const values = seedOf(seed);
  return fastCheck.assert(property, { ...params, ...(values !== undefined && { seed: values }), numRuns: Math.max(1, Math.round(Number(runs ?? 1) * numRuns)) });
}

module.exports = { ...fastCheck, __esModule: true, default: { ...fastCheck.default, assert }, assert };

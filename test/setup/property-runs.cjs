// fast-check for runs in which properties are tried more often than they ask for, MAPLEBAR_RUNS times. Tests that count what they have met may miss it in fewer.
/* global process */
// The library itself: to other folders its name leads here.
const fastCheck = require('fast-check');

const factor = Number(process.env.MAPLEBAR_RUNS);
const assert = (property, params = {}) => fastCheck.assert(property, { ...params, numRuns: Math.max(1, Math.round(factor * (params.numRuns ?? 100))) });

module.exports = { ...fastCheck, __esModule: true, default: { ...fastCheck.default, assert }, assert };

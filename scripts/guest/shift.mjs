// A process of `npm run test:guest`: one guest, and the checks that are made of it. Its argument is what to run, as JSON; each result is sent to the process that started it.
import { register } from 'node:module';

register('../../test/fuzz/typescript-hooks.mjs', import.meta.url);
const { runChecks } = await import('../../test/guest/run-checks.ts');
await runChecks({ ...JSON.parse(process.argv[2]), told: (result) => process.send(result) });
process.disconnect();

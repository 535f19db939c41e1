// Where the page begins: it says what the browser lacks, before a module is loaded that could not even be loaded there.

import { whatIsMissing } from './needs.ts';

const status = document.querySelector('#status')!;
const missing = whatIsMissing();
if (missing !== undefined) status.textContent = missing;
// Not waited for: what is bundled of both modules may lie in this one, and would wait for it.
else import('./page.ts').then(({ startPage }) => startPage()).catch((error: unknown) => (status.textContent = `The page could not start: ${(error as Error).message}`));

// In a page's worker: one thread of the soak.
import * as library from '../../../../dist/esm/range-map/shared.js';
import { worker } from '../threads.mjs';

const answer = worker(library, (message) => postMessage(message));
onmessage = ({ data }) => answer(data);

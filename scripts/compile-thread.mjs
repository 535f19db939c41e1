// A thread that compiles: lists of the compiler's arguments come in, and for each goes out what went wrong, or undefined.
import { parentPort } from 'node:worker_threads';
import { compile } from './compile.mjs';

parentPort.on('message', (args) => {
  compile(args).then(
    () => parentPort.postMessage(undefined),
    ({ message }) => parentPort.postMessage(message),
  );
});

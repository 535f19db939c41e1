// The built transport in a Worker: it serves while the main thread is a client, and ends as it is told, or at once, without ending the program.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import { VfioUserClient, koffiTransport } from '../../../src/hosts/vfio-user/index.ts';
import { newPath } from './sockets.ts';

const transport = koffiTransport();
const built = (face: string): string => pathToFileURL(join(__dirname, '../../../dist/esm', face)).href;
const code = `
  const { parentPort, workerData } = require('node:worker_threads');
  (async () => {
    const [{ createEngine }, { edu }, { koffiTransport, serveDevice, serveVfioUser, wallClock }] = await Promise.all(workerData.faces.map((face) => import(face)));
    const device = serveDevice(createEngine(), edu, { clock: wallClock() });
    const server = await serveVfioUser(device, { path: workerData.path, transport: koffiTransport() });
    parentPort.once('message', async () => {
      await server.close();
      device.destroy();
    });
    parentPort.postMessage('serves');
  })();
`;

async function serving(path: string): Promise<Worker> {
  const worker = new Worker(code, { eval: true, workerData: { path, faces: ['index.js', 'devices/index.js', 'hosts/vfio-user/index.js'].map(built) } });
  await new Promise((resolve, reject) => void worker.once('message', resolve).once('error', reject));
  return worker;
}

test('registers, timers and interrupts of a device in a Worker; a message ends it', async () => {
  const path = newPath('ends.sock');
  const worker = await serving(path);
  const client = await VfioUserClient.connect(path, { transport });
  const interrupted = new Promise<number>((resolve) => void client.enableInterrupts(0, 1, resolve));
  // The factorial is computed by a timer, which tells by interrupt when STATUS.IRQ is set.
  await client.write32(0, 0x20, 0x80);
  await client.write32(0, 0x08, 5);
  expect(await interrupted).toBe(0);
  expect(await client.read32(0, 0x08)).toBe(120);
  const ended = new Promise((resolve) => void worker.once('exit', resolve));
  worker.postMessage('end');
  expect(await ended).toBe(0);
  await client.close();
});

test('one that is terminated while a client is there leaves the program running', async () => {
  const path = newPath('terminated.sock');
  const worker = await serving(path);
  const client = await VfioUserClient.connect(path, { transport });
  for (let i = 0; i < 50; i++) client.postWrite(0, 0x04, Uint8Array.of(1, 2, 3, 4));
  expect(await client.read32(0, 0x04)).toBe(~0x0403_0201 >>> 0);
  expect(await worker.terminate()).toBe(1);
  await client.close();
});

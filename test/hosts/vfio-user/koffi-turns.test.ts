// A client that always has its next message ready: the event loop has its turn all the same, and so have the timers of a device, however patient the transport is.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { COMMANDS, VfioUserClient, commandMessage, encodePayload, koffiTransport, serveDevice, serveVfioUser, wallClock } from '../../../src/hosts/vfio-user/index.ts';
import { VfioDevice } from '../../../src/vfio/index.ts';
import { newPath } from './sockets.ts';

const NO_REPLY = 0x10;
/** Of a client that is never out of messages; a timer that has not come by then never comes. */
const MOST = 300_000;
/** Messages in a row before the event loop has its turn, and those that one receive can bring with the last of them. */
const IN_A_ROW = 64 + 16;

/**
 * A register whose read posts the next read before it is over: whenever the server receives, there is a message.
 *
 * @param onRead - Is told how many there were, this one with them; false ends it.
 */
async function busy(transport: Parameters<typeof koffiTransport>[0], onRead: (reads: number) => boolean): Promise<void> {
  const next = commandMessage(1, COMMANDS.REGION_READ, encodePayload('REGION_READ', 'request', { offset: 0n, region: 0, count: 4 }), NO_REPLY);
  let reads = 0;
  let over!: () => void;
  let client: VfioUserClient | undefined = undefined;
  const isOver = new Promise<void>((resolve) => void (over = resolve));
  const read = (): number => {
    if (onRead(++reads)) client!.sendRaw(next);
    else over();
    return reads;
  };
  const device = serveDevice(createEngine(), (engine) => new VfioDevice({ name: '0000:00:01.0', regions: { 0: { region: engine.region({ kind: 'hook', size: 0x1000, read }) } } }));
  const server = await serveVfioUser(device, { path: newPath(), transport: koffiTransport(transport) });
  client = await VfioUserClient.connect(server.path, { transport: koffiTransport() });
  client.sendRaw(next);
  await isOver;
  await client.close();
  await server.close();
  device.destroy();
}

describe.each([{ patience: 0 }, { patience: 50 }, { patience: 4000 }, { patience: 1_000_000 }, { waiting: 'standing' }] as const)('%j', (options) => {
  test('a timer of the device comes while its client is busy', async () => {
    let hasCome = false;
    await busy(options, (reads) => {
      if (reads === 1) wallClock().after(0, () => void (hasCome = true));
      return !hasCome && reads < MOST;
    });
    expect(hasCome).toBe(true);
  }, 60_000);

  test('the event loop has its turn after at most so many messages', async () => {
    let longest = 0;
    let row = 0;
    const turn = (): void => {
      row = 0;
      if (reads < 1000) setImmediate(turn);
    };
    let reads = 0;
    setImmediate(turn);
    await busy(options, (now) => {
      reads = now;
      longest = Math.max(longest, ++row);
      return now < 1000;
    });
    expect(longest).toBeLessThanOrEqual(IN_A_ROW);
  });
});

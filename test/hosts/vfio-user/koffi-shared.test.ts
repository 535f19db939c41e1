// Regions that a client may map: the pages that both sides have, and the registers beside them.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { type SharedMemory, VfioUserClient, type VfioUserServer, koffiTransport, netTransport, serveDevice, serveVfioUser, sharedMemory, sharedRegion } from '../../../src/hosts/vfio-user/index.ts';
import { VfioDevice } from '../../../src/vfio/index.ts';
import { newPath, openFds, until } from './sockets.ts';

const transport = koffiTransport();

describe('a region that can be mapped', () => {
  const withShared = async (options: Parameters<typeof sharedRegion>[2], run: (client: VfioUserClient, memory: SharedMemory, server: VfioUserServer) => Promise<void>): Promise<void> => {
    const memory = await sharedMemory(0x4000);
    const device = serveDevice(createEngine(), (engine) => new VfioDevice({ name: '0000:00:01.0', regions: { 2: { region: sharedRegion(engine, memory, options) } } }));
    const server = await serveVfioUser(device, { path: newPath(), transport });
    const client = await VfioUserClient.connect(server.path, { transport });
    const before = openFds();
    await run(client, memory, server);
    await client.close();
    await until(() => server.session === undefined);
    // The two ends of the connection.
    expect(openFds()).toBe(before - 2);
    await server.close();
    device.destroy();
    memory.fd.close();
  };

  test('is one fd, and what each side stores the other one sees', async () => {
    await withShared({}, async (client, memory) => {
      expect(await client.regionInfo(2)).toEqual({ index: 2, flags: 7, size: 0x4000n, capabilities: [] });
      const fds = await client.regionFds(2);
      expect(fds.map(({ kind }) => kind)).toEqual(['memory']);
      fds[0]!.write(0x123n, Uint8Array.of(7));
      expect([memory.bytes[0x123], (await client.read(2, 0x123, 1))[0]]).toEqual([7, 7]);
      for (const [at, bytes] of [[0x40, 1], [0x42, 2], [0x44, 4], [0x48, 8]] as const) {
        await client.write(2, at, new Uint8Array(bytes).fill(bytes));
        expect([...(await client.read(2, at, bytes))]).toEqual([...memory.bytes.subarray(at, at + bytes)]);
        expect(memory.bytes[at + bytes - 1]).toBe(bytes);
      }
      fds[0]!.close();
    });
  });

  test('in part: the registers around it stay trapped, and are told of every access', async () => {
    const stores: [number, number][] = [];
    const hooks = { size: 0x6000, from: 0x1000, to: 0x3000, read: () => 0x55, write: (position: number | bigint, _width: number, value: number | bigint) => void stores.push([Number(position), Number(value)]) };
    await withShared(hooks, async (client, memory) => {
      const info = await client.regionInfo(2);
      expect([info.flags, info.capabilities]).toEqual([15, [{ kind: 'SPARSE_MMAP', areas: [{ offset: 0x1000n, size: 0x2000n }] }]]);
      const [fd] = await client.regionFds(2);
      await client.write32(2, 0x0ffc, 1);
      await client.write32(2, 0x1000, 2);
      await client.write32(2, 0x2ffc, 3);
      await client.write32(2, 0x3000, 4);
      expect(stores).toEqual([[0x0ffc, 1], [0x3000, 4]]);
      const word = new Uint8Array(4);
      fd!.read(0x1000n, word);
      expect([word[0], memory.bytes[0x2ffc], await client.read32(2, 0x5000)]).toEqual([2, 3, 0x55]);
      fd!.close();
    });
  });

  test('is none for a client that takes no fds, and none where they do not pass', async () => {
    await withShared({}, async (client, _memory, server) => {
      await client.close();
      for (const options of [{ transport: netTransport() }, { transport, capabilities: { max_msg_fds: 0 } }]) {
        const other = await VfioUserClient.connect(server.path, options);
        expect((await other.regionInfo(2)).flags).toBe(3);
        await other.close();
      }
      await until(() => server.session === undefined);
    });
  });

  test.each([{ from: 1 }, { to: 0x1001 }, { from: 0x2000, to: 0x2000 }, { to: 0x5000 }, { size: 0x1000 }, { from: -4096 }])('that is no run of pages, %j, is a RangeError', async (options) => {
    const memory = await sharedMemory(0x4000);
    const engine = createEngine();
    expect(() => sharedRegion(engine, memory, options)).toThrow(RangeError);
    memory.fd.close();
  });
});

// A client of any vfio-user server, for programs that drive a device from Node: every command as a promise.
//
//   connect --> VERSION --> regions, interrupts, DMA, features in any order; commands may be under way at a time, and are carried out in the order in which they were asked
//
// With a transport that passes fds, interrupts are eventfds and shared memory is mapped by the server; without, memory is reached by the server's messages.

import { u64 } from '../../../core/index.ts';
import type { U64 } from '../../../core/index.ts';
import { VFIO_DEVICE_FEATURE_GET, VFIO_DEVICE_FEATURE_PROBE, VFIO_DEVICE_FEATURE_SET, VFIO_IRQ_SET_ACTION_TRIGGER, VFIO_IRQ_SET_DATA_EVENTFD, VFIO_IRQ_SET_DATA_NONE, VfioError, readRegionInfoCapabilities } from '../../../uapi/index.ts';
import { DEFAULT_MAX_DATA_XFER_SIZE, DMA_MAP_READABLE, DMA_MAP_WRITEABLE, DMA_UNMAP_ALL, VERSION_MAJOR, VERSION_MINOR } from '../codec/commands.ts';
import type { CommandName } from '../codec/commands.ts';
import { vfio_user_write_multi_entry as ENTRY } from '../codec/layouts.ts';
import { encodePayload, headSize } from '../codec/messages.ts';
import { decodeCapabilities, encodeCapabilities, withDefaults } from '../codec/version.ts';
import type { Version } from '../codec/version.ts';
import { eventFd } from '../transport/koffi-memory.ts';
import type { SharedMemory } from '../transport/koffi-memory.ts';
import { netTransport } from '../transport/net-transport.ts';
import type { PassedFd } from '../transport/transport.ts';
import { ClientConnection } from './client-connection.ts';
import { ClientMemory } from './client-memory.ts';
import { readIoFds } from './io-fds.ts';
import type { ClientIoFd } from './io-fds.ts';
import { PROPOSED } from './options.ts';
import type { ClientRegionInfo, RegionWrite, VfioUserClientOptions } from './options.ts';

const MAX_VECTORS = 2048;

/** A connection to a device. Made by {@link VfioUserClient.connect}. */
export class VfioUserClient {
  /** What the server answered. */
  readonly version: Version;
  private readonly connection: ClientConnection;
  private readonly memory: ClientMemory;
  private readonly chunk: number;
  private readonly passesFds: boolean;
  private readonly fdsAtOnce: number;
  /** Eventfds of the interrupts that are heard, by index. */
  private readonly events = new Map<number, readonly PassedFd[]>();

  private constructor(connection: ClientConnection, memory: ClientMemory, version: Version, passesFds: boolean) {
    this.passesFds = passesFds;
    this.fdsAtOnce = Math.max(1, withDefaults(version.capabilities).max_msg_fds);
    this.connection = connection;
    this.memory = memory;
    this.version = version;
    this.chunk = Math.min(withDefaults(version.capabilities).max_data_xfer_size, DEFAULT_MAX_DATA_XFER_SIZE);
  }

  /**
   * Connects and agrees on a version.
   *
   * @throws (rejects with) VfioError ENOENT, ECONNREFUSED, EACCES when nobody can be reached; EINVAL when the server refuses; EPROTO for an answer that cannot be.
   * @example
   * ```ts
   * const client = await VfioUserClient.connect('/run/edu.sock');
   * await client.read32(0, 0x00); // 0x010000ed
   * await client.close();
   * ```
   */
  static async connect(path: string, options: VfioUserClientOptions = {}): Promise<VfioUserClient> {
    const { minor = VERSION_MINOR, transport = netTransport(), twinSocket = false } = options;
    const { capabilities = transport.abilities.fds ? PROPOSED : { ...PROPOSED, max_msg_fds: 0 } } = options;
    const memory = new ClientMemory();
    const connection = await ClientConnection.open(transport, path, memory);
    try {
      const proposed = twinSocket ? { ...capabilities, twin_socket: { supported: true } } : capabilities;
      const { payload, fds } = await connection.askWithFds('VERSION', encodePayload('VERSION', 'request', { major: VERSION_MAJOR, minor, data: encodeCapabilities(proposed) }));
      const reply = connection.decode('VERSION', payload);
      if (reply.major !== VERSION_MAJOR || reply.minor > minor) {
        for (const fd of fds) fd.close();
        throw new VfioError('EPROTO', 'vfio-user VERSION', `the server answered ${reply.major}.${reply.minor}; expected ${VERSION_MAJOR}.${minor} or less`);
      }
      const answered = decodeCapabilities(reply.data);
      const twin = twinSocket && answered?.twin_socket?.supported === true ? fds[answered.twin_socket.fd_index ?? 0] : undefined;
      for (const fd of fds) if (fd !== twin) fd.close();
      if (twin !== undefined) connection.adopt(twin);
      return new VfioUserClient(connection, memory, { major: reply.major, minor: reply.minor, capabilities: answered }, transport.abilities.fds);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Whether the connection is over: the server has closed it, or {@link VfioUserClient.close} was called. */
  get isOver(): boolean {
    return this.connection.isOver;
  }

  /** Flags (1 RESET, 2 PCI), and how many regions and interrupt indices there are. */
  async deviceInfo(): Promise<{ readonly flags: number; readonly numRegions: number; readonly numIrqs: number }> {
    const { flags, num_regions, num_irqs } = await this.connection.ask('DEVICE_GET_INFO', { argsz: headSize('DEVICE_GET_INFO', 'reply') });
    return { flags, numRegions: num_regions, numIrqs: num_irqs };
  }

  /** A region; asked for again with more room where it has capabilities. Rejects with VfioError EINVAL for an index that there is not. */
  async regionInfo(index: number): Promise<ClientRegionInfo> {
    const head = headSize('DEVICE_GET_REGION_INFO', 'reply');
    let info = await this.connection.ask('DEVICE_GET_REGION_INFO', { argsz: head, index });
    if (info.argsz > head) info = await this.connection.ask('DEVICE_GET_REGION_INFO', { argsz: info.argsz, index });
    try {
      return { index, flags: info.flags, size: info.size, capabilities: readRegionInfoCapabilities(encodePayload('DEVICE_GET_REGION_INFO', 'reply', info)) };
    } catch (error) {
      throw new VfioError('EPROTO', 'vfio-user DEVICE_GET_REGION_INFO', `region ${index}: ${(error as Error).message}`);
    }
  }

  /** The fds with which parts of a region can be mapped: none where it cannot be. They are the caller's, who closes them. */
  async regionFds(index: number): Promise<readonly PassedFd[]> {
    const head = headSize('DEVICE_GET_REGION_INFO', 'reply');
    const { argsz } = await this.connection.ask('DEVICE_GET_REGION_INFO', { argsz: head, index });
    const request = encodePayload('DEVICE_GET_REGION_INFO', 'request', { argsz: Math.max(argsz, head), index });
    return (await this.connection.askWithFds('DEVICE_GET_REGION_INFO', request)).fds;
  }

  /**
   * Places of a region that have fds: whoever signals the eventfd of one has made the write that it stands for, without a message. None where fds do not pass. The fds are the caller's, who closes them.
   *
   * @throws (rejects with) VfioError EINVAL for a region that there is not; EPROTO for an answer that cannot be.
   * @example
   * ```ts
   * const { places, fds } = await client.regionIoFds(0);
   * places.find(({ offset, datamatch }) => offset === 4n && datamatch === 0x10n)?.ring();
   * for (const fd of fds) fd.close();
   * ```
   */
  async regionIoFds(index: number): Promise<{ readonly places: readonly ClientIoFd[]; readonly fds: readonly PassedFd[] }> {
    const command = 'DEVICE_GET_REGION_IO_FDS';
    const head = headSize(command, 'reply');
    const { argsz } = await this.connection.ask(command, { argsz: head, index });
    if (argsz <= head) return { places: [], fds: [] };
    const { size } = await this.connection.ask('DEVICE_GET_REGION_INFO', { argsz: headSize('DEVICE_GET_REGION_INFO', 'reply'), index });
    const { payload, fds } = await this.connection.askWithFds(command, encodePayload(command, 'request', { argsz, index }));
    try {
      return { places: readIoFds(this.connection.decode(command, payload), fds, size), fds };
    } catch (error) {
      for (const fd of fds) fd.close();
      throw error;
    }
  }

  /** Flags and vectors of an interrupt index: 0 INTx, 1 MSI, 2 MSI-X, 3 ERR, 4 REQ. */
  async irqInfo(index: number): Promise<{ readonly flags: number; readonly count: number }> {
    const { flags, count } = await this.connection.ask('DEVICE_GET_IRQ_INFO', { argsz: headSize('DEVICE_GET_IRQ_INFO', 'reply'), index });
    return { flags, count };
  }

  /** DEVICE_SET_IRQS: `flags` as VFIO_IRQ_SET_ has them, `data` with DATA_BOOL, `fds` with DATA_EVENTFD, which stay the caller's. Default: TRIGGER, DATA_NONE. */
  async setIrqs(request: { readonly index: number; readonly flags?: number; readonly start?: number; readonly count?: number; readonly data?: Uint8Array; readonly fds?: readonly PassedFd[] }): Promise<void> {
    const { index, flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, start = 0, count = 0, data = new Uint8Array(0), fds = [] } = request;
    await this.connection.ask('DEVICE_SET_IRQS', { argsz: headSize('DEVICE_SET_IRQS', 'request') + data.length, flags, index, start, count, data }, fds);
  }

  /**
   * Interrupts as events: `told` is called with the vector's number. They take the place of those that the index had. Needs a transport that passes fds.
   *
   * @param index 0 INTx, 1 MSI, 2 MSI-X, 3 ERR, 4 REQ. An INTx that was told is masked until it is unmasked: `setIrqs` with UNMASK.
   * @param vectors how many, from vector 0 on; 1 to 2048.
   * @throws (rejects with) VfioError EINVAL of the server; EOPNOTSUPP where fds do not pass.
   * @example
   * ```ts
   * await client.enableInterrupts(2, 4, (vector) => console.log('vector', vector));
   * ```
   */
  async enableInterrupts(index: number, vectors: number, told: (vector: number) => void): Promise<void> {
    const call = 'enableInterrupts';
    if (!Number.isSafeInteger(vectors) || vectors < 1 || vectors > MAX_VECTORS) throw new RangeError(`${call}: vectors is ${vectors}; expected 1 to ${MAX_VECTORS}`);
    if (!this.passesFds) throw new VfioError('EOPNOTSUPP', call, 'the transport passes no fds; koffiTransport() does');
    const fds: Awaited<ReturnType<typeof eventFd>>[] = [];
    try {
      while (fds.length < vectors) fds.push(await eventFd());
      // The last ones first: what is enabled once cannot always grow.
      for (let start = Math.floor((vectors - 1) / this.fdsAtOnce) * this.fdsAtOnce; start >= 0; start -= this.fdsAtOnce) {
        const part = fds.slice(start, start + this.fdsAtOnce);
        await this.setIrqs({ index, flags: VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, start, count: part.length, fds: part });
      }
    } catch (error) {
      for (const fd of fds) fd.close();
      throw error;
    }
    this.forget(index);
    this.events.set(index, fds);
    for (const [vector, fd] of fds.entries()) fd.onSignal(() => told(vector));
  }

  /** Turns the interrupts of an index off. */
  async disableInterrupts(index: number): Promise<void> {
    await this.setIrqs({ index });
    this.forget(index);
  }

  private forget(index: number): void {
    for (const fd of this.events.get(index) ?? []) fd.close();
    this.events.delete(index);
  }

  /** `count` bytes of a region, in as many messages as it takes. Rejects with VfioError EINVAL beyond its end. */
  async read(region: number, offset: U64, count: number): Promise<Uint8Array> {
    const from = u64('read: offset', offset);
    const bytes = new Uint8Array(count);
    for (let at = 0; at === 0 || at < count; at += this.chunk) {
      const part = Math.min(this.chunk, count - at);
      const { data } = await this.connection.ask('REGION_READ', { offset: from + BigInt(at), region, count: part });
      if (data.length !== part) throw new VfioError('EPROTO', 'vfio-user REGION_READ', `${data.length} bytes of ${part}`);
      bytes.set(data, at);
    }
    return bytes;
  }

  /** Four bytes of a region, little-endian. */
  async read32(region: number, offset: U64): Promise<number> {
    return new DataView((await this.read(region, offset, 4)).buffer).getUint32(0, true);
  }

  /** Writes all of `data`, and waits for it. Rejects as {@link VfioUserClient.read}. */
  async write(region: number, offset: U64, data: Uint8Array): Promise<void> {
    const from = u64('write: offset', offset);
    for (let at = 0; at === 0 || at < data.length; at += this.chunk) {
      const part = data.subarray(at, at + this.chunk);
      await this.connection.ask('REGION_WRITE', { offset: from + BigInt(at), region, count: part.length, data: part });
    }
  }

  /** Four bytes to a region, little-endian. */
  async write32(region: number, offset: U64, value: number): Promise<void> {
    const data = new Uint8Array(4);
    new DataView(data.buffer).setUint32(0, value, true);
    await this.write(region, offset, data);
  }

  /** Writes and waits for nothing: no reply, and no error. What is asked for afterwards comes later all the same. */
  postWrite(region: number, offset: U64, data: Uint8Array): void {
    this.connection.post('REGION_WRITE', { offset: u64('postWrite: offset', offset), region, count: data.length, data });
  }

  /** Many short writes in one message. Only with a server that has `write_multiple`. Resolves to how many it made. */
  async writeMulti(writes: readonly RegionWrite[]): Promise<number> {
    const data = new Uint8Array(writes.length * ENTRY.size);
    for (const [i, { region, offset, data: value }] of writes.entries()) {
      if (value.length < 1 || value.length > 8) throw new RangeError(`writeMulti: write ${i} has ${value.length} bytes; expected 1 to 8`);
      const padded = new Uint8Array(8);
      padded.set(value);
      ENTRY.encode({ offset: u64('writeMulti: offset', offset), region, count: value.length, data: padded }, data, i * ENTRY.size);
    }
    return Number((await this.connection.ask('REGION_WRITE_MULTI', { wr_cnt: writes.length, data })).wr_cnt);
  }

  /** Resets the device. */
  async reset(): Promise<void> {
    await this.connection.ask('DEVICE_RESET', {});
  }

  /**
   * Lets the device reach `memory` at an IOVA, until it is unmapped: shared memory is the device's own to read and write, anything else is reached in place by the server's messages.
   *
   * @throws (rejects with) VfioError EEXIST, EINVAL, ENOSPC of the server; EOPNOTSUPP for shared memory where fds do not pass.
   */
  async dmaMap(address: U64, memory: Uint8Array | SharedMemory, access: { readonly readable?: boolean; readonly writable?: boolean } = {}): Promise<void> {
    const { readable = true, writable = true } = access;
    const addr = u64('dmaMap: address', address);
    const flags = (readable ? DMA_MAP_READABLE : 0) | (writable ? DMA_MAP_WRITEABLE : 0);
    const [bytes, fds] = memory instanceof Uint8Array ? [memory, []] : [memory.bytes, [memory.fd]];
    if (fds.length > 0 && !this.passesFds) throw new VfioError('EOPNOTSUPP', 'dmaMap', 'the transport passes no fds; koffiTransport() does');
    await this.connection.ask('DMA_MAP', { argsz: headSize('DMA_MAP', 'request'), flags, addr, size: bytes.length }, fds);
    this.memory.add(addr, bytes, flags);
  }

  /** Takes a mapping away. Rejects with VfioError ENOENT where there is none. */
  async dmaUnmap(address: U64, size: U64): Promise<void> {
    const [addr, bytes] = [u64('dmaUnmap: address', address), u64('dmaUnmap: size', size)];
    await this.connection.ask('DMA_UNMAP', { argsz: headSize('DMA_UNMAP', 'request'), addr, size: bytes });
    this.memory.remove(addr, bytes);
  }

  /** Takes all mappings away. */
  async dmaUnmapAll(): Promise<void> {
    await this.connection.ask('DMA_UNMAP', { argsz: headSize('DMA_UNMAP', 'request'), flags: DMA_UNMAP_ALL });
    this.memory.clear();
  }

  private async feature(flags: number, data: Uint8Array, room: number): Promise<Uint8Array> {
    return (await this.connection.ask('DEVICE_FEATURE', { argsz: headSize('DEVICE_FEATURE', 'request') + room, flags, data })).data;
  }

  /** GET of a feature: `room` bytes for its data. Rejects with VfioError ENOTTY for one that there is not. */
  async getFeature(feature: number, room: number, data: Uint8Array = new Uint8Array(0)): Promise<Uint8Array> {
    return this.feature(VFIO_DEVICE_FEATURE_GET | feature, data, room);
  }

  /** SET of a feature. */
  async setFeature(feature: number, data: Uint8Array = new Uint8Array(0)): Promise<void> {
    await this.feature(VFIO_DEVICE_FEATURE_SET | feature, data, data.length);
  }

  /** Whether there is a feature with these methods. */
  async probeFeature(feature: number, methods = 0): Promise<boolean> {
    try {
      await this.feature(VFIO_DEVICE_FEATURE_PROBE | methods | feature, new Uint8Array(0), 0);
      return true;
    } catch (error) {
      if (error instanceof VfioError && (error.code === 'ENOTTY' || error.code === 'EINVAL')) return false;
      throw error;
    }
  }

  /** Up to `size` bytes of the stream of a migration; fewer: the end. */
  async readMigrationData(size: number): Promise<Uint8Array> {
    const { data } = await this.connection.ask('MIG_DATA_READ', { argsz: headSize('MIG_DATA_READ', 'reply') + size, size });
    return data;
  }

  /** More of the stream of a migration. */
  async writeMigrationData(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length; at += this.chunk) {
      const part = data.subarray(at, at + this.chunk);
      await this.connection.ask('MIG_DATA_WRITE', { argsz: headSize('MIG_DATA_WRITE', 'request') + part.length, size: part.length, data: part });
    }
  }

  /** Any command with any payload, for what the other methods would not send. The payload of the reply. */
  async ask(command: CommandName, payload: Uint8Array, fds?: readonly PassedFd[]): Promise<Uint8Array> {
    return this.connection.askBytes(command, payload, fds);
  }

  /** Bytes as they are, whatever they are: for tests of servers. */
  sendRaw(bytes: Uint8Array, fds?: readonly PassedFd[]): void {
    this.connection.sendRaw(bytes, fds);
  }

  /** Ends the connection: the device keeps its state. */
  async close(): Promise<void> {
    for (const index of [...this.events.keys()]) this.forget(index);
    await this.connection.close();
  }
}

// A program that serves devices, as a user writes one: it imports the package. Its parent asks it for things in messages; it keeps the last lines of what went over the wire.
//
//   parent -- { id, call, args } -->  functions below
//          <- { id, value } or { id, error } --
import { readdirSync } from 'node:fs';
import { createEngine } from 'maplebar';
import * as devices from 'maplebar/devices';
import { serveDevice, serveVfioUser, wallClock } from 'maplebar/vfio-user';
import { transportNamed } from './transports.mjs';
import { windowMaker } from './window.mjs';
import { WireLog } from './wire-log.mjs';

const DEVICES = { idio16: devices.idio16, edu: devices.edu, 'endpoint-test': devices.endpointTest, 'nvme-lite': devices.nvmeLite };
const DISK_BYTES = 24 << 20;
const OPTIONS = { 'nvme-lite': () => ({ store: new Uint8Array(DISK_BYTES) }) };

/** By name: { card, server, log, complaints, most }. */
const served = new Map();
const openFds = () => readdirSync('/proc/self/fd').length;

const functions = {
  /** Serves a device at a socket; what is off because of the transport. */
  async serve({ name, device, path, transport }) {
    const most = { mappings: 0, openFds: 0 };
    const log = new WireLog(() => {
      const { mappings } = server.session;
      if (mappings <= most.mappings) return;
      most.mappings = mappings;
      most.openFds = Math.max(most.openFds, openFds());
    });
    const complaints = [];
    let card;
    const maker = device === 'window' ? await windowMaker() : DEVICES[device];
    const make = (engine, host) => (card = maker(engine, host, OPTIONS[device]?.()));
    const one = serveDevice(createEngine(), make, { clock: wallClock(), guestError: (message) => void complaints.push(`driver: ${message}`) });
    const server = await serveVfioUser(one, { path, transport: log.around(transportNamed(transport)), onDeviceError: (error) => void complaints.push(`device: ${error.stack ?? error}`) });
    served.set(name, { card, server, log, complaints, most });
    return server.missing;
  },
  /** Calls a method of a card. */
  card: (name, method, ...args) => served.get(name).card[method](...args),
  /** What a server counts. */
  counts: (name) => {
    const { server, log, card, most } = served.get(name);
    const { session } = server;
    return { clients: server.clients, isConnected: session !== undefined, mappings: session?.mappings ?? 0, heldFds: session?.heldFds ?? 0, messages: log.counts, resets: card.resets, openFds: openFds(), most };
  },
  /** What a card has complained of since the last call. */
  complaints: (name) => served.get(name).complaints.splice(0),
  /** The last lines of all wires. */
  trace: () => [...served].flatMap(([name, { log, complaints }]) => [...complaints.slice(-5), ...log.lines.map((line) => `${name} ${line}`)]),
  async close() {
    for (const { server } of served.values()) await server.close();
    process.disconnect();
  },
};

process.on('message', ({ id, call, args }) => {
  Promise.resolve()
    .then(() => functions[call](...args))
    .then((value) => ({ id, value }), (error) => ({ id, error: error.stack ?? String(error) }))
    .then((answer) => process.connected && process.send(answer));
});
process.on('disconnect', () => process.exit());

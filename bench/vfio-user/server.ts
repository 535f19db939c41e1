// Our side of the benchmark, a process of its own: `edu` at a socket, over the transport that passes fds, as a user would serve it. Argument: the path.

import { createEngine } from '../../src/core/index.ts';
import { edu } from '../../src/devices/index.ts';
import { koffiTransport, serveDevice, serveVfioUser, wallClock } from '../../src/hosts/vfio-user/index.ts';

const device = serveDevice(createEngine(), edu, { clock: wallClock() });
await serveVfioUser(device, { path: process.argv[2]!, transport: koffiTransport({ patience: 4000 }) });
console.log('ready');

// A transport whose connections are listened to: every piece that comes and every message that goes, and what is done with the fds of clients.

import type { Connection, ConnectionHandler, PassedFd, Transport } from '../transport/transport.ts';
import type { FdKind, SessionLog } from './events.ts';

const NOTHING = new Uint8Array(0);

function loggedFd(fd: PassedFd, number: number, log: SessionLog): PassedFd {
  /** Told when it is done: a replay needs what was read. One that has failed moved no bytes. */
  const moved = (kind: 'fd-read' | 'fd-write', offset: bigint, bytes: Uint8Array, move: () => void): void => {
    try {
      move();
    } catch (error) {
      log.output({ kind, fd: number, offset, bytes: NOTHING });
      throw error;
    }
    log.output({ kind, fd: number, offset, bytes });
  };
  return {
    ...(fd.kind !== undefined && { kind: fd.kind }),
    signal() {
      fd.signal();
      log.output({ kind: 'signal', fd: number });
    },
    ...(fd.onSignal !== undefined && {
      onSignal: (told) =>
        fd.onSignal!(() => {
          log.input({ kind: 'signalled', fd: number });
          told();
        }),
    }),
    read: (offset, target) => moved('fd-read', offset, target, () => fd.read(offset, target)),
    write: (offset, source) => moved('fd-write', offset, source, () => fd.write(offset, source)),
    close: () => fd.close(),
  };
}

/** Without a twin socket, which is also what says that pages can be shared: both would pass beside the log. */
function loggedConnection(connection: Connection, log: SessionLog): Connection {
  return {
    send(message, fds) {
      // The reply is on its way before anybody looks at it.
      connection.send(message, fds);
      log.output({ kind: 'sent', fds: fds?.length ?? 0, bytes: message });
    },
    get unsent() {
      return connection.unsent;
    },
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    close: () => connection.close(),
  };
}

function loggedHandler(handler: ConnectionHandler, log: SessionLog): ConnectionHandler {
  return {
    received(bytes, fds) {
      log.input({ kind: 'received', fds: fds.map((fd): FdKind => fd.kind ?? 'unknown'), bytes });
      const numbers = log.number(fds.length);
      handler.received(bytes, fds.map((fd, i) => loggedFd(fd, numbers[i]!, log)));
    },
    drained: () => handler.drained(),
    closed() {
      log.input({ kind: 'closed' });
      handler.closed();
    },
  };
}

/**
 * The same transport, with a log of what passes. All of it passes here: there is no twin socket, and no BAR is mapped.
 *
 * @example
 * ```ts
 * const log = new SessionLog(() => Number(clock.now()), [(event) => console.log(event.kind)]);
 * await serveVfioUser(device, { path, transport: loggedTransport(netTransport(), log) });
 * ```
 */
export function loggedTransport(transport: Transport, log: SessionLog): Transport {
  return {
    abilities: { fds: transport.abilities.fds },
    connect: (path, handler) => transport.connect(path, handler),
    listen: (path, accept) =>
      transport.listen(path, (connection) => {
        log.input({ kind: 'connect' });
        return loggedHandler(accept(loggedConnection(connection, log)), log);
      }),
  };
}

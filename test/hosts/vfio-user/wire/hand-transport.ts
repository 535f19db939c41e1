// A transport without sockets, in one program: what one side sends the other one has at once. Its fds are counted.

import type { Bells, Connection, ConnectionHandler, Listener, PassedFd, Transport } from '../../../../src/hosts/vfio-user/index.ts';

/** What several fds can be of. */
interface HandFile {
  readonly kind: 'event' | 'memory';
  signals: number;
}

/** Fds that are open, of all kinds. */
export class HandFds {
  open = 0;

  make(kind: HandFile['kind']): HandFd {
    return new HandFd(this, { kind, signals: 0 });
  }
}

export class HandFd implements PassedFd {
  readonly file: HandFile;
  private readonly all: HandFds;
  private isClosed = false;

  constructor(all: HandFds, file: HandFile) {
    this.all = all;
    this.file = file;
    all.open++;
  }

  get kind(): 'event' | 'memory' {
    return this.file.kind;
  }

  private use(): void {
    if (this.isClosed) throw new Error('a closed fd is used');
  }

  signal(): void {
    this.use();
    this.file.signals++;
  }

  onSignal(): void {
    this.use();
  }

  read(): void {
    this.use();
  }

  write(): void {
    this.use();
  }

  close(): void {
    if (this.isClosed) throw new Error('an fd is closed twice');
    this.isClosed = true;
    this.all.open--;
  }
}

class HandConnection implements Connection {
  readonly unsent = 0;
  other!: HandConnection;
  private readonly all: HandFds;
  handler: ConnectionHandler | undefined;

  constructor(all: HandFds) {
    this.all = all;
  }

  send(message: Uint8Array, fds: readonly PassedFd[] = []): void {
    this.other.handler?.received(message.slice(), fds.map((fd) => (fd instanceof HandFd ? new HandFd(this.all, fd.file) : this.all.make('memory'))));
  }

  twin(): never {
    throw new Error('nobody proposes it');
  }

  bells(count: number): Bells {
    const fds = Array.from({ length: count }, () => this.all.make('event'));
    return { fds, take: () => [], close: () => fds.forEach((fd) => fd.close()) };
  }

  pause(): void {
    return;
  }

  resume(): void {
    return;
  }

  close(): void {
    for (const one of [this, this.other]) {
      const { handler } = one;
      one.handler = undefined;
      if (handler !== undefined) setImmediate(() => handler.closed());
    }
  }
}

/** One server at a time. */
export class HandTransport implements Transport {
  readonly abilities = { fds: true };
  readonly fds = new HandFds();
  private accept: ((connection: Connection) => ConnectionHandler) | undefined;

  listen(_path: string, accept: (connection: Connection) => ConnectionHandler): Promise<Listener> {
    this.accept = accept;
    return Promise.resolve({ close: () => Promise.resolve() });
  }

  connect(_path: string, handler: ConnectionHandler): Promise<Connection> {
    const [client, server] = [new HandConnection(this.fds), new HandConnection(this.fds)];
    [client.other, server.other] = [server, client];
    client.handler = handler;
    server.handler = this.accept!(server);
    return Promise.resolve(client);
  }
}

// What carries messages between a client and a server: bytes, and fds with them. Who writes another transport writes these interfaces.
//
//   listener --- accepts ---> connection --- bytes, fds ---> handler (a session behind it)
//                                        <-- messages, fds ---
//
//                           net                          one with SCM_RIGHTS
//   fds in and out          dropped by the kernel        passed
//   interrupts              off                          on: eventfds
//   doorbells               by messages only             by eventfd where the device has them
//   guest memory            by messages only             by fd where the client gave one

/** What a transport can pass besides bytes. */
export interface TransportAbilities {
  /** Fds reach the other side: interrupts by eventfd, and memory by fd. */
  readonly fds: boolean;
}

/** An fd that came with a message. Whoever holds it closes it, once. */
export interface PassedFd {
  /** What it can be used as. Undefined: the transport does not look. */
  readonly kind?: 'event' | 'memory' | 'other';
  /** Of an eventfd: adds one to its counter. */
  signal(): void;
  /** Of an eventfd: `told` is called whenever the other side has signalled it, until it is closed; its counter is 0 again then. Missing where that cannot be heard. */
  onSignal?(told: () => void): void;
  /** Of memory: fills `target` with the bytes from `offset` on. VfioError when they are not all there. */
  read(offset: bigint, target: Uint8Array): void;
  /** Of memory: writes all of `source` from `offset` on. VfioError when there is no room for it. */
  write(offset: bigint, source: Uint8Array): void;
  close(): void;
}

/** Eventfds that this side has made for the other one to signal. */
export interface Bells {
  readonly fds: readonly PassedFd[];
  /** Which of them were signalled since they were asked last, as indices, in ascending order: their counters are 0 again. Waits for nothing. */
  take(): readonly number[];
  /** Closes them. */
  close(): void;
}

/** Memory of a transport where a handler reads a piece and leaves a reply: neither is copied. */
export interface Desk {
  readonly view: DataView;
  /** Where the piece begins. */
  readonly piece: number;
  /** Where a reply can be put: room for {@link DESK_REPLY} bytes. */
  readonly reply: number;
}

/** Bytes of the longest reply that a desk has room for. */
export const DESK_REPLY = 64;

/** One client, as the transport has it. */
export interface Connection {
  /** Sends one whole message; fds go with its first byte. Does nothing once the connection is closed. */
  send(message: Uint8Array, fds?: readonly PassedFd[]): void;
  /** The same for the first `count` bytes of the reply's place at the desk. Missing where pieces are not shown. */
  sendShown?(count: number): void;
  /** A pair of connected sockets: a connection at one, and the other as an fd to be sent, which is the caller's. Missing where fds do not pass. */
  twin?(handler: ConnectionHandler): { readonly connection: Connection; readonly fd: PassedFd };
  /** A connection at a socket that came as an fd, which is taken over. VfioError ENOTSOCK for what is none. Missing where fds do not pass. */
  adopt?(fd: PassedFd, handler: ConnectionHandler): Connection;
  /**
   * Makes eventfds. `rung` is called when some were signalled, after all that the other side had sent by then was received; not while nothing is received.
   * VfioError EMFILE, with none made. Missing where fds do not pass.
   */
  bells?(count: number, rung: () => void): Bells;
  /** Bytes that were sent and that the other side has not taken yet. */
  readonly unsent: number;
  /** No more is received until {@link Connection.resume}. */
  pause(): void;
  resume(): void;
  /** Ends it; what was sent before still arrives. The handler's `closed` is called later. */
  close(): void;
}

/** Who is told of what happens to a connection. */
export interface ConnectionHandler {
  /** A piece of the stream, and the fds that came with it: they are the handler's from now on. */
  received(bytes: Uint8Array, fds: readonly PassedFd[]): void;
  /**
   * A piece without fds, before it is received: `count` bytes at a desk that is the transport's again when this returns. Missing: pieces are received only.
   *
   * @returns how many of the bytes are dealt with; the others are received.
   */
  shown?(desk: Desk, count: number): number;
  /** What was sent has been taken: `unsent` is small again. */
  drained(): void;
  /** The connection is over. Called once; nothing else is called afterwards. */
  closed(): void;
}

/** An open place for clients to come to. */
export interface Listener {
  /** Takes no more clients, and ends the connections that there are. Resolves when all are over. */
  close(): Promise<void>;
}

/** A way for clients to come in. */
export interface Transport {
  readonly abilities: TransportAbilities;
  /**
   * Opens a UNIX socket.
   *
   * @param path where.
   * @param accept is called for each client, one after the other: the next one is accepted when the one before it is over.
   * @throws (rejects with) VfioError EADDRINUSE when a server listens there, and what the system answers.
   */
  listen(path: string, accept: (connection: Connection) => ConnectionHandler): Promise<Listener>;
  /**
   * Connects to a server: the client's side.
   *
   * @param handler is told from then on; nothing before the promise resolves.
   * @throws (rejects with) VfioError ENOENT, ECONNREFUSED, EACCES as the system says.
   */
  connect(path: string, handler: ConnectionHandler): Promise<Connection>;
}

// The header that begins every message, and whole messages made of one.
//
//   0            2          4         8         12        16
//   +------------+----------+---------+---------+---------+- - - - -
//   | message id | command  |  size   |  flags  |  errno  | payload
//   +------------+----------+---------+---------+---------+- - - - -
//                             with the header itself
//
//   flags   bits 0-3  0 command, 1 reply      bit 4  no reply wanted      bit 5  failed: errno says how
//
// Source: QEMU docs/interop/vfio-user.rst

export const HEADER_SIZE = 16;

export const TYPE_MASK = 0xf;
export const TYPE_COMMAND = 0x0;
export const TYPE_REPLY = 0x1;
/** Of a command: nobody waits for a reply, not even to an error. */
export const FLAG_NO_REPLY = 0x10;
/** Of a reply: the command failed. */
export const FLAG_ERROR = 0x20;

/** What the header says. */
export interface MessageHeader {
  /** Chosen by who sends the command, 0 to 65535; the reply has the same. */
  readonly id: number;
  readonly command: number;
  /** Bytes, the header's 16 included. */
  readonly size: number;
  readonly flags: number;
  /** Positive; 0 where nothing failed, and in some errors too. */
  readonly errno: number;
}

/** Reads the header whose first byte is `at`. RangeError when the view ends before it does. */
export function decodeHeader(view: DataView, at = 0): MessageHeader {
  return {
    id: view.getUint16(at, true),
    command: view.getUint16(at + 2, true),
    size: view.getUint32(at + 4, true),
    flags: view.getUint32(at + 8, true),
    errno: view.getUint32(at + 12, true),
  };
}

/**
 * Bytes of a whole message with `payload` bytes behind the header, zeros as yet.
 *
 * @param header - Its size is what the payload makes it.
 */
export function newMessage(header: Omit<MessageHeader, 'size'>, payload: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_SIZE + payload);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, header.id, true);
  view.setUint16(2, header.command, true);
  view.setUint32(4, bytes.length, true);
  view.setUint32(8, header.flags, true);
  view.setUint32(12, header.errno, true);
  return bytes;
}

function withPayload(header: Omit<MessageHeader, 'size'>, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = newMessage(header, payload.length);
  bytes.set(payload, HEADER_SIZE);
  return bytes;
}

/** A command as bytes. */
export function commandMessage(id: number, command: number, payload: Uint8Array, flags = 0): Uint8Array<ArrayBuffer> {
  return withPayload({ id, command, flags: TYPE_COMMAND | flags, errno: 0 }, payload);
}

/** The reply to a command as bytes. */
export function replyMessage({ id, command }: Pick<MessageHeader, 'id' | 'command'>, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return withPayload({ id, command, flags: TYPE_REPLY, errno: 0 }, payload);
}

/** The reply to a command that failed: a header and nothing else. */
export function errorMessage({ id, command }: Pick<MessageHeader, 'id' | 'command'>, errno: number): Uint8Array<ArrayBuffer> {
  return newMessage({ id, command, flags: TYPE_REPLY | FLAG_ERROR, errno }, 0);
}

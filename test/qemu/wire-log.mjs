// What went over a wire: how many messages of each command, and the last lines of both directions. It stands between a transport and the server.
import { MessageStream, commandText, decodePayload } from 'maplebar/vfio-user';

const KEPT = 40;
const MOST_BYTES = 1 << 22;
const MOST_TEXT = 160;

function shown(value) {
  if (typeof value === 'bigint') return `0x${value.toString(16)}`;
  if (!(value instanceof Uint8Array)) return JSON.stringify(value);
  return value.length > 8 ? `${value.length} bytes` : Buffer.from(value).toString('hex');
}

/** The fields of a payload; empty data are left out. */
function said(name, direction, payload) {
  try {
    return Object.entries(decodePayload(name, direction, payload)).flatMap(([field, value]) => (value?.length === 0 ? [] : [`${field}=${shown(value)}`])).join(' ').slice(0, MOST_TEXT);
  } catch {
    return `${payload.length} bytes`;
  }
}

/** A log of one server's connections; `mapped` is called when a mapping has been made. */
export class WireLog {
  constructor(mapped) {
    this.mapped = mapped;
  }

  lines = [];
  /** By command: requests, whoever made them. */
  counts = {};

  note(arrow, { header, payload, fds }) {
    const name = commandText(header.command).split(' ')[0];
    const isReply = (header.flags & 0xf) === 1;
    if (!isReply) this.counts[name] = (this.counts[name] ?? 0) + 1;
    if (isReply && name === 'DMA_MAP') this.mapped();
    const error = header.flags & 0x20 ? ` errno ${header.errno}` : '';
    this.lines.push(`${arrow} ${name} ${isReply ? 'reply' : 'command'} ${header.id}${error} ${header.flags & 0x20 ? '' : said(name, isReply ? 'reply' : 'request', payload)}${fds.length > 0 ? ` ${fds.length} fds` : ''}`);
    if (this.lines.length > KEPT) this.lines.splice(0, this.lines.length - KEPT);
  }

  reader(arrow) {
    const stream = new MessageStream(MOST_BYTES);
    return (bytes, fds = []) => {
      stream.push(bytes.slice(), fds);
      for (let message = stream.next(); message !== undefined; message = stream.next()) this.note(arrow, message);
    };
  }

  /** The same transport, heard. */
  around(transport) {
    const log = this;
    return {
      abilities: transport.abilities,
      listen: (path, accept) =>
        transport.listen(path, (connection) => {
          const [heard, sent] = [log.reader('<'), log.reader('>')];
          const tapped = new Proxy(connection, {
            get(target, key) {
              if (key === 'send') {
                return (message, fds) => {
                  sent(message, fds);
                  target.send(message, fds);
                };
              }
              const value = target[key];
              return typeof value === 'function' ? value.bind(target) : value;
            },
          });
          const handler = accept(tapped);
          return {
            received(bytes, fds) {
              heard(bytes, fds);
              handler.received(bytes, fds);
            },
            drained: () => handler.drained(),
            closed: () => {
              log.lines.push('< the client is gone');
              handler.closed();
            },
          };
        }),
    };
  }
}

// VERSION on the server's side: what this server can, and what is agreed on with one client.

import { VfioError } from '../../../uapi/index.ts';
import { DEFAULT_MAX_DATA_XFER_SIZE, DEFAULT_MAX_DMA_MAPS, VERSION_MAJOR, VERSION_MINOR } from '../codec/commands.ts';
import { encodePayload } from '../codec/messages.ts';
import type { PayloadOf } from '../codec/messages.ts';
import { answeredCapabilities, decodeCapabilities, withDefaults } from '../codec/version.ts';
import type { Capabilities } from '../codec/version.ts';

/** Fds that the server takes with one message. Clients refuse an answer above 16, and cut longer lists into pieces of that many: it is never 0, whatever the transport passes. */
const MAX_MSG_FDS = 16;

/** What this server can, what clients use most first. */
export const SERVER_CAPABILITIES: Capabilities = {
  max_msg_fds: MAX_MSG_FDS,
  max_data_xfer_size: DEFAULT_MAX_DATA_XFER_SIZE,
  write_multiple: true,
  max_dma_maps: DEFAULT_MAX_DMA_MAPS,
  pgsizes: 4096,
  migration: { pgsize: 4096 },
};

/** What is agreed on. */
export interface Agreement {
  readonly minor: number;
  /** Bytes of data in a message to the client. */
  readonly clientDataBytes: number;
  /** Fds in a message to the client. */
  readonly clientFds: number;
  /** Whether the server's own commands have a socket of their own. */
  readonly hasTwin: boolean;
}

/**
 * Answers VERSION.
 *
 * @returns the payload of the reply, never longer than the request's, and what is agreed on.
 * @throws VfioError EINVAL for another major version, and for a text that is no JSON or has a capability that cannot be.
 */
export function negotiate({ major, minor, data }: PayloadOf<'VERSION', 'request'>, own: Capabilities): { readonly reply: Uint8Array; readonly agreement: Agreement } {
  if (major !== VERSION_MAJOR) throw new VfioError('EINVAL', 'vfio-user VERSION', `major is ${major}; expected ${VERSION_MAJOR}`);
  const proposed = decodeCapabilities(data);
  const { max_data_xfer_size, max_msg_fds } = withDefaults(proposed);
  const agreed = Math.min(minor, VERSION_MINOR);
  const isAsked = proposed?.twin_socket?.supported === true && max_msg_fds > 0;
  const { twin_socket: twin, ...others } = own;
  const text = answeredCapabilities(proposed, isAsked && twin !== undefined ? own : others, data.length);
  const hasTwin = decodeCapabilities(text)?.twin_socket !== undefined;
  const reply = encodePayload('VERSION', 'reply', { major, minor: agreed, data: text });
  return { reply, agreement: { hasTwin, minor: agreed, clientDataBytes: Math.min(max_data_xfer_size, DEFAULT_MAX_DATA_XFER_SIZE), clientFds: max_msg_fds } };
}

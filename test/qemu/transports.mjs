// Transports by name.
import { netTransport } from 'maplebar/vfio-user';

const TRANSPORTS = { net: () => netTransport(), koffi: () => netTransport() };

/** @param {string} name */
export async function transportNamed(name) {
  return TRANSPORTS[name]();
}

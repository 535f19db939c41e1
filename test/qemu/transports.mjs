// Transports by name.
import { koffiTransport, netTransport } from 'maplebar/vfio-user';

const TRANSPORTS = { net: () => netTransport(), koffi: () => koffiTransport() };

/** @param {string} name */
export const transportNamed = (name) => TRANSPORTS[name]();

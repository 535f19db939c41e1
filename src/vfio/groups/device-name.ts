// The name by which VFIO_GROUP_GET_DEVICE_FD asks for a device of a group, and the VF token behind it. Behaviour text, section 1.2.
//
//   0000:01:00.0
//   0000:01:00.0 vf_token=12345678-9abc-def0-1234-56789abcdef0
//
// Source: drivers/vfio/group.c vfio_device_get_from_name; drivers/vfio/pci/vfio_pci_core.c vfio_pci_core_match, vfio_pci_validate_vf_token

import { VfioError, formatPciAddress } from '../../uapi/index.ts';
import type { VfioDevice } from '../device.ts';
import type { HostFunction } from '../host/host-function.ts';
import { PAGE_SIZE } from '../page.ts';
import type { UserMemory } from '../user-memory.ts';

const CALL = 'VFIO_GROUP_GET_DEVICE_FD';
const TOKEN = 'vf_token=';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const UUID_LENGTH = 36;

/** A name ends with a NUL among its first 4096 bytes: VfioError EINVAL when there is none, EFAULT when memory ends before it. */
export function copyName(user: UserMemory): string {
  let name = '';
  for (let at = 0; at < PAGE_SIZE; ) {
    // Memory behind the NUL need not be there.
    const bytes = user.copyIn(at, user.holds(at, 64) ? 64 : 1);
    const end = bytes.indexOf(0);
    name += String.fromCharCode(...(end === -1 ? bytes : bytes.subarray(0, end)));
    if (end !== -1) return name;
    at += bytes.length;
  }
  throw new VfioError('EINVAL', CALL, `the name has more than ${PAGE_SIZE - 1} bytes`);
}

function refuse(code: 'EINVAL' | 'EACCES', what: string): never {
  throw new VfioError(code, CALL, what);
}

/** The token that is given behind a name. VfioError EINVAL for anything else that is there. */
function parseToken(options: string): Uint8Array | undefined {
  let token: Uint8Array | undefined;
  for (let rest = options; rest !== ''; ) {
    if (rest.startsWith(' ')) {
      rest = rest.slice(1);
      continue;
    }
    if (token !== undefined || !rest.startsWith(TOKEN)) refuse('EINVAL', `${JSON.stringify(rest)} is no option, or one that was given already`);
    const uuid = rest.slice(TOKEN.length, TOKEN.length + UUID_LENGTH);
    if (!UUID.test(uuid)) refuse('EINVAL', `${JSON.stringify(uuid)} is no UUID of ${UUID_LENGTH} characters`);
    token = Uint8Array.from(uuid.replaceAll('-', '').match(/../g) ?? [], (digits) => parseInt(digits, 16));
    rest = rest.slice(TOKEN.length + UUID_LENGTH);
  }
  return token;
}

/** What a token has to do with a function. @internal */
export interface TokenRelations {
  /** Of a virtual function: its physical function's device, where VFIO drives that. */
  readonly physicalFunction: VfioDevice | undefined;
  readonly isVirtualFunction: boolean;
  /** Of a physical function: whether one of its virtual functions is open. */
  readonly hasUsers: boolean;
}

/** VfioError EINVAL, EACCES. A physical function without users takes a token that is given as its own. */
export function checkToken(slot: string, device: VfioDevice, token: Uint8Array | undefined, { physicalFunction, isVirtualFunction, hasUsers }: TokenRelations): void {
  const isRight = (own: Uint8Array): boolean => own.every((byte, i) => byte === token?.[i]);
  if (isVirtualFunction) {
    const own = physicalFunction?.vfToken;
    if (own === undefined) {
      if (token !== undefined) refuse('EINVAL', `a token for ${slot}, whose physical function VFIO does not drive`);
    } else if (token === undefined || !isRight(own.bytes)) {
      refuse('EACCES', `${slot} is a virtual function: ${token === undefined ? 'no token was given' : 'the token is not its physical function\'s'}`);
    }
    return;
  }
  const { vfToken } = device;
  if (vfToken === undefined) {
    if (token !== undefined) refuse('EINVAL', `a token for ${slot}, which is neither a physical nor a virtual function`);
  } else if (hasUsers) {
    if (token === undefined || !isRight(vfToken.bytes)) refuse('EACCES', `virtual functions of ${slot} are open: ${token === undefined ? 'no token was given' : 'the token is not its'}`);
  } else if (token !== undefined) {
    vfToken.set(token);
  }
}

/** Whether a name is a function's: with vfio-pci by its address, with options behind it; with other drivers exactly. VfioError EINVAL, EACCES for options that are wrong. */
export function isNamed(one: HostFunction, name: string, relations: (one: HostFunction) => TokenRelations): boolean {
  const { device, address } = one;
  if (device === undefined) return false;
  if (address === undefined || device.kind !== 'pci') return name === one.slot;
  const own = formatPciAddress(address);
  if (!name.startsWith(own)) return false;
  const rest = name.slice(own.length);
  if (rest !== '' && !rest.startsWith(' ')) return false;
  checkToken(own, device, parseToken(rest), relations(one));
  return true;
}

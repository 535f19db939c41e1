// Where a PCI function sits: domain, bus, device, function, as `lspci` and sysfs write it.
//
//     0000:00:1f.2        domain (4 to 8 hex digits, left out by lspci while every function is in domain 0)
//     |    |  |  +------- function  0..7
//     |    |  +---------- device    0..1f
//     |    +------------- bus       0..ff
//     +------------------ domain

/** Position of a PCI function. All fields are plain numbers: domain 0..0xffffffff, bus 0..255, device 0..31, function 0..7. */
export interface PciAddress {
  domain: number;
  bus: number;
  device: number;
  function: number;
}

const PATTERN = /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([01][0-9a-f])\.([0-7])$/i;

/**
 * Reads `dddd:bb:dd.f` or `bb:dd.f` (domain 0).
 *
 * @returns the address, or `null` when `text` is anything else: this is a question, not a demand.
 * @example
 * parsePciAddress('0000:00:1f.2'); // { domain: 0, bus: 0, device: 31, function: 2 }
 */
export function parsePciAddress(text: string): PciAddress | null {
  const match = PATTERN.exec(text);
  if (match === null) return null;
  return {
    domain: parseInt(match[1] ?? '0', 16),
    bus: parseInt(match[2]!, 16),
    device: parseInt(match[3]!, 16),
    function: parseInt(match[4]!, 16),
  };
}

/**
 * Writes an address as `dddd:bb:dd.f`, or as `bb:dd.f` when `withDomain` is false.
 *
 * @throws RangeError when a field is not an integer in its range.
 * @example
 * formatPciAddress({ domain: 0, bus: 0, device: 31, function: 2 }, false); // '00:1f.2'
 */
export function formatPciAddress(address: PciAddress, withDomain = true): string {
  const field = (name: keyof PciAddress, last: number, digits: number): string => {
    const value = address[name];
    if (!Number.isInteger(value) || value < 0 || value > last) {
      throw new RangeError(`formatPciAddress: ${name} ${value} is not an integer in 0..${last}`);
    }
    return value.toString(16).padStart(digits, '0');
  };
  const slot = `${field('bus', 0xff, 2)}:${field('device', 0x1f, 2)}.${field('function', 7, 1)}`;
  return withDomain ? `${field('domain', 0xffffffff, 4)}:${slot}` : slot;
}

// What a guest's write may change in configuration space: for every byte which bits take it, which bits a one clears, and where a reset leaves them.
//
//   written   1 0 1 1 0 1 0 0
//   writable  1 1 0 0 1 1 0 0     takes the bit
//   clears    0 0 1 1 0 0 0 0     a one clears it, a zero leaves it (RW1C)
//   else                          read-only: reserved bits, identities, registers that nobody described
//
// The rules follow from the bytes: the header's are fixed, those of a capability come from its own capability bits (capability-rules.ts and
// extended-capability-rules.ts), those of BARs from their sizes (bar-registers.ts). What is in no capability is a vendor's own: read-only until described.
//
// Source: PCI Local Bus 3.0, 6.2; names from linux/pci_regs.h

import { standardCapabilityFields } from './capability-rules.ts';
import { walkCapabilities, walkExtendedCapabilities } from './capabilities.ts';
import * as space from './config-space.ts';
import { extendedCapabilityFields } from './extended-capability-rules.ts';
import { hex } from './little-endian.ts';

/** A register and its rules. Masks have as many bits as the register; bits in no mask are read-only. */
export interface ConfigField {
  /** For messages and tables: as linux/pci_regs.h or a datasheet calls it. */
  readonly name: string;
  /** Byte offset in configuration space. */
  readonly offset: number;
  readonly bytes: 1 | 2 | 4;
  /** Bits that take what is written. */
  readonly writable?: number;
  /** Bits that a written one clears. */
  readonly clears?: number;
  /** What writable bits hold after a reset. Default 0. */
  readonly reset?: number;
  /** Bits that only power-on resets, not a function-level reset (RWS, RW1CS, ROS). */
  readonly sticky?: number;
}

/** COMMAND bits that a function implements, whatever BARs it has: QEMU's devices and most of silicon keep IO and MEMORY without a BAR of that kind. */
export const COMMAND_WRITABLE =
  space.PCI_COMMAND_IO | space.PCI_COMMAND_MEMORY | space.PCI_COMMAND_MASTER | space.PCI_COMMAND_PARITY | space.PCI_COMMAND_SERR | space.PCI_COMMAND_INTX_DISABLE;

/** STATUS bits that report errors: a written one clears them. */
export const STATUS_CLEARS =
  space.PCI_STATUS_PARITY | space.PCI_STATUS_SIG_TARGET_ABORT | space.PCI_STATUS_REC_TARGET_ABORT | space.PCI_STATUS_REC_MASTER_ABORT |
  space.PCI_STATUS_SIG_SYSTEM_ERROR | space.PCI_STATUS_DETECTED_PARITY;

/** The header without its base addresses. The latency timer is read-only: PCI Express and integrated functions hardwire it. */
const HEADER_FIELDS: readonly ConfigField[] = [
  { name: 'COMMAND', offset: space.PCI_COMMAND, bytes: 2, writable: COMMAND_WRITABLE },
  { name: 'STATUS', offset: space.PCI_STATUS, bytes: 2, clears: STATUS_CLEARS },
  { name: 'CACHE_LINE_SIZE', offset: space.PCI_CACHE_LINE_SIZE, bytes: 1, writable: 0xff },
  { name: 'INTERRUPT_LINE', offset: space.PCI_INTERRUPT_LINE, bytes: 1, writable: 0xff },
];

/** Which reset: `power-on` for everything, `function` for what FLR, AF and leaving D3hot reset. */
export type ResetKind = 'power-on' | 'function';

/** The rules of one function, byte by byte. Made by {@link computeConfigRules}. */
export class ConfigRules {
  /** Every described register, later ones over earlier ones. */
  readonly fields: readonly ConfigField[];
  /** Bits that take what is written. */
  readonly writable: Uint8Array;
  /** Bits that a written one clears. */
  readonly clears: Uint8Array;
  private readonly initial: Uint8Array;
  private readonly sticky: Uint8Array;

  /**
   * @param size bytes of configuration space, 256 or 4096.
   * @throws RangeError for a field that does not lie in it, or with a mask wider than its register.
   */
  constructor(size: number, fields: readonly ConfigField[]) {
    this.fields = fields;
    [this.writable, this.clears, this.initial, this.sticky] = [0, 1, 2, 3].map(() => new Uint8Array(size)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    for (const field of fields) this.apply(field, size);
  }

  private apply(field: ConfigField, size: number): void {
    const { name, offset, bytes } = field;
    if (!Number.isInteger(offset) || offset < 0 || offset + bytes > size) {
      throw new RangeError(`configuration field ${name}: ${bytes} bytes at offset ${offset} do not lie in the ${size} bytes of configuration space`);
    }
    const masks = [
      ['writable', this.writable],
      ['clears', this.clears],
      ['reset', this.initial],
      ['sticky', this.sticky],
    ] as const;
    for (const [what, target] of masks) {
      const mask = field[what] ?? 0;
      if (!Number.isInteger(mask) || mask < 0 || mask >= 2 ** (8 * bytes)) {
        throw new RangeError(`configuration field ${name}: ${what} ${mask} is outside 0..${hex(2 ** (8 * bytes) - 1, 2)} (hex), its ${bytes} bytes`);
      }
      for (let i = 0; i < bytes; i++) target[offset + i] = (mask >>> (8 * i)) & 0xff;
    }
  }

  /** Gives registers other masks: those of a BAR that was resized. */
  change(fields: readonly ConfigField[]): void {
    for (const field of fields) this.apply(field, this.writable.length);
  }

  /** What a byte holds after `written` was written over `old`. */
  afterWrite(offset: number, old: number, written: number): number {
    const writable = this.writable[offset]!;
    return ((old & ~writable) | (written & writable)) & ~(written & this.clears[offset]!) & 0xff;
  }

  /** Puts every byte of `config` where a reset leaves it; what is read-only stays. */
  reset(config: Uint8Array, kind: ResetKind): void {
    for (let at = 0; at < config.length; at++) {
      let bits = this.writable[at]! | this.clears[at]!;
      if (kind === 'function') bits &= ~this.sticky[at]!;
      config[at] = (config[at]! & ~bits) | (this.initial[at]! & bits);
    }
  }
}

function refuseBroken(config: Uint8Array): void {
  for (const { findings } of [walkCapabilities(config), walkExtendedCapabilities(config)]) {
    const wrong = findings.find(({ kind }) => kind === 'cycle' || kind === 'overrun');
    if (wrong !== undefined) throw new RangeError(wrong.message);
  }
}

/**
 * The rules that follow from a function's bytes.
 *
 * @param config 256 or 4096 bytes.
 * @param more registers beyond those of the header and the capabilities: the BARs', a vendor's own. They go over what the capabilities say.
 * @throws RangeError when a capability list leads back into itself or a capability passes the end, with the offsets; or for a bad field of `more`.
 * @example
 * computeConfigRules(config).writable[PCI_COMMAND]; // 0x47: IO, MEMORY, MASTER, PARITY
 */
export function computeConfigRules(config: Uint8Array, more: readonly ConfigField[] = []): ConfigRules {
  refuseBroken(config);
  const fields = [...HEADER_FIELDS];
  for (const capability of walkCapabilities(config).capabilities) fields.push(...standardCapabilityFields(config, capability));
  for (const capability of walkExtendedCapabilities(config).capabilities) fields.push(...extendedCapabilityFields(config, capability));
  // A field whose optional part is cut off by the end is not there.
  const present = fields.filter(({ offset, bytes }) => offset + bytes <= config.length);
  return new ConfigRules(config.length, [...present, ...more]);
}

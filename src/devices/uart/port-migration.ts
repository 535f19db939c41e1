// The data fds of cards whose migration data are one block of ports.
//
//   mtty      the header is there as pre-copy begins, the ports once the device has stopped; of known length, a wrong header is EFAULT with its 24th byte
//   serial    all of it comes once the device has stopped

import { VFIO_MIGRATION_P2P, VFIO_MIGRATION_PRE_COPY, VFIO_MIGRATION_STOP_COPY, VfioError, joinedBytes } from '../../uapi/index.ts';
import type { PciDeviceMigration } from '../../pci/index.ts';
import { HEADER_BYTES, checkHeader } from './port-bytes.ts';

/** Ports that are migrated. */
export interface MigratedPorts {
  readonly save: () => Uint8Array;
  /** VfioError EINVAL for what is no state of theirs: then nothing has changed. */
  readonly restore: (bytes: Uint8Array) => void;
  /** How many there are, for what is exactly as long as mtty's. */
  readonly mttyPorts?: number;
  /** The device goes on. */
  readonly resumed?: () => void;
}

const NONE = new Uint8Array();

/** How they are migrated. */
export function portMigration({ save, restore, mttyPorts, resumed }: MigratedPorts): PciDeviceMigration {
  return {
    flags: VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P | VFIO_MIGRATION_PRE_COPY,
    // The sample's log succeeds in all that it is asked, and reports nothing: it never writes to memory.
    ...(mttyPorts !== undefined && { manner: 'mtty', dmaLogging: { start: (_, pageSize) => pageSize, stop: () => undefined, report: () => undefined } }),
    ...(resumed !== undefined && { resumed }),
    dataSize: () => save().length,
    save: () => {
      const ahead = mttyPorts === undefined ? NONE : save().subarray(0, HEADER_BYTES);
      const ready = ahead.length > 0 ? [ahead] : [];
      return {
        pending: () => ({ initial: ready.includes(ahead) ? ahead.length : 0, dirty: 0 }),
        next: () => ready.shift() ?? NONE,
        finish: () => void ready.push(save().subarray(ahead.length)),
      };
    },
    load: () => {
      const pieces: Uint8Array[] = [];
      let length = 0;
      return {
        ...(mttyPorts !== undefined && { bytes: save().length }),
        write: (bytes) => {
          pieces.push(bytes);
          const before = length;
          length += bytes.length;
          if (mttyPorts === undefined || before >= HEADER_BYTES || length < HEADER_BYTES) return;
          checkHeader(joinedBytes(pieces), mttyPorts, 0, (why) => {
            throw new VfioError('EFAULT', 'write', why);
          });
        },
        finish: () => restore(joinedBytes(pieces)),
      };
    },
  };
}

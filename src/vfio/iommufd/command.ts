// What every ioctl of an iommufd does with its argument before and after its own work. Behaviour text, section 6.8.
//
//   size | fields ............ | more
//   0    4                     ^ what the kernel knows      size says where the caller's ends: fields behind it read as 0, bytes that are more must be 0
//
// Source: drivers/iommu/iommufd/main.c iommufd_fops_ioctl; lib/usercopy.c copy_struct_from_user

import { VfioError } from '../../uapi/index.ts';
import type { FieldSpecs, InputOf, RecordOf, StructLayout } from '../../uapi/index.ts';
import type { CallingProcess } from '../files/open-file.ts';
import type { UserMemory } from '../user-memory.ts';
import type { IommufdContext } from './context.ts';

/** A call under way. */
export interface CommandCall<R> {
  /** For messages. */
  readonly call: string;
  /** The argument; what is changed here goes back with `respond`. */
  readonly record: R;
  readonly context: IommufdContext;
  readonly process: CallingProcess;
  readonly user: UserMemory;
  /** Writes the argument back, as far as the caller's size goes. VfioError EFAULT. */
  readonly respond: () => void;
}

/** One ioctl. */
export interface Command {
  readonly request: number;
  readonly name: string;
  /** The smallest size that is taken. */
  readonly least: number;
  readonly size: number;
  run(context: IommufdContext, user: UserMemory, process: CallingProcess, size: number): void;
}

const BLOCK = 4096;

/** VfioError EFAULT, E2BIG. */
function copyArgument(call: string, user: UserMemory, size: number, known: number): Uint8Array {
  for (let at = known; at < size; at += BLOCK) {
    if (user.copyIn(at, Math.min(BLOCK, size - at)).some((byte) => byte !== 0)) throw new VfioError('E2BIG', call, `size ${size}: bytes behind the ${known} that are known are not 0`);
  }
  const bytes = new Uint8Array(known);
  bytes.set(user.copyIn(0, Math.min(size, known)));
  return bytes;
}

/** Describes an ioctl. */
export function command<const F extends FieldSpecs>(request: number, name: string, least: number, layout: StructLayout<F>, run: (made: CommandCall<RecordOf<F>>) => void): Command {
  return {
    request,
    name,
    least,
    size: layout.size,
    run: (context, user, process, size) => {
      const bytes = copyArgument(name, user, size, layout.size);
      const record = layout.decode(bytes);
      const respond = (): void => {
        layout.encode(record as InputOf<F>, bytes);
        user.copyOut(0, bytes.subarray(0, Math.min(size, layout.size)));
      };
      run({ call: name, record, context, process, user, respond });
    },
  };
}

/** A field that must be what it is. VfioError EOPNOTSUPP. */
export function unsupported(call: string, what: string): never {
  throw new VfioError('EOPNOTSUPP', call, what);
}

// The ioctls for the iommufd itself: DESTROY, OPTION, VFIO_IOAS, and FAULT_QUEUE_ALLOC. Behaviour text, section 6.8.
//
// Source: drivers/iommu/iommufd/main.c iommufd_destroy, iommufd_option; ioas.c iommufd_option_rlimit_mode; vfio_compat.c iommufd_vfio_ioas; fault.c iommufd_fault_alloc

import {
  IOMMU_DESTROY,
  IOMMU_FAULT_QUEUE_ALLOC,
  IOMMU_OPTION,
  IOMMU_OPTION_HUGE_PAGES,
  IOMMU_OPTION_OP_GET,
  IOMMU_OPTION_OP_SET,
  IOMMU_OPTION_RLIMIT_MODE,
  IOMMU_VFIO_IOAS,
  IOMMU_VFIO_IOAS_CLEAR,
  IOMMU_VFIO_IOAS_GET,
  IOMMU_VFIO_IOAS_SET,
  VfioError,
  iommu_destroy,
  iommu_fault_alloc,
  iommu_option,
  iommu_vfio_ioas,
} from '../../uapi/index.ts';
import type { CallingProcess } from '../files/open-file.ts';
import { command, unsupported } from './command.ts';
import type { Command } from './command.ts';
import type { IommufdContext } from './context.ts';
import { FaultQueue, FaultQueueFile } from './fault-queue.ts';
import type { Ioas } from './ioas.ts';

const destroy = command(IOMMU_DESTROY, 'IOMMU_DESTROY', 8, iommu_destroy, ({ call, record, context }) => context.destroyObject(call, record.id));

function badOperation(call: string, op: number): never {
  return unsupported(call, `op is ${op}; expected SET, ${IOMMU_OPTION_OP_SET}, or GET, ${IOMMU_OPTION_OP_GET}`);
}

function badValue(call: string, value: bigint): never {
  throw new VfioError('EINVAL', call, `val64 is ${value.toString()}; expected 0 or 1`);
}

/** The option's value. VfioError EOPNOTSUPP, EPERM, EBUSY, EINVAL. */
function limitMode(call: string, context: IommufdContext, process: CallingProcess, { op, object_id, val64 }: { readonly op: number; readonly object_id: number; readonly val64: bigint }): bigint {
  if (object_id !== 0) unsupported(call, `object_id is ${object_id}; RLIMIT_MODE is of no object`);
  if (op === IOMMU_OPTION_OP_GET) return context.accountMode === 'process' ? 1n : 0n;
  if (op !== IOMMU_OPTION_OP_SET) badOperation(call, op);
  if (!process.hasCapability('CAP_SYS_RESOURCE')) throw new VfioError('EPERM', call, `${process.name} has no CAP_SYS_RESOURCE`);
  if (!context.objects.isEmpty) throw new VfioError('EBUSY', call, 'there are objects already');
  if (val64 > 1n) badValue(call, val64);
  context.accountMode = val64 === 1n ? 'process' : 'user';
  return val64;
}

function hugePages(call: string, ioas: Ioas, { op, val64 }: { readonly op: number; readonly val64: bigint }): bigint {
  if (op === IOMMU_OPTION_OP_GET) return ioas.largePages ? 1n : 0n;
  if (op !== IOMMU_OPTION_OP_SET) badOperation(call, op);
  if (val64 > 1n) badValue(call, val64);
  ioas.setLargePages(call, val64 === 1n);
  return val64;
}

const option = command(IOMMU_OPTION, 'IOMMU_OPTION', 24, iommu_option, ({ call, record, context, process, user }) => {
  if (record.__reserved !== 0) unsupported(call, `the reserved field is ${record.__reserved}; expected 0`);
  if (record.option_id === IOMMU_OPTION_RLIMIT_MODE) record.val64 = limitMode(call, context, process, record);
  else if (record.option_id === IOMMU_OPTION_HUGE_PAGES) record.val64 = hugePages(call, context.objects.get(call, record.object_id, 'IOAS'), record);
  else unsupported(call, `option_id is ${record.option_id}; expected RLIMIT_MODE or HUGE_PAGES`);
  // Not the whole argument.
  user.copyOut(iommu_option.fields.val64.offset, new Uint8Array(new BigUint64Array([record.val64]).buffer));
});

const vfioIoas = command(IOMMU_VFIO_IOAS, 'IOMMU_VFIO_IOAS', 12, iommu_vfio_ioas, ({ call, record, context, respond }) => {
  if (record.__reserved !== 0) unsupported(call, `the reserved field is ${record.__reserved}; expected 0`);
  if (record.op === IOMMU_VFIO_IOAS_GET) {
    record.ioas_id = context.compatibleIoas(call).id;
    respond();
  } else if (record.op === IOMMU_VFIO_IOAS_SET) context.compatible = context.objects.get(call, record.ioas_id, 'IOAS');
  else if (record.op === IOMMU_VFIO_IOAS_CLEAR) context.compatible = undefined;
  else unsupported(call, `op is ${record.op}; expected GET, SET or CLEAR`);
});

const faultQueue = command(IOMMU_FAULT_QUEUE_ALLOC, 'IOMMU_FAULT_QUEUE_ALLOC', 16, iommu_fault_alloc, ({ call, record, context, process, respond }) => {
  if (record.flags !== 0) unsupported(call, `flags 0x${record.flags.toString(16)}; expected 0`);
  process.lowestFreeFd(call);
  const queue = new FaultQueue(context.objects.freeId);
  const fd = process.install(call, new FaultQueueFile(context, queue));
  record.out_fault_id = queue.id;
  record.out_fault_fd = fd;
  try {
    respond();
  } catch (error) {
    process.uninstall(fd);
    throw error;
  }
  context.objects.add(queue);
});

export const OPTION_COMMANDS: readonly Command[] = [destroy, option, vfioIoas, faultQueue];

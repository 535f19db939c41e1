// Interrupts: what a device can raise (VFIO_DEVICE_GET_IRQ_INFO) and where it goes (VFIO_DEVICE_SET_IRQS).

import { struct } from './struct.ts';
import { flexibleBytes, u32 } from './field.ts';

/** ioctl 9 on a device: vfio_irq_info. Source: linux/vfio.h */
export const VFIO_DEVICE_GET_IRQ_INFO = 0x3b6d;
/** ioctl 10 on a device: vfio_irq_set. Source: linux/vfio.h */
export const VFIO_DEVICE_SET_IRQS = 0x3b6e;

/** vfio_irq_info.flags: can signal an eventfd. Source: linux/vfio.h */
export const VFIO_IRQ_INFO_EVENTFD = 0x1;
/** vfio_irq_info.flags: can be masked and unmasked. Source: linux/vfio.h */
export const VFIO_IRQ_INFO_MASKABLE = 0x2;
/** vfio_irq_info.flags: masks itself each time it fires (a level interrupt). Source: linux/vfio.h */
export const VFIO_IRQ_INFO_AUTOMASKED = 0x4;
/** vfio_irq_info.flags: the number of enabled vectors changes only by disabling all first. Source: linux/vfio.h */
export const VFIO_IRQ_INFO_NORESIZE = 0x8;

/** Argument of VFIO_DEVICE_GET_IRQ_INFO, 16 bytes; `count` is the number of vectors of that index. Source: linux/vfio.h */
export const vfio_irq_info = struct('vfio_irq_info', 16, {
  argsz: u32(0),
  flags: u32(4),
  index: u32(8),
  count: u32(12),
});

/** vfio_irq_set.flags: no data; the action is for all `count` vectors. Source: linux/vfio.h */
export const VFIO_IRQ_SET_DATA_NONE = 0x1;
/** vfio_irq_set.flags: data is one u8 per vector; the action is for those that are not zero. Source: linux/vfio.h */
export const VFIO_IRQ_SET_DATA_BOOL = 0x2;
/** vfio_irq_set.flags: data is one s32 per vector, an eventfd to wire up, or -1 to take one off. Source: linux/vfio.h */
export const VFIO_IRQ_SET_DATA_EVENTFD = 0x4;
/** vfio_irq_set.flags: the action masks. Source: linux/vfio.h */
export const VFIO_IRQ_SET_ACTION_MASK = 0x8;
/** vfio_irq_set.flags: the action unmasks. Source: linux/vfio.h */
export const VFIO_IRQ_SET_ACTION_UNMASK = 0x10;
/** vfio_irq_set.flags: the action fires the interrupt, or wires what fires it. Source: linux/vfio.h */
export const VFIO_IRQ_SET_ACTION_TRIGGER = 0x20;
/** The DATA bits of vfio_irq_set.flags, of which one is set. Source: linux/vfio.h */
export const VFIO_IRQ_SET_DATA_TYPE_MASK = 0x7;
/** The ACTION bits of vfio_irq_set.flags, of which one is set. Source: linux/vfio.h */
export const VFIO_IRQ_SET_ACTION_TYPE_MASK = 0x38;

/** Argument of VFIO_DEVICE_SET_IRQS, 20 bytes and data: nothing, u8 or s32 for each of `count` vectors from `start` on. Source: linux/vfio.h */
export const vfio_irq_set = struct('vfio_irq_set', 20, {
  argsz: u32(0),
  flags: u32(4),
  index: u32(8),
  start: u32(12),
  count: u32(16),
  data: flexibleBytes(20),
});

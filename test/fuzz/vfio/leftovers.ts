// What the last close of a device must not leave. Behaviour text, sections 5.7 and 7.4.

import { VFIO_DEVICE_STATE_RUNNING } from '../../../src/uapi/index.ts';
import type { Caller } from './caller.ts';
import type { Subject } from './devices.ts';
import { mappingsOf } from './mappings.ts';

/** What a device that nobody has open still has, by name; nothing when it is right. */
export function leftOf({ device, log }: Subject, callers: readonly Caller[]): readonly string[] {
  const { interrupts, ioeventfds, aliases, combiningBars, dmaBufs, migration, lowPower, binding, config, name } = device;
  const mapped = callers.flatMap((caller) => mappingsOf(caller).filter((mapping) => mapping.device === name));
  const counts: Readonly<Record<string, number | boolean>> = {
    'interrupt vectors': interrupts.vectors,
    'kinds of interrupts': interrupts.active !== 'none',
    // Without an eventfd a signal reaches nobody.
    'eventfds of ERR': interrupts.err.signal(),
    'eventfds of REQ': interrupts.req.signal(),
    ioeventfds: ioeventfds.count,
    aliases: aliases.list.length,
    'combining BARs': [0, 1, 2, 3, 4, 5].filter((index) => combiningBars.has(index)).length,
    'dma-bufs': dmaBufs.count,
    'low power': lowPower.engaged,
    'a log': log?.active === true,
    mappings: mapped.length,
    'a binding': binding !== undefined,
    'a shadow of configuration space': config !== undefined,
    'the second PRECOPY_INFO': migration?.tellsReinit === true,
    'a migration state': migration !== undefined && migration.state !== VFIO_DEVICE_STATE_RUNNING,
  };
  return Object.entries(counts).flatMap(([what, count]) => (count === 0 || count === false ? [] : [count === true ? what : `${count} ${what}`]));
}

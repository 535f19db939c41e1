// Wire cases of DEVICE_SET_IRQS: what is refused, with all of its fds closed, and what is signalled.

import { encodePayload } from '../../../../src/hosts/vfio-user/index.ts';
import { type Ending, type FdWanted, type Row, type Step, row, step } from './row.ts';

export const [NONE, BOOL, EVENTFD, MASK, UNMASK, TRIGGER] = [1, 2, 4, 8, 0x10, 0x20] as const;
export const [INTX, MSI, MSIX, ERR, REQ] = [0, 1, 2, 3, 4] as const;

/** A request; of MSI-X unless it says otherwise. */
export interface Irqs {
  readonly flags: number;
  readonly index?: number;
  readonly start?: number;
  readonly count?: number;
  readonly data?: number[];
  readonly argsz?: number;
}
const events = (count: number): readonly FdWanted[] => Array.from({ length: count }, () => 'event' as const);
export const irqsRequest = ({ flags, index = MSIX, start = 0, count = 0, data = [], argsz = 20 + data.length }: Irqs): Uint8Array => encodePayload('DEVICE_SET_IRQS', 'request', { argsz, flags, index, start, count, data: Uint8Array.from(data) });
const set = (irqs: Irqs, fds: readonly FdWanted[] = [], ends: Ending = 'ok', more: Partial<Step> = {}): Step => step('DEVICE_SET_IRQS', irqsRequest(irqs), ends, { fds, ...more });

/** Refused with EINVAL while two vectors of MSI-X are on, with how many fds; over a transport without fds some of them ask for something else. */
export const REFUSED_IRQS: readonly (readonly [string, Irqs, number, Ending?])[] = [
  ['argsz 3', { flags: NONE | TRIGGER, argsz: 3 }, 0],
  ['argsz 19', { flags: NONE | TRIGGER, argsz: 19 }, 0],
  ['index 5', { flags: NONE | TRIGGER, index: 5 }, 0],
  ['no action', { flags: NONE, count: 1 }, 0],
  ['no data type', { flags: TRIGGER, count: 1 }, 0],
  ['flags 0', { flags: 0 }, 0],
  ['MASK and UNMASK', { flags: NONE | MASK | UNMASK, count: 1 }, 0],
  ['NONE and BOOL', { flags: NONE | BOOL | TRIGGER, count: 1, data: [1] }, 0],
  ['flags beyond 0x3f', { flags: NONE | TRIGGER | 0x40, count: 1 }, 0],
  ['2 vectors from 15 on', { flags: NONE | TRIGGER, start: 15, count: 2 }, 0],
  ['2 vectors from 2047 on', { flags: NONE | TRIGGER, start: 2047, count: 2 }, 0],
  ['2049 vectors', { flags: NONE | TRIGGER, count: 2049 }, 0],
  ['a count that overflows', { flags: NONE | TRIGGER, start: 284, count: 0xffff_ffff }, 0],
  ['an eventfd count that overflows', { flags: EVENTFD | TRIGGER, start: 284, count: 0xffff_ffff }, 0],
  ['MASK of ERR', { flags: NONE | MASK, index: ERR, count: 1 }, 0],
  ['MASK of REQ', { flags: NONE | MASK, index: REQ, count: 1 }, 0],
  ['2 of ERR', { flags: EVENTFD | TRIGGER, index: ERR, count: 2 }, 2],
  ['2 of REQ', { flags: EVENTFD | TRIGGER, index: REQ, count: 2 }, 2],
  ['start 1 with count 0', { flags: NONE | TRIGGER, start: 1 }, 0],
  ['MASK with count 0', { flags: NONE | MASK }, 0],
  ['BOOL with count 0', { flags: BOOL | TRIGGER }, 0],
  ['EVENTFD with count 0', { flags: EVENTFD | TRIGGER }, 0],
  ['fds with BOOL', { flags: BOOL | TRIGGER, count: 1, data: [1] }, 2, 'ok'],
  ['fds with NONE', { flags: NONE | TRIGGER, count: 1 }, 1, 'ok'],
  ['1 fd for 2 vectors', { flags: EVENTFD | TRIGGER, count: 2 }, 1, 'ok'],
  ['3 fds for 2 vectors', { flags: EVENTFD | TRIGGER, count: 2 }, 3, 'ok'],
  ['too few bools', { flags: BOOL | TRIGGER, count: 3, data: [1, 1] }, 0],
  ['too many bools', { flags: BOOL | TRIGGER, count: 1, data: [1, 1] }, 0],
  ['data with NONE', { flags: NONE | TRIGGER, count: 1, data: [1] }, 0],
  ['eventfds that unmask', { flags: EVENTFD | UNMASK, index: INTX, count: 1 }, 1],
  ['another kind while MSI-X is on', { flags: EVENTFD | TRIGGER, index: MSI, count: 1 }, 1],
];

const three = set({ flags: EVENTFD | TRIGGER, count: 3 }, events(3));

export const interrupts: readonly Row[] = [
  ...REFUSED_IRQS.map(([what, irqs, fds, withoutFds]) => row(`irqs: ${what}`, [set({ flags: EVENTFD | TRIGGER, count: 2 }, events(2)), set(irqs, events(fds), 'EINVAL', withoutFds === undefined ? {} : { withoutFds })])),
  row('irqs: short', step('DEVICE_SET_IRQS', irqsRequest({ flags: NONE | TRIGGER }).subarray(0, 16), 'EINVAL', { fds: ['event'] })),
  row('irqs: memory instead of an eventfd', set({ flags: EVENTFD | TRIGGER, count: 1 }, ['memory'], 'EINVAL', { withoutFds: 'ok' })),
  ...[INTX, MSI, MSIX, ERR, REQ].map((index) => row(`irqs: index ${index} turned off where it is off, twice`, [set({ flags: NONE | TRIGGER, index }), set({ flags: NONE | TRIGGER, index })])),
  row('irqs: enabled and left so', three),
  row('irqs: all fire', [three, set({ flags: NONE | TRIGGER, start: 1, count: 2 }, [], 'ok', { signals: [1, 2] })]),
  row('irqs: the true ones fire', [three, set({ flags: BOOL | TRIGGER, count: 3, data: [0, 1, 0] }, [], 'ok', { signals: [1] })]),
  row('irqs: an update, and the new ones fire', [three, set({ flags: EVENTFD | TRIGGER, start: 1, count: 1 }, events(1)), set({ flags: NONE | TRIGGER, start: 1, count: 1 }, [], 'ok', { signals: [0] })]),
  row('irqs: taken off without fds, and off', [three, set({ flags: EVENTFD | TRIGGER, start: 0, count: 3 }), set({ flags: NONE | TRIGGER })]),
  row('irqs: off, then another kind', [three, set({ flags: NONE | TRIGGER }), set({ flags: EVENTFD | TRIGGER, index: MSI, count: 4 }, events(4))]),
  row('irqs: INTx masked and unmasked', [set({ flags: EVENTFD | TRIGGER, index: INTX, count: 1 }, events(1)), set({ flags: NONE | MASK, index: INTX, count: 1 }), set({ flags: NONE | UNMASK, index: INTX, count: 1 }), set({ flags: BOOL | UNMASK, index: INTX, count: 1, data: [0] })]),
  row('irqs: an eventfd that unmasks', [set({ flags: EVENTFD | TRIGGER, index: INTX, count: 1 }, events(1)), set({ flags: EVENTFD | UNMASK, index: INTX, count: 1 }, events(1))]),
  row('irqs: ERR and REQ', [set({ flags: EVENTFD | TRIGGER, index: ERR, count: 1 }, events(1)), set({ flags: EVENTFD | TRIGGER, index: REQ, count: 1 }, events(1))]),
];

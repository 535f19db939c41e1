// The counters of `maplebar serve`: their sums over clients, their line, where they are drawn.

import { describe, expect, jest, test } from '@jest/globals';
import { LiveCounters, countersLine, noCounts } from '../../src/cli/live-counters.ts';

describe('counters', () => {
  test('are sums: of those who are gone, and of who there is now', () => {
    const counters = new LiveCounters({ out: () => undefined, err: () => undefined, interactive: false });
    const some = { messages: 1, reads: 2, writes: 3, posted: 4, doorbells: 5, interrupts: 6, transfers: 7, transferred: 8 };
    counters.began({ counts: some });
    expect(counters.counts).toEqual({ clients: 1, isConnected: true, ...some });
    counters.gone();
    expect(counters.counts).toEqual({ clients: 1, isConnected: false, ...some });
    counters.began({ counts: { ...noCounts(), reads: 10, doorbells: 1 } });
    expect(counters.counts).toEqual({ clients: 2, isConnected: true, ...some, reads: 12, doorbells: 6 });
  });

  test.each([
    [noCounts(), 0, 'no client yet: 0 reads, 0 writes (0 posted), 0 interrupts, 0 transfers; 0 messages/s'],
    [{ ...noCounts(), clients: 2, isConnected: true, reads: 12345, writes: 678, posted: 600, interrupts: 9, transfers: 10, transferred: 40960 }, 4999.6, 'client 2: 12,345 reads, 678 writes (600 posted), 9 interrupts, 10 transfers of 40K; 5,000 messages/s'],
    [{ ...noCounts(), clients: 1, isConnected: true, doorbells: 1234 }, 0, 'client 1: 0 reads, 0 writes (0 posted), 1,234 doorbells, 0 interrupts, 0 transfers; 0 messages/s'],
    [{ ...noCounts(), clients: 1, transfers: 1, transferred: 3 << 19 }, 0, '1 client gone: 0 reads, 0 writes (0 posted), 0 interrupts, 1 transfers of 1.5M; 0 messages/s'],
  ])('%#', (counts, perSecond, line) => {
    expect(countersLine(counts, perSecond)).toBe(line);
  });

  test('are drawn where somebody looks, in one line that is taken away at the end; nowhere else', () => {
    jest.useFakeTimers();
    try {
      for (const interactive of [true, false]) {
        let err = '';
        const counters = new LiveCounters({ out: () => undefined, err: (text) => void (err += text), interactive, columns: 20 });
        counters.began({ counts: noCounts() });
        jest.advanceTimersByTime(600);
        counters.stop();
        jest.advanceTimersByTime(600);
        const line = '\r\x1b[Kclient 1: 0 reads, ';
        expect(err).toBe(interactive ? `${line}${line}\r\x1b[K` : '');
      }
    } finally {
      jest.useRealTimers();
    }
  });
});

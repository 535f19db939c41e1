// How a command that serves is stopped by a signal.

import { EventEmitter } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { untilSignal } from '../../src/cli/stopping.ts';

describe('Ctrl-C', () => {
  test('stops once, and is then left to do what it does by itself', () => {
    const source = new EventEmitter();
    let stops = 0;
    untilSignal(source as never).onStop(() => stops++);
    source.emit('SIGINT');
    source.emit('SIGINT');
    expect([stops, source.listenerCount('SIGINT'), source.listenerCount('SIGTERM')]).toEqual([1, 0, 0]);
  });

  test('is not waited for any more when the command has ended', () => {
    const source = new EventEmitter();
    untilSignal(source as never).onStop(() => undefined)();
    expect(source.eventNames()).toEqual([]);
  });
});

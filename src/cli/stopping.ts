// Ctrl-C: the first one asks a command to end, a second one ends the program.

import type { EventEmitter } from 'node:events';

/** Who asks a command to end. */
export interface Stopping {
  /** Calls `stop` once, when it is time. Returns what no longer waits for that. */
  onStop(stop: () => void): () => void;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** The signals of this program: after the first one they do again what they do by themselves. */
export function untilSignal(source: Pick<EventEmitter, 'on' | 'off'> = process): Stopping {
  return {
    onStop(stop) {
      const forget = (): void => {
        for (const signal of SIGNALS) source.off(signal, heard);
      };
      const heard = (): void => {
        forget();
        stop();
      };
      for (const signal of SIGNALS) source.on(signal, heard);
      return forget;
    },
  };
}

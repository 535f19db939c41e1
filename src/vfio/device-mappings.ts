// The mappings of one device, of all files and processes: what is told when their pages are taken away. Behaviour text, section 4.6.

import { atEnd } from './model-error.ts';

/** Who is told. @internal */
export type ZapListener = (why: string) => void;

/** @internal */
export class DeviceMappings {
  private readonly listeners = new Set<ZapListener>();

  /** Adds one. Returns what takes it away. */
  add(listener: ZapListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Takes the pages of all BARs away; an access brings them back while the memory gate is open. */
  zap(why: string): void {
    atEnd([...this.listeners].map((listener) => () => listener(why)));
  }
}

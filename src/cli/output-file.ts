// A file that is written while something else goes on: in pieces, soon after they are there, and whole when it is closed.

import { closeSync, openSync, writeSync } from 'node:fs';
import { inFile } from './files.ts';

const PIECE = 1 << 16;
const SOON_MS = 100;

/** A file to write to. */
export class OutputFile {
  private readonly path: string;
  private readonly fd: number;
  private readonly onError: (error: Error) => void;
  private pieces: Uint8Array[] = [];
  private waiting = 0;
  private timer: NodeJS.Timeout | undefined;
  private isOver = false;

  /**
   * Makes the file, or empties it.
   *
   * @param onError - Is told once when it can be written no more, a full disk for one; nothing else is written then.
   * @throws Error that names the file.
   */
  constructor(path: string, onError: (error: Error) => void) {
    this.path = path;
    this.onError = onError;
    try {
      this.fd = openSync(path, 'w');
    } catch (error) {
      throw inFile(path, error);
    }
  }

  write(piece: Uint8Array | string): void {
    if (this.isOver || piece.length === 0) return;
    const bytes = typeof piece === 'string' ? new TextEncoder().encode(piece) : piece;
    this.pieces.push(bytes);
    this.waiting += bytes.length;
    if (this.waiting >= PIECE) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), SOON_MS).unref();
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const bytes = Buffer.concat(this.pieces.splice(0));
    this.waiting = 0;
    if (this.isOver) return;
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at);
    } catch (error) {
      this.isOver = true;
      this.onError(inFile(this.path, error));
    }
  }

  /** Writes what waits. A second call does nothing. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.flush();
    this.isOver = true;
    closeSync(this.fd);
  }

  private isClosed = false;
}

// What a step of the DMA fuzzer does, as a record that can be done again, alone or with others left out: memory is named by block and byte, never by address.

/** A byte of a process's memory: of one of its blocks, wherever that is mapped now. */
export interface Place {
  readonly block: number;
  readonly at: number;
}

/** Which of its files a process calls. */
export type FileName = 'container' | 'iommufd';

/** An ioctl of a container or an iommufd. */
export interface IoctlOperation {
  readonly kind: 'ioctl';
  /** Whose file it is. */
  readonly by: number;
  /** Who calls: the same, or the other, who was handed the file. Pointers lead to memory of the caller. */
  readonly caller?: number;
  readonly file: FileName;
  readonly request: number;
  /** The argument, before pointers are put in. */
  readonly bytes: Uint8Array;
  readonly pointers: readonly { readonly at: number; readonly to: Place }[];
  /** An argument that is a number. */
  readonly value?: number;
  /** Bytes that lie in memory before the call. */
  readonly given?: { readonly to: Place; readonly bytes: Uint8Array };
}

/** What can come between the beginning of a transfer and its landing. */
export type Calls =
  | IoctlOperation
  /** GROUP_SET_CONTAINER, or GROUP_UNSET_CONTAINER. */
  | { readonly kind: 'join' | 'leave'; readonly device: number }
  /** ATTACH_IOMMUFD_PT. */
  | { readonly kind: 'attach'; readonly device: number; readonly id: number }
  | { readonly kind: 'detach'; readonly device: number }
  /** Maps a block anew, after what is left of it is unmapped. */
  | { readonly kind: 'mmap'; readonly by: number; readonly block: number }
  /** Unmaps pages of a block. */
  | { readonly kind: 'munmap'; readonly by: number; readonly block: number; readonly page: number; readonly pages: number }
  /** The process writes its own memory. */
  | { readonly kind: 'store'; readonly by: number; readonly to: Place; readonly length: number; readonly seed: number };

export type Operation =
  | Calls
  | { readonly kind: 'dma'; readonly device: number; readonly access: 'read' | 'write'; readonly iova: bigint; readonly length: number; readonly seed: number; readonly meanwhile?: Calls };

/** Bytes that a seed stands for, none of them 0. */
export function patternOf(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = ((seed + i * 7 + (i >> 8) * 13) & 0xff) | 1;
  return bytes;
}

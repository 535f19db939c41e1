// The face of trace/: readers and writers of recorded accesses and of the texts that describe the machine they were recorded on.

export * from './access-trace.ts';
export * from './access-trace-writer.ts';
export * from './format-error.ts';
export * from './iomem.ts';
export { type Chunk, type ChunkSource, MAX_LINE_BYTES } from './lines.ts';
export * from './lspci-hex.ts';
export type { LspciHeadline, LspciNamedIds } from './lspci-headline.ts';
export type { LspciRegion, LspciRom } from './lspci-region.ts';
export * from './lspci-verbose.ts';
export * from './inferred-machine.ts';
export * from './machine.ts';
export * from './pc-platform.ts';
export * from './replay-boot.ts';
export * from './replay-registers.ts';
export * from './replay-target.ts';
export * from './replay.ts';

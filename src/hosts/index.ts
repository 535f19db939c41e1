// The face of hosts/: what plugs devices into something that runs them.

export * from './testbench/index.ts';
export * from './v86/index.ts';
export * from './rp2040js/index.ts';

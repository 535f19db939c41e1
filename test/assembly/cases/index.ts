// Cases inside the core. Each exported function is one test, run in an instance of its own.

export * from './arena';
export * from './slab';
export * from './objects';
export * from './nodes';
export * from './share';
export * from './check';

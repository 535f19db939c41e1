// Two ways to run one suite: against the core that ships, or (MAPLEBAR_COVERAGE=1) against a build that marks every
// statement it executes, with thresholds for assembly/ and src/.
import { availableParallelism } from 'node:os';

const coverage = process.env.MAPLEBAR_COVERAGE === '1';

export default {
  testEnvironment: 'node',
  // Of two processors jest would leave one idle.
  ...(availableParallelism() === 2 && { maxWorkers: 2 }),
  // Only what hangs is too long: five seconds are not enough for a process to start on a machine that has other work.
  testTimeout: 120_000,
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // The demo names the package's faces as a user does.
  moduleNameMapper: { '^maplebar/(registers|pci|devices)$': '<rootDir>/src/$1/index.ts' },
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: 'tsconfig.jest.json', diagnostics: false }] },
  resolver: '<rootDir>/test/setup/resolver.cjs',
  globalSetup: '<rootDir>/test/setup/global.mjs',
  setupFiles: ['<rootDir>/test/setup/realm.mjs'],
  ...(coverage && {
    setupFilesAfterEnv: ['<rootDir>/test/setup/statements.cjs'],
    reporters: ['default', '<rootDir>/test/setup/report-statements.mjs'],
    // They run long, and reach next to no statement that others do not.
    testPathIgnorePatterns: [
      '/node_modules/',
      ...['fuzz/', 'bench/', 'conformance/rows', 'migration/twins', 'migration/idio16', 'vfio/ioctl-boundaries', 'cli/spawned', 'hosts/vfio-user/wire-table', 'hosts/vfio-user/flood', 'registers/against-reference', 'core/range-levels/range-levels', 'core/iommu-domain/enomem', 'docs/call-trace'].map((path) => `/test/${path}`),
    ],
    collectCoverage: true,
    collectCoverageFrom: ['src/**/*.ts', '!src/**/*.generated.ts', '!src/cli/main.ts', '!src/cli/typescript-*.ts'],
    coverageDirectory: 'coverage',
    coverageReporters: ['text-summary', 'json-summary', 'lcovonly'],
    coverageThreshold: { global: { statements: 90 } },
  }),
};

import path from 'node:path';

const here = import.meta.dirname;

const swc = [
  '@swc/jest',
  {
    swcrc: false,
    configFile: false,
    sourceMaps: 'inline',
    module: { type: 'nodenext' },
    jsc: {
      target: 'es2023',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
      keepClassNames: true,
    },
  },
];

const project = (displayName, dir) => ({
  displayName,
  rootDir: path.join(here, dir),
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@incumbent/source', 'node', 'node-addons'] },
  testMatch: ['<rootDir>/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/dist-test/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/dist-test/'],
  extensionsToTreatAsEsm: ['.ts'],
  resolver: path.join(here, 'jest.resolver.cjs'),
  transform: { '^.+\\.ts$': swc },
});

export default {
  projects: [
    project('core', 'packages/core'),
    project('election', 'packages/election'),
    project('testing', 'packages/testing'),
    project('cli', 'packages/cli'),
    project('examples', 'packages/examples'),
    project('test', 'test'),
  ],
  coverageProvider: 'babel',
  collectCoverageFrom: ['packages/*/src/**/*.ts'],
  workerIdleMemoryLimit: '1GB',
};

/** The layers of the house: a folder imports only folders below it. A forbidden import fails the lint. */

/** Of each package, its folders from top to bottom. Those in one row may import each other's rows below, not one another. */
const LAYERS = {
  core: [
    ['operator'],
    ['decorators', 'dependents'],
    ['controller'],
    ['cache', 'queue', 'events'],
    ['watch'],
    ['client'],
    ['api'],
    ['leadership'],
    ['kit'],
  ],
  cli: [['elect', 'lock', 'lease'], ['command-line'], ['guard'], ['guardian', 'terminal']],
  election: [['simulation'], ['lock', 'work', 'worker'], ['elector'], ['term'], ['lease']],
};

/** Packages from top to bottom; `testing` stands beside, and knows none of the others, but for its replays, which run operators. */
const PACKAGES = ['examples', 'cli', 'election', 'core'];

const upward = Object.entries(LAYERS).flatMap(([name, rows]) =>
  rows.flatMap((row, depth) =>
    row.map((folder) => ({
      name: `${name}-${folder}-imports-only-below`,
      severity: 'error',
      from: { path: `^packages/${name}/src/${folder}/`, pathNot: '\\.(test|fake)\\.ts$' },
      to: {
        path: `^packages/${name}/src/(${[...rows.slice(0, depth).flat(), ...row.filter((other) => other !== folder)].join('|') || '(?!)'})/`,
      },
    })),
  ),
);

const between = PACKAGES.map((name, depth) => ({
  name: `${name}-imports-only-packages-below`,
  severity: 'error',
  from: { path: `^packages/${name}/src/` },
  to: {
    path: `^packages/(${[...PACKAGES.slice(0, depth), ...(name === 'examples' ? [] : ['testing'])].join('|') || '(?!)'})/src/`,
  },
}));

export default {
  forbidden: [
    ...upward,
    ...between,
    {
      name: 'testing-stands-alone',
      severity: 'error',
      from: { path: '^packages/testing/src/', pathNot: '^packages/testing/src/replay/' },
      to: { path: '^packages/(core|election|cli|examples)/' },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist(-test)?/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@incumbent/source', 'import', 'node'],
    },
  },
};

// The rooms of src/ and what each may import. `npm run lint` checks this table, and a test compares ARCHITECTURE.md
// with it.
//
// A room imports only rooms above it. It imports them through their doors: `index.ts`, or the files that `doors` lists.
// Rooms of which `browser` is true run in browsers, so they import nothing of Node.js.

/** Every file is a door: the room is a collection, and an index would load all of it for one part. */
const EVERY_FILE = ['[^/]+\\.ts'];

/** @type {readonly { name: string, browser?: true, doors?: readonly string[] }[]} */
export const ROOMS = [
  { name: 'runtime', browser: true, doors: EVERY_FILE },
  { name: 'frames', browser: true },
  { name: 'errors.ts', browser: true },
  { name: 'algorithms', browser: true, doors: EVERY_FILE },
  { name: 'platform', browser: true, doors: ['index\\.ts', 'debug\\.ts'] },
  { name: 'options', browser: true, doors: EVERY_FILE },
  {
    name: 'binary',
    browser: true,
    doors: ['index\\.ts', 'wasm-types\\.ts', '(?:opcode-names|object-symbols)\\.ts'],
  },
  { name: 'rewrite', browser: true, doors: ['index\\.ts', 'code-runs\\.ts', 'offset-map\\.ts'] },
  { name: 'instrument', browser: true, doors: ['index\\.ts', 'instrument\\.ts', 'instrumented-module\\.ts'] },
  { name: 'heap', browser: true },
  {
    name: 'symbols',
    browser: true,
    doors: ['index\\.ts', 'debug-entries\\.ts', 'install-(?:source-maps|rust-names)\\.ts'],
  },
  { name: 'c-types', browser: true },
  {
    name: 'profile',
    browser: true,
    doors: [
      '(?:index|call-tree|tree-options|decode|profile-options|version|install-(?:presentation|tables|reader)|tables|written-forms)\\.ts',
    ],
  },
  { name: 'host', browser: true },
  { name: 'graft', browser: true },
  { name: 'access', browser: true, doors: ['index\\.ts', 'stack-effects\\.ts'] },
  { name: 'shapes', browser: true },
  {
    name: 'report',
    browser: true,
    doors: ['index\\.ts', 'writers\\.ts', 'leak-kinds\\.ts', 'report-options\\.ts', 'json-lines\\.ts'],
  },
  { name: 'contents', browser: true },
  { name: 'leaks', browser: true },
  { name: 'timeline', browser: true },
  {
    name: 'sandbox',
    browser: true,
    doors: [
      'index\\.ts',
      '(?:sandbox|heap)-options\\.ts',
      '(?:open-module|module-wrappers|module-symbols)\\.ts',
    ],
  },
  { name: 'page-app', browser: true, doors: ['page-data\\.ts'] },
  { name: 'sweep', browser: true, doors: ['index\\.ts', 'lazy\\.ts', 'sweep-options\\.ts'] },
  { name: 'attach', browser: true, doors: ['index\\.ts', 'lazy\\.ts'] },
  { name: 'web', browser: true, doors: EVERY_FILE },
  { name: 'shared-exports.ts', browser: true },
  { name: 'core.ts', browser: true },
  { name: 'browser.ts', browser: true },
  { name: 'node', doors: EVERY_FILE },
  { name: 'page', doors: ['(?:index|install|format-html)\\.ts'] },
  { name: 'glue', doors: ['index\\.ts', 'glue-parts\\.ts'] },
  { name: 'compile', doors: ['(?:index|cache|compile-options|link-by-hand|emscripten-versions)\\.ts'] },
  { name: 'loading', doors: ['index\\.ts', 'load-c\\.ts', 'install-store\\.ts'] },
  { name: 'threads' },
  { name: 'serve', doors: ['index\\.ts', 'join\\.ts', 'options\\.ts'] },
  { name: 'index.ts' },
  { name: 'register' },
  { name: 'testing' },
  { name: 'cc' },
  { name: 'cli' },
];

const isFile = ({ name }) => name.endsWith('.ts');
const pathOf = (room) => (isFile(room) ? room.name.replace('.', '\\.') : `${room.name}/`);
const anyOf = (rooms) => `^src/(?:${rooms.map(pathOf).join('|')})`;

const onlyRoomsAbove = ROOMS.slice(0, -1).map((room, index) => ({
  name: `${room.name}-imports-only-rooms-above-it`,
  comment: 'The table of rooms in .dependency-cruiser.mjs has an order: a room imports only rooms above it.',
  severity: 'error',
  from: { path: anyOf([room]) },
  to: { path: anyOf(ROOMS.slice(index + 1)) },
}));

const throughDoors = ROOMS.filter((room) => !isFile(room)).map((room) => ({
  name: `${room.name}-has-doors`,
  comment: `Import src/${room.name}/ through its door, or list another door in .dependency-cruiser.mjs.`,
  severity: 'error',
  from: { path: '^src/', pathNot: anyOf([room]) },
  to: {
    path: anyOf([room]),
    pathNot: `^src/${room.name}/(?:${(room.doors ?? ['index\\.ts']).join('|')})$`,
  },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...onlyRoomsAbove,
    ...throughDoors,
    {
      name: 'every-room-is-in-the-table',
      comment: 'A new folder of src/ needs a line in the table of rooms in .dependency-cruiser.mjs.',
      severity: 'error',
      from: { path: '^src/', pathNot: anyOf(ROOMS) },
      to: {},
    },
    {
      name: 'no-cycles',
      comment:
        'Two files that need each other at run time depend on the order of loading. Types may refer to each other.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only', 'type-import'] } },
    },
    {
      name: 'browsers-have-no-node-modules',
      comment:
        'This room runs in browsers: what it needs of Node.js belongs into the interface of src/platform/.',
      severity: 'error',
      from: { path: anyOf(ROOMS.filter(({ browser }) => browser)) },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'imports-exist',
      comment: 'The import does not resolve.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};

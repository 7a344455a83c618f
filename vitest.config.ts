// The tests, in three tiers by the ending of the file's name. CONTRIBUTING.md says what belongs to which tier.

import { configDefaults, defineConfig } from 'vitest/config';

const GUEST = 'test/**/*.guest.test.ts';
const WITNESS = 'test/**/*.witness.test.ts';

export default defineConfig({
  test: {
    // Tests import rooms directly; what the package's entries do for its users is done here.
    setupFiles: ['src/node/install.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'pure',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, GUEST, WITNESS],
        },
      },
      { extends: true, test: { name: 'guest', include: [GUEST] } },
      { extends: true, test: { name: 'witness', include: [WITNESS] } },
    ],
  },
});

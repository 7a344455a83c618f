import { defineConfig } from 'vitest/config';

// Tests are real programs compiled, run and compared with outside tools, so one test may take a while; the
// machines have few cores, so few files run at once.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});

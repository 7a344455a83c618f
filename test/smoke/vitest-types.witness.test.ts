// The types of heapline/vitest compile without skipLibCheck beside the oldest vitest and TypeScript that are
// supported and beside the newest ones. Vitest's interface of matchers has other type parameters in each major
// version. Installing the newest ones takes long, so only HEAPLINE_FULL=1 and HEAPLINE_NEWEST=1 include them:
// package.witness.test.ts compiles the types beside this project's own versions.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { FULL } from '../support/full.ts';
import { type ConsumerProject, createConsumerProject } from '../support/packed-package.ts';
import { NEWEST, versionOf } from '../support/tool-versions.ts';

const USE = `import { loadC } from 'heapline';
import { expect, it } from 'vitest';
import 'heapline/vitest';
import { assertNoLeaks } from 'heapline/assert';

it('has the matchers', async () => {
  const lib = await loadC('a.c');
  await expect(lib).toHaveNoLeaks();
  await expect(() => 1).not.toLeak(lib);
  await expect(() => 1).not.toGrow(lib);
  await expect(() => 1).toAllocateAtMost(lib, { bytes: 4096, objects: 10 });
  // @ts-expect-error there is no such matcher
  await expect(lib).toHaveNoLeak();
  // @ts-expect-error the limits are missing
  await expect(lib).toAllocateAtMost(lib);
  assertNoLeaks(lib);
});
`;

const projects: ConsumerProject[] = [];

afterAll(() => {
  for (const project of projects) project.dispose();
});

/** Each version has a project of its own, because npm does not replace a major version that others depend on. */
function newProject(): ConsumerProject {
  const project = createConsumerProject();
  projects.push(project);
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: ['node'],
  };
  writeFileSync(
    join(project.directory, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['use.test.ts'] }),
  );
  writeFileSync(join(project.directory, 'use.test.ts'), USE);
  return project;
}

it.each([
  ['3.2.0', '5.4', '20'] as const,
  ...(FULL || NEWEST ? [[versionOf('vitest'), versionOf('typescript'), '22'] as const] : []),
])('vitest %s, TypeScript %s', (vitest, typescript, node) => {
  const project = newProject();
  project.run('npm', [
    'install',
    '--silent',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    // Only declarations are read, so the binaries of esbuild and rollup are not needed.
    '--omit=optional',
    `vitest@${vitest}`,
    `typescript@${typescript}`,
    `@types/node@${node}`,
  ]);
  // When the compiler fails, it prints errors to standard output, and run() throws with them.
  expect(project.run('node_modules/.bin/tsc', ['-p', '.'])).toBe('');
});

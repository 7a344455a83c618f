// The order of the test files. The longest ones start first, so that the workers end at about the same time: if a
// file that takes a minute starts last, all other workers have nothing to do.

import { statSync } from 'node:fs';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take more than twenty seconds on a machine with two processors, and the longest of the pure tier. The first
 * one compiles the corpora. The last ones use what others have compiled or packed, and come when that is there.
 */
const LONGEST = [
  'corpora/corpora.witness',
  'leaks/programs.guest',
  'host/emscripten-differential/differential.witness',
  'smoke/leaks-in-ci.witness',
  'cc/projects.witness',
  'smoke/package.witness',
  'serve/threads.guest',
  'smoke/vitest-types.witness',
  'cli/run.guest',
  'cli/check.guest',
  'runtime/scan.guest',
  'runtime/shadow.guest',
  'compile/toolchains.guest',
  'compile/emscripten-flags.guest',
  'compile/wasi-sdk.guest',
  'compile/unsupported.guest',
  'serve/many.guest',
  'heap/damage.guest',
  'symbols/oracle.witness',
  'leaks/kept.witness',
  'smoke/your-makefile.witness',
  'smoke/published-types.witness',
  'compile/exceptions.witness',
  'serve/load.guest',
  'serve/example.witness',
  'compile/exceptions.guest',
  'oracle/v8-stack.witness',
  'symbols/corpora.witness',
  'report/deep-stacks',
];

function rank({ moduleId }: TestSpecification): number {
  const index = LONGEST.findIndex((file) => moduleId.endsWith(`/test/${file}.test.ts`));
  return index < 0 ? LONGEST.length : index;
}

/**
 * Projects whose files share processes. Each project comes in one piece, because a process ends when a file of another
 * project is next.
 */
const SHARED = ['witness', 'guest', null, 'pure'];

function place({ project }: TestSpecification): number {
  const index = SHARED.indexOf(project.name);
  return index < 0 ? SHARED.indexOf(null) : index;
}

export class LongestFirst extends BaseSequencer {
  // Files that are not listed are sorted by size, which is the best guess without an earlier run.
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const size = new Map(files.map((file) => [file, statSync(file.moduleId).size]));
    return [...files].sort((a, b) => place(a) - place(b) || rank(a) - rank(b) || size.get(b)! - size.get(a)!);
  }
}

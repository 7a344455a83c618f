// The plugin runs this file before every test file: it adds the matchers, checks all sandboxes after each
// test, and then undoes what the test did in them.

import { beforeEach, inject } from 'vitest';
import './vitest.ts';
import { pointAt } from '../report/index.ts';
import { checkByDefault } from '../sandbox/sandbox-options.ts';
import { AutoCheck } from './auto-check.ts';
import { reported, setReportFolder } from './failure-report.ts';
import { Isolation } from './isolation.ts';
import type { SetupOptions } from './vitest-plugin.ts';

declare module 'vitest' {
  interface ProvidedContext {
    heapline: SetupOptions;
  }
}

const { autoCheck, checks, isolate, reportFolder } = inject('heapline');
if (checks) checkByDefault();
if (reportFolder !== null) setReportFolder(reportFolder);

if (isolate) {
  const isolation = new Isolation();
  // This hook is before the one that checks, so that the sandboxes are checked before they are restored: of the functions
  // given to onTestFinished(), the first one runs last.
  beforeEach(({ task, onTestFinished }) => {
    isolation.begin(task.suite ?? task.file);
    onTestFinished(() => isolation.end());
  });
}

if (autoCheck !== null) {
  beforeEach(({ task, onTestFinished }) => {
    const check = new AutoCheck(autoCheck);
    // Runs after everything that cleans up after a test: hooks, the functions they returned, fixtures, and the
    // functions given to onTestFinished(), of which the first one runs last.
    onTestFinished(() => {
      const verdicts = check.end();
      // A test that failed half way inevitably leaves things behind. Its own failure is the one to read.
      if (task.result?.state === 'fail' || verdicts.length === 0) return;
      const names = [task.name];
      for (let { suite } = task; suite; suite = suite.suite) names.unshift(suite.name);
      const parts = verdicts.map((verdict) => reported(task.file.filepath, names.join(' '), verdict));
      const faulty = verdicts.some(({ leaks }) => leaks !== null && leaks.errors.length > 0);
      const what = faulty ? 'the heap is not clean after the test' : 'the test left leaks behind';
      const error = new Error(`${what}\n\n${parts.join('\n\n')}`);
      error.name = 'LeakError';
      const [first] = verdicts;
      throw pointAt(error, first!.stack(), first!.root, {
        assertion: false,
        allocates: first!.leaks?.allocates,
      });
    });
  });
}

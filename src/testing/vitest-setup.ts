// What the plugin runs in every test file: the matchers, and the check of all sandboxes at the end of each test.

import { afterEach, beforeEach, inject } from 'vitest';
import './vitest.ts';
import { AutoCheck } from './auto-check.ts';
import { leaveReport, setReportFolder } from './failure-report.ts';
import type { SetupOptions } from './vitest-plugin.ts';

declare module 'vitest' {
  interface ProvidedContext {
    heapline: SetupOptions;
  }
}

const { autoCheck, reportFolder } = inject('heapline');
if (reportFolder !== null) setReportFolder(reportFolder);

if (autoCheck !== null) {
  const checks = new Map<string, AutoCheck>();
  beforeEach(({ task }) => {
    checks.set(task.id, new AutoCheck(autoCheck));
  });
  afterEach(({ task }) => {
    const verdicts = checks.get(task.id)?.end() ?? [];
    checks.delete(task.id);
    // A test that failed half way is bound to leave things behind; its own failure is the one to read.
    if (task.result?.state === 'fail' || verdicts.length === 0) return;
    const names = [task.name];
    for (let { suite } = task; suite; suite = suite.suite) names.unshift(suite.name);
    const parts = verdicts.map(
      (verdict) => `${verdict.message()}${leaveReport(names.join(' '), verdict.report())}`,
    );
    const error = new Error(`the test left leaks behind\n\n${parts.join('\n\n')}`);
    error.name = 'LeakError';
    throw error;
  });
}

// programs/requests.c in a new sandbox for each test of a file, and a folder for the reports of failures.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { loadC, type Sandbox } from '../../src/index.ts';
import { setReportFolder } from '../../src/testing/failure-report.ts';

/** The functions of programs/requests.c. */
export type Requests = {
  clean(): number;
  leak(size: number): void;
  make(size: number): number;
  destroy(block: number): void;
  fill_cache(): void;
  append(): void;
  free_twice(): void;
  crash(): void;
};

export const program = new URL('programs/requests.c', import.meta.url).pathname;
/** Where failed assertions write their reports. */
export let folder: string;
/** The sandbox of the current test. */
export let lib: Sandbox<Requests>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heapline-report-'));
  setReportFolder(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  lib = await loadC<Requests>(program, { toolchain: 'clang', flags: ['-O1'] });
});
afterEach(() => lib.dispose());

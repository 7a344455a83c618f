// The pprof form of a report, read by Go's pprof.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeLeakProfile } from '../../src/report/index.ts';
import { sampleReport } from '../support/sample-report.ts';

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heapline-leaks-'));
  file = join(folder, 'leaks.pb.gz');
  writeFileSync(file, encodeLeakProfile(sampleReport()));
});
afterAll(() => rmSync(folder, { recursive: true }));

function pprof(...options: string[]): string {
  const env = { ...process.env, PPROF_TMPDIR: folder };
  return execFileSync('go', ['tool', 'pprof', ...options, file], { encoding: 'utf8', env, stdio: 'pipe' });
}

test('pprof shows the leaked bytes at the innermost frames, inlined ones included', () => {
  const top = pprof('-top', '-nodefraction=0', '-unit=B');
  expect(top).toMatch(/Type: leaked_space/);
  expect(top).toMatch(/1024B\s+92\.75%\s+92\.75%\s+1024B\s+92\.75%\s+node_new \(inline\)/);
  expect(top).toMatch(/\b0\s+0%\s+100%\s+1104B\s+100%\s+main/);
});

test('pprof counts leaked objects as the other sample type', () => {
  expect(pprof('-top', '-nodefraction=0', '-sample_index=leaked_objects')).toMatch(/\b4\s+57\.14%.*node_new/);
});

test('the class is a label by which pprof filters', () => {
  const focused = pprof('-top', '-nodefraction=0', '-unit=B', '-tagfocus=leak=indirect');
  expect(focused).toContain('text_copy');
  expect(focused).not.toContain('node_new');
  expect(pprof('-tags')).toMatch(/leak: Total 1\.1kB[\s\S]*definite/);
});

test('names that pprof would shorten stay whole', () => {
  expect(pprof('-traces')).toContain('<anonymous>');
});

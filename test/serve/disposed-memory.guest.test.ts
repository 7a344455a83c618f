// The garbage collection of `gc=1` frees the linear memories of sandboxes that were disposed of. The measurement runs in
// a separate process, because garbage of other tests would distort the figures, and because a test runner may have
// exposed V8's gc(), which Heapline prefers.

import { execFile } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const program = fileURLToPath(new URL('programs/disposed.ts', import.meta.url));
const loader = pathToFileURL(fileURLToPath(import.meta.resolve('tsx'))).href;

const MEBIBYTE = 2 ** 20;

test('disposed sandboxes leave no linear memory behind, whatever profiles were made of them', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', loader, program]);
  const { taken, held } = JSON.parse(stdout) as { taken: number; held: number };
  expect(taken).toBeGreaterThan(60 * MEBIBYTE);
  expect(held).toBeLessThan(6 * MEBIBYTE);
});

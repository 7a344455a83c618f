// V8's next collections free the linear memories of sandboxes that were disposed of. The measurements run in separate
// processes, because garbage of other tests would distort the figures.

import { execFile } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const program = fileURLToPath(new URL('programs/disposed.ts', import.meta.url));
const loader = pathToFileURL(fileURLToPath(import.meta.resolve('tsx'))).href;

/**
 * V8 may take a value in a register or stack slot for a reference. One process may keep memory that another frees.
 */
const ATTEMPTS = 4;
const MEBIBYTE = 2 ** 20;

test('sandboxes that were disposed of leave no linear memory behind, whatever profiles were made of them', async () => {
  const held: number[] = [];
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', loader, program]);
    const result = JSON.parse(stdout) as { taken: number; held: number };
    expect(result.taken).toBeGreaterThan(60 * MEBIBYTE);
    held.push(result.held);
    if (result.held < 6 * MEBIBYTE) return;
  }
  throw new Error(`after disposal, ${ATTEMPTS} processes still held ${held.join(', ')} bytes`);
});

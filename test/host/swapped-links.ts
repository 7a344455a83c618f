// A directory in which another process swaps a directory and a file with symbolic links to the outside, all the time.

import { spawn } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// Names change places with one call each, so that the guest sees both kinds often.
const SWAP = `const fs = require('fs'); process.chdir(process.argv[1]); console.log('on');
  for (;;) for (const [a, b] of [['real', 'link'], ['file', 'file-link']]) {
    fs.renameSync(a, 'x'); fs.renameSync(b, a); fs.renameSync('x', b); }`;

/**
 * Fills the directory: `real/secret` and `file` hold `f`, or are those of the directory outside.
 * @returns a function that ends the process, once it runs
 */
export async function swapLinks(inside: string, outside: string): Promise<() => void> {
  mkdirSync(join(inside, 'real'));
  writeFileSync(join(inside, 'real', 'secret'), 'f');
  symlinkSync(outside, join(inside, 'link'));
  symlinkSync(join(outside, 'secret'), join(inside, 'file-link'));
  writeFileSync(join(inside, 'file'), 'f');
  const swapping = spawn(process.execPath, ['-e', SWAP, inside], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => swapping.stdout.once('data', resolve));
  return () => void swapping.kill('SIGKILL');
}

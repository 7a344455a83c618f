// The set-up of the pure tier. A test that starts a process or loads the embedded compiler fails, and the message
// says which tier it belongs to. PATH is empty, so commands could not be found either.

import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { vi } from 'vitest';

const STARTERS = ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'] as const;

function notPure(what: string): Error {
  return new Error(
    `${what} in a test of the pure tier, which needs nothing but Node.js. Name the file *.guest.test.ts if it compiles or ` +
      'runs C, *.witness.test.ts if it asks another tool.',
  );
}

for (const name of STARTERS) {
  Object.assign(childProcess, {
    [name]: () => {
      throw notPure(`${name}() was called`);
    },
  });
}
syncBuiltinESMExports();
process.env.PATH = '';

vi.mock('@yowasp/clang', () => {
  throw notPure('The embedded compiler was loaded');
});

// Writes down how much processor time each test file takes, with the programs that it starts, so that CI can name the most
// expensive files: wall time says little where several files run at once. Linux only; elsewhere nothing is written.

import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';

const STAT = '/proc/self/stat';
const root = fileURLToPath(new URL('../..', import.meta.url));
const LOG = `${root}.cache/logs/processor-time`;
/** Of utime, and how many times follow each other there: utime, stime, cutime and cstime (proc(5)), in hundredths. */
const FIRST_TIME = 13;
const TIMES = 4;

/** Seconds of this process and of the children that it has waited for. */
function seconds(): number {
  // The name of the program is in brackets and may contain blanks.
  const fields = readFileSync(STAT, 'utf8')
    .replace(/\(.*\)/s, '()')
    .split(' ');
  return fields.slice(FIRST_TIME, FIRST_TIME + TIMES).reduce((sum, each) => sum + Number(each), 0) / 100;
}

if (existsSync(STAT)) {
  const before = seconds();
  afterAll(() => {
    const file = relative(root, expect.getState().testPath ?? '');
    mkdirSync(dirname(LOG), { recursive: true });
    appendFileSync(LOG, `${(seconds() - before).toFixed(2)} ${file}\n`);
  });
}

// Emscripten programs behave under Heapline as plain emcc makes them: each program of this folder is linked both ways,
// and both have to write the same, end with the same status, and live for as long.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findEmcc } from '../../../src/compile/emscripten.ts';
import { isSince, readEmccVersion } from '../../../src/compile/emscripten-versions.ts';
import { buildPlain, crashed, type Outcome, runHeapline, runPlain } from './outcomes.ts';
import { CASES, type Case } from './programs.ts';

const directory = mkdtempSync(join(tmpdir(), 'heapline-differential-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const { number: version } = readEmccVersion(findEmcc()!);

/** The status of a shell for a program that SIGABRT ended. */
const TRAP_STATUS = 134;

// Emscripten's terminal ends the last line where the program has not.
const withoutLastNewline = (text: string): string => text.replace(/\n$/, '');

/** What plain emcc's program says of itself, by the name that it has under Heapline. */
function named(program: Case, script: string, text: string): string {
  return text.replaceAll(script, basename(program.source).replace(/\.[^.]+$/, ''));
}

/** Both ways are run at the same time: they wait more than they work. */
async function outcomes(program: Case, name: string): Promise<{ plain: Outcome; ours: Outcome }> {
  const [plain, ours] = await Promise.all([
    buildPlain(program, directory, name).then(async (script) => {
      const { status, stdout, stderr } = await runPlain(program, script);
      return {
        status,
        stdout: named(program, script, stdout),
        stderr: named(program, script, stderr),
      };
    }),
    runHeapline(program, directory),
  ]);
  return { plain, ours };
}

describe('programs behave as with plain emcc', () => {
  const known = CASES.filter(({ since }) => since === undefined || isSince(version, since));
  it.each(known.map((program, index) => ({ ...program, index })))('$name', async (program) => {
    const { plain, ours } = await outcomes(program, `program${program.index}`);
    expect(plain.stdout).not.toBe('');
    if (crashed(plain)) {
      expect(withoutLastNewline(ours.stdout)).toBe(withoutLastNewline(plain.stdout));
      expect(ours.status, ours.stderr).toBe(TRAP_STATUS);
      return;
    }
    expect(withoutLastNewline(program.merged ? head(ours.stdout, plain.stdout) : ours.stdout)).toBe(
      withoutLastNewline(program.stdout ?? plain.stdout),
    );
    // Heapline's report follows.
    expect(head(ours.stderr, plain.stderr)).toBe(plain.stderr);
    expect(ours.status, ours.stderr).toBe(plain.status);
  });

  it('are at least forty', () => {
    expect(new Set(CASES.map(({ source }) => source)).size).toBeGreaterThanOrEqual(40);
  });
});

/** As much of a text as the other has. */
function head(text: string, { length }: string): string {
  return text.slice(0, length);
}

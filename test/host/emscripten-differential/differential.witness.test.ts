// Emscripten programs behave under Heapline as when plain emcc links them. Each program of this folder is linked in
// both ways. Both results must write the same, end with the same status, and live equally long. Of the programs that
// are there with either end of the runtime, each runs with one of them, and with both under HEAPLINE_FULL=1. What plain
// emcc's programs do is recorded (recorded.ts); with HEAPLINE_FULL=1 all of them are linked and run.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isSince, readEmccVersion } from '../../../src/compile/emscripten-versions.ts';
import { findEmcc } from '../../../src/compile/find-emcc.ts';
import { FULL } from '../../support/full.ts';
import { buildPlain, crashed, type Outcome, runHeapline, runPlain } from './outcomes.ts';
import { CASES, type Case } from './programs.ts';
import { recordedOr } from './recorded.ts';

const directory = mkdtempSync(join(tmpdir(), 'heapline-differential-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const { number: version, identity } = readEmccVersion(findEmcc()!);

/** The end of the runtime, in the names of programs that are there with both. */
const END = / \(EXIT_RUNTIME=([01])\)$/;
/** The status of a shell for a program that SIGABRT ended. */
const TRAP_STATUS = 134;

// Emscripten's terminal adds a newline at the end when the program has written none.
const withoutLastNewline = (text: string): string => text.replace(/\n$/, '');

/** The output of plain emcc's program, with the name that the program has under Heapline. */
function named(program: Case, script: string, text: string): string {
  return text.replaceAll(script, basename(program.source).replace(/\.[^.]+$/, ''));
}

/** Runs both programs at the same time, because they wait more than they work. */
async function outcomes(program: Case, index: number): Promise<{ plain: Outcome; ours: Outcome }> {
  const [plain, ours] = await Promise.all([
    recordedOr(program, version ?? identity, index, async () => {
      const script = await buildPlain(program, directory, `program${index}`);
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
  const pairs = [...new Set(known.filter(({ name }) => END.test(name)).map(({ source }) => source))];
  const chosen = known.filter(({ name, source }) => {
    const end = END.exec(name)?.[1];
    return FULL || end === undefined || Number(end) === pairs.indexOf(source) % 2;
  });
  it.each(chosen.map((program, index) => ({ name: program.name, program, index })))('$name', async (each) => {
    const { program, index } = each;
    const { plain, ours } = await outcomes(program, index);
    expect(plain.stdout).not.toBe('');
    if (crashed(plain)) {
      expect(withoutLastNewline(ours.stdout)).toBe(withoutLastNewline(plain.stdout));
      expect(ours.status, ours.stderr).toBe(TRAP_STATUS);
      return;
    }
    expect(withoutLastNewline(program.merged ? head(ours.stdout, plain.stdout) : ours.stdout)).toBe(
      withoutLastNewline(program.stdout ?? plain.stdout),
    );
    // Heapline's report follows the program's output.
    expect(head(ours.stderr, plain.stderr)).toBe(plain.stderr);
    expect(ours.status, ours.stderr).toBe(plain.status);
  });

  it('there are at least forty programs', () => {
    expect(new Set(chosen.map(({ source }) => source)).size).toBeGreaterThanOrEqual(40);
  });
});

/** The beginning of a text, as long as the other text. */
function head(text: string, { length }: string): string {
  return text.slice(0, length);
}

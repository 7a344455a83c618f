// What plain emcc's programs did when they ran last, in recorded.json. Linking them takes a third of the test's time, and
// the same emcc makes the same program of the same source. A record counts for the version of emcc and of Node.js, the
// source and the options that it names; anything else is linked and run. `HEAPLINE_RECORD=1` writes the records anew.
// Outcomes that name a place of the machine, or depend on its time zone or language, have none.

import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { hashOf } from '../../../src/compile/cache.ts';
import { FULL } from '../../support/full.ts';
import { type Outcome, sourceOf } from './outcomes.ts';
import type { Case } from './programs.ts';

interface RecordedOutcome extends Outcome {
  readonly of: string;
}

const file = new URL('recorded.json', import.meta.url);
const records: Record<string, RecordedOutcome> = JSON.parse(readFileSync(file, 'utf8'));
const WRITES = process.env.HEAPLINE_RECORD === '1';
/** Every eighth program runs each time, so that a record that is wrong is noticed. */
const ONE_IN = 8;

const OF_THE_MACHINE = ['calendar.c', 'locale.c'];

/** Whether an outcome is the same wherever the program runs. */
function isGeneral({ source }: Case, { stdout, stderr }: Outcome): boolean {
  if (OF_THE_MACHINE.includes(source)) return false;
  const places = [fileURLToPath(new URL('.', import.meta.url)), tmpdir(), process.execPath];
  return !places.some((place) => `${stdout}${stderr}`.includes(place));
}

/** What the outcome of a program depends on. */
function dependencies(program: Case, emcc: string): string {
  const [node] = process.versions.node.split('.');
  return hashOf(JSON.stringify([emcc, node, program]), readFileSync(sourceOf(program)));
}

/** The recorded outcome of a program, or that of running it now. `index` is its place among the programs. */
export async function recordedOr(
  program: Case,
  emcc: string,
  index: number,
  run: () => Promise<Outcome>,
): Promise<Outcome> {
  const of = dependencies(program, emcc);
  const recorded = records[program.name];
  if (!WRITES && !FULL && recorded?.of === of && index % ONE_IN > 0) return recorded;
  const outcome = await run();
  if (WRITES && isGeneral(program, outcome)) {
    records[program.name] = { of, ...outcome };
    const sorted = Object.entries(records).sort(([a], [b]) => (a < b ? -1 : 1));
    writeFileSync(file, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
  }
  return outcome;
}

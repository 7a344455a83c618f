// vitest shows a failed test at the frames in the stack of its error. It takes every line that reads like a frame for
// one, those of a report in the message, too, and passes over those that say more than a frame does (`[inlined]`). So
// the stack that it gets has the frames of one leak in the form that it reads, and no others but those of the assertion.

import { isAbsolute } from '../algorithms/posix-path.ts';
import type { Frame } from '../errors.ts';
import { isGap, ShownStacks, type Stack, stackOf } from '../frames/index.ts';
import { defaultLeakKinds, type LeakKind, type LeakReport } from './leak-report.ts';
import { inText, ReportStacks } from './stacks.ts';

/** By this, an error says how console.log() shows it: as it was before. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');
/** Most frames of a leak that are pointed at. */
const MOST = 24;

/** The stack that a report shows first; null when it shows none. */
export function firstStack(report: LeakReport, kinds: readonly LeakKind[] = defaultLeakKinds): Stack | null {
  const first = report.errors[0] ?? report.of(kinds)[0];
  return first === undefined ? null : stackOf(first, 'frames');
}

/**
 * Under vitest, gives the error a stack that begins with the user's innermost frame of this one, inlined or not; under
 * other test runners, and without a stack, does nothing.
 * @param root folder of the user's sources
 * @param assertion whether the frames of the assertion follow
 */
export function pointAt<E extends Error>(
  error: E,
  stack: Stack | null,
  root: string | undefined,
  assertion = true,
): E {
  if (stack === null || !underVitest()) return error;
  const frames = framesFrom(stack, root);
  if (frames.length === 0) return error;
  const text = error.stack ?? '';
  const header = `${error.name}: ${error.message}`;
  const at = text.indexOf(error.message);
  const rest = at < 0 || !assertion ? '' : text.slice(at + error.message.length);
  const lines = frames.map(
    ({ function: name, file, line, column }) => `    at ${name} (${file}:${line}:${column || 1})`,
  );
  // The report stays in it for those who show nothing but the stack, as vitest's JSON reporter does.
  const value = `${header.replace(/^(\s*)(?=at )/gm, '$1| ')}\n${lines.join('\n')}${rest}`;
  Object.defineProperty(error, 'stack', { value, configurable: true, writable: true });
  Object.defineProperty(error, INSPECT, { value: () => text, configurable: true });
  return error;
}

// Set by vitest where it runs tests, and not handed down to processes that a test starts.
function underVitest(): boolean {
  return '__vitest_worker__' in globalThis;
}

function framesFrom(stack: Stack, root: string | undefined): readonly Frame[] {
  const place = new ReportStacks(root, inText).place(stack);
  let at = stack;
  while (at.depth > 0 && place !== null && at.frame !== place) at = at.caller;
  const shown = new ShownStacks({ most: MOST }).of(at);
  return shown.filter((item): item is Frame => !isGap(item) && item.line > 0 && isAbsolute(item.file));
}

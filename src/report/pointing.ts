// vitest shows a failed test at the frames in the stack of its error. It takes every line that looks like a frame
// for one, including lines of a report in the message, and it skips lines that say more than a frame does
// (`[inlined]`). So the error gets a stack with the frames of one leak in the form that vitest reads, followed by
// the frames of the assertion and no others.

import { isAbsolute } from '../algorithms/posix-path.ts';
import { type Frame, isGap, ShownStacks, type Stack, stackOf, wrapperFrames } from '../frames/index.ts';
import { INSPECT } from './inspect.ts';
import { defaultLeakKinds, type LeakKind } from './leak-kinds.ts';
import type { LeakReport } from './leak-report.ts';
import { inText, ReportStacks } from './stacks.ts';

/** Most frames of a leak that go into the stack. */
const MOST = 24;

/** How an error points at a stack. */
interface PointingOptions {
  /** Whether the frames of the assertion follow. They do by default. */
  readonly assertion?: boolean;
  /** Whether a frame is a call by which a function allocates for its caller, by what the function does. */
  readonly allocates?: ((frame: Frame) => boolean) | undefined;
}

/** The stack that a report shows first; null when it shows none. */
export function firstStack(report: LeakReport, kinds: readonly LeakKind[] = defaultLeakKinds): Stack | null {
  const first = report.errors[0] ?? report.of(kinds)[0];
  return first === undefined ? null : stackOf(first, 'frames');
}

/**
 * Under vitest, gives the error a stack that begins with the innermost frame of `stack` that is the user's, inlined
 * or not. Without a stack, and under other test runners, the error stays as it is.
 * @param root folder of the user's sources
 */
export function pointAt<E extends Error>(
  error: E,
  stack: Stack | null,
  root: string | undefined,
  { assertion = true, allocates }: PointingOptions = {},
): E {
  if (stack === null || !underVitest()) return error;
  const frames = framesFrom(stack, root, allocates);
  if (frames.length === 0) return error;
  const text = error.stack ?? '';
  const header = `${error.name}: ${error.message}`;
  const at = text.indexOf(error.message);
  const rest = at < 0 || !assertion ? '' : text.slice(at + error.message.length);
  const lines = frames.map(
    ({ function: name, file, line, column }) => `    at ${name} (${file}:${line}:${column || 1})`,
  );
  // The report stays in the stack for readers that show nothing but the stack, such as vitest's JSON reporter.
  const value = `${header.replace(/^(\s*)(?=at )/gm, '$1| ')}\n${lines.join('\n')}${rest}`;
  Object.defineProperty(error, 'stack', { value, configurable: true, writable: true });
  // console.log() shows the original stack.
  Object.defineProperty(error, INSPECT, { value: () => text, configurable: true });
  return error;
}

// vitest sets this where it runs tests, and does not hand it down to processes that a test starts.
function underVitest(): boolean {
  return '__vitest_worker__' in globalThis;
}

function framesFrom(
  stack: Stack,
  root: string | undefined,
  allocates: PointingOptions['allocates'],
): readonly Frame[] {
  const place = new ReportStacks(root, inText, wrapperFrames([], allocates)).place(stack);
  let at = stack;
  while (at.depth > 0 && place !== null && at.frame !== place) at = at.caller;
  const shown = new ShownStacks({ most: MOST }).of(at);
  return shown.filter((item): item is Frame => !isGap(item) && item.line > 0 && isAbsolute(item.file));
}

// The questions that matchers and assertions ask about a sandbox. Each answer is a verdict that says in words what
// was found. A sandbox is recognised by its methods, because the test's sandbox may come from another bundle of this
// package.

import { InvalidArgumentError } from '../errors.ts';
import {
  faultStackNames,
  frameText,
  quantity,
  ShownStacks,
  type Stack,
  stackLines,
  stackOf,
  withOtherStacks,
  withoutHarness,
} from '../frames/index.ts';
import { type HeapSnapshot, indicesIn } from '../heap/index.ts';
import type { GrowthOptions, GrowthReport, HeapAmount } from '../leaks/index.ts';
import { rule } from '../options/option-rules.ts';
import { type OptionTable, readOptions, type SettingsOf } from '../options/option-table.ts';
import { profilePage, reportPage } from '../page/index.ts';
import type { HeapProfile } from '../profile/index.ts';
import {
  defaultLeakKinds,
  encodeLeakProfile,
  firstStack,
  formatText,
  type LeakKind,
  type LeakPart,
  type LeakReport,
  partWithOther,
  withOther,
} from '../report/index.ts';
import { ASSERT_LEAKS_OPTIONS, type AssertLeaksOptions, type Heap, type Sandbox } from '../sandbox/index.ts';
import type { FailureReport } from './failure-report.ts';

/** Anything with a heap: a sandbox. */
export interface WithHeap {
  /** Its heap. */
  readonly heap: Heap;
}

/** How much a piece of work may allocate. A limit that is not given does not apply. */
export interface AllocationLimits {
  /** Most bytes, freed ones included. */
  readonly bytes?: number;
  /** Most blocks, freed ones included. */
  readonly objects?: number;
  /** Most bytes in use at one time, without those that were in use before. */
  readonly peak?: number;
}

/** What was found, and how to report it. */
export interface Verdict {
  /** Whether the sandbox shows the subject of the question: leaks, growth, too many allocations. */
  readonly found: boolean;
  /** The finding in words, which are produced on request. */
  message(): string;
  /** The whole finding, for the files of a failed test. */
  report(): FailureReport;
  /** The first finding and the folder of the sources, for `pointAt`. */
  stack(): Stack | null;
  readonly root: string;
  /** The leak report, when the question was about leaks. */
  readonly leaks: LeakReport | null;
}

/** Most frames of a stack in a message. */
const FRAMES_SHOWN = 8;
/** Most contexts in a message. */
const CONTEXTS_SHOWN = 5;

/** Throws unless this is a sandbox. The message names `caller`. */
export function checkSandbox(caller: string, lib: unknown): asserts lib is WithHeap {
  const { heap } = (lib ?? {}) as { heap?: { leaks?: unknown } };
  if (typeof heap?.leaks === 'function') return;
  throw new InvalidArgumentError(
    'lib',
    `${caller}() needs a sandbox, as loadC() and loadWasm() return it; it was given ${describe(lib)}.`,
  );
}

/** Throws unless this is a function. */
export function checkWork(caller: string, work: unknown): asserts work is () => unknown {
  if (typeof work === 'function') return;
  throw new InvalidArgumentError(
    'work',
    `${caller}() needs a function that does the work, such as () => lib.exports.parse(text, length); it was given ${describe(work)}.`,
  );
}

/** Options of an assertion about leaks that were read. */
export type LeakSettings = SettingsOf<typeof ASSERT_LEAKS_OPTIONS>;

const limit = rule<number>(
  (value) => typeof value === 'number' && value >= 0,
  'a number that is not negative',
);

const LIMITS = { bytes: limit, objects: limit, peak: limit } satisfies OptionTable<AllocationLimits>;

/** Does the sandbox's heap hold lost blocks, or was there a heap fault? */
export function judgeLeaks(caller: string, lib: WithHeap, options: AssertLeaksOptions = {}): Verdict {
  const { kinds, root, ...rest } = readOptions(caller, options, ASSERT_LEAKS_OPTIONS);
  return leakVerdict(lib.heap.leaks(rest), kinds, root);
}

/** A profile as files. */
function profileOf(profile: HeapProfile): Pick<FailureReport, 'pprof' | 'page'> {
  return { pprof: profile.encode(), page: (title) => profilePage(profile, { title }) };
}

/** A verdict on an existing report. */
export function leakVerdict(
  leaks: LeakReport,
  kinds: readonly LeakKind[] = defaultLeakKinds,
  root: string = process.cwd(),
): Verdict {
  return {
    found: !leaks.isClean(kinds),
    leaks,
    root,
    stack: () => {
      const stack = firstStack(leaks, kinds);
      return stack && withoutHarness()(stack);
    },
    message: () => formatText(withOwnFrames(leaks), { kinds, root }).trimEnd(),
    report: () => ({
      text: formatText(withOwnFrames(leaks), { all: true, root }),
      pprof: encodeLeakProfile(leaks, { takenAt: Date.now() }),
      page: (title) => reportPage(withOwnFrames(leaks), { title, root }),
    }),
  };
}

function withOwnFrames(leaks: LeakReport): LeakReport {
  const own = withoutHarness();
  const ownPart = (part: LeakPart) => partWithOther(part, { stack: own(stackOf(part, 'frames')) });
  return leaks.with({
    records: leaks.records.map((record) =>
      withOther(record, { stack: own(stackOf(record, 'frames')), parts: record.parts.map(ownPart) }),
    ),
    errors: leaks.errors.map((fault) => {
      const stacks = faultStackNames.map((name) => {
        const stack = stackOf(fault, name);
        return [name, stack && own(stack)];
      });
      return withOtherStacks(fault, Object.fromEntries(stacks));
    }),
  });
}

/** Does the work leave lost blocks behind, or cause a heap fault? */
export function judgeWork(
  caller: string,
  lib: WithHeap,
  work: () => unknown,
  options: AssertLeaksOptions = {},
): Verdict | Promise<Verdict> {
  const { kinds, root, ...rest } = readOptions(caller, options, ASSERT_LEAKS_OPTIONS);
  return after(lib.heap.scope(work, rest), ({ leaks }) => leakVerdict(leaks, kinds, root));
}

/** Does the work allocate more than this? */
export function judgeAllocations(
  caller: string,
  lib: WithHeap,
  work: () => unknown,
  limits: AllocationLimits,
): Verdict | Promise<Verdict> {
  const { bytes, objects, peak } = limitsOf(caller, limits);
  const allowed = [
    ...(bytes === undefined ? [] : [quantity(bytes, 'byte')]),
    ...(objects === undefined ? [] : [quantity(objects, 'block')]),
    ...(peak === undefined ? [] : [`${quantity(peak, 'byte')} at one time`]),
  ];
  return after(measureWork(lib, work), (measured) => {
    const { allocated, peak: highest } = measured;
    const atPeak = peak === undefined ? '' : `, ${quantity(highest.bytes, 'byte')} of them at one time`;
    const found =
      allocated.bytes > (bytes ?? Number.POSITIVE_INFINITY) ||
      allocated.objects > (objects ?? Number.POSITIVE_INFINITY) ||
      highest.bytes > (peak ?? Number.POSITIVE_INFINITY);
    return measured.verdict(found, () => {
      const sum = `${quantity(allocated.bytes, 'byte')} in ${quantity(allocated.objects, 'block')}${atPeak}`;
      return `allocated ${sum}, where at most ${listed(allowed)} are allowed`;
    });
  });
}

function listed(parts: readonly string[]): string {
  return parts.length < 3 ? parts.join(' and ') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/** What a piece of work has allocated. */
export interface MeasuredWork {
  readonly allocated: HeapAmount;
  /** The most that was in use at one time, without what was in use before. */
  readonly peak: HeapAmount;
  /** A verdict on it, which names the stacks that have allocated most. */
  verdict(found: boolean, message: () => string): Verdict;
}

/** Runs a piece of work and measures what it allocates. */
export function measureWork(lib: WithHeap, work: () => unknown): MeasuredWork | Promise<MeasuredWork> {
  const { heap } = lib;
  const before = heap.snapshot();
  return after(heap.scope(work), ({ allocated, peak }) => {
    const now = heap.snapshot();
    const contexts = lazily(() => allocatingContexts(heap, before, now));
    return {
      allocated,
      peak,
      verdict(found, message) {
        const text = (): string => `${message()}\n\n${allocationText(contexts())}`;
        return {
          found,
          leaks: null,
          root: process.cwd(),
          stack: () => firstOf(contexts()),
          message: text,
          report: () => ({ text: `${text()}\n`, ...profileOf(heap.profile({ kind: 'allocs' })) }),
        };
      },
    };
  });
}

/** Does the work leave more behind each time it is repeated? */
export function judgeGrowth(
  lib: WithHeap,
  work: () => unknown,
  options: GrowthOptions = {},
): Verdict | Promise<Verdict> {
  const { heap } = lib;
  return after(heap.growth(work, options) as GrowthReport | Promise<GrowthReport>, (growth) => ({
    found: growth.contexts.length > 0,
    leaks: null,
    root: process.cwd(),
    stack: () => firstOf(growth.contexts.map((context) => ({ stack: stackOf(context, 'frames') }))),
    message: () => growthText(growth, CONTEXTS_SHOWN),
    report: () => ({
      text: `${growthText(growth, growth.contexts.length)}\n`,
      ...profileOf(heap.profile()),
    }),
  }));
}

/** Is a failure of one of its allocations handled badly by the work? */
export async function judgeSweep(lib: WithHeap, work: () => unknown, options: object = {}): Promise<Verdict> {
  const { sweepOpen } = await import('../sweep/index.ts');
  const swept = await sweepOpen(lib as Sandbox, work, options);
  const root = process.cwd();
  const report = swept.toLeakReport();
  return {
    found: !swept.isClean,
    leaks: null,
    root,
    stack: () => firstOf(report.failedAllocations.map((failed) => ({ stack: stackOf(failed, 'frames') }))),
    message: () => swept.toText({ root }).trimEnd(),
    report: () => ({
      text: swept.toText({ root, all: true }),
      pprof: lib.heap.profile().encode(),
      page: (title) => reportPage(report, { title, root, profile: lib.heap.profile() }),
    }),
  };
}

/** `then` that runs at once when the value is not a promise. */
export function after<T, U>(value: T | PromiseLike<T>, then: (value: T) => U): U | Promise<U> {
  return typeof (value as { then?: unknown } | null)?.then === 'function'
    ? Promise.resolve(value).then(then)
    : then(value as T);
}

function growthText(growth: GrowthReport, limit: number): string {
  const { bytesPerRun, objectsPerRun, runs, warmup, contexts } = growth;
  if (contexts.length === 0) return `the heap is steady over ${runs} runs, after ${warmup} to warm up`;
  const per = (value: number, noun: string): string =>
    Number.isInteger(value) ? quantity(value, noun) : `${value.toFixed(2)} ${noun}s`;
  const own = withoutHarness();
  const blocks = contexts
    .slice(0, limit)
    .map(
      (context) =>
        `${per(context.bytesPerRun, 'byte')} in ${per(context.objectsPerRun, 'block')} per run\n${stackText(own, stackOf(context, 'frames'))}`,
    );
  if (contexts.length > limit) blocks.push(`… and ${quantity(contexts.length - limit, 'more context')}`);
  return (
    `the heap grows by ${per(bytesPerRun, 'byte')} in ${per(objectsPerRun, 'block')} per run ` +
    `(${runs} runs, after ${warmup} to warm up)\n\n${blocks.join('\n\n')}`
  );
}

function firstOf(contexts: readonly { readonly stack: Stack }[]): Stack | null {
  return contexts.length === 0 ? null : withoutHarness()(contexts[0]!.stack);
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

interface AllocatingContext {
  readonly bytes: number;
  readonly objects: number;
  readonly stack: Stack;
}

/** The contexts that allocated between two snapshots, largest first. */
function allocatingContexts(heap: Heap, before: HeapSnapshot, now: HeapSnapshot): AllocatingContext[] {
  const contexts: AllocatingContext[] = [];
  const stacks = heap.contextStacks();
  const inBefore = indicesIn(before, now);
  for (let i = 0; i < now.count; i++) {
    const objects = now.allocObjects[i]! - (before.allocObjects[inBefore[i]!] ?? 0);
    if (objects === 0) continue;
    contexts.push({
      objects,
      bytes: now.allocBytes[i]! - (before.allocBytes[inBefore[i]!] ?? 0),
      stack: stacks.of(now.node[i]!),
    });
  }
  return contexts.sort((a, b) => b.bytes - a.bytes || b.objects - a.objects);
}

function allocationText(contexts: readonly AllocatingContext[]): string {
  const own = withoutHarness();
  const blocks = contexts
    .slice(0, CONTEXTS_SHOWN)
    .map(
      ({ bytes, objects, stack }) =>
        `${quantity(bytes, 'byte')} in ${quantity(objects, 'block')}\n${stackText(own, stack)}`,
    );
  if (contexts.length > CONTEXTS_SHOWN) {
    blocks.push(`… and ${quantity(contexts.length - CONTEXTS_SHOWN, 'more context')}`);
  }
  return blocks.join('\n\n');
}

function stackText(own: (stack: Stack) => Stack, stack: Stack): string {
  const shown = new ShownStacks({ most: FRAMES_SHOWN }).of(own(stack));
  return stackLines(shown, (frame) => frameText(frame, process.cwd()), '  ').join('\n');
}

function limitsOf(caller: string, limits: AllocationLimits): AllocationLimits {
  const { bytes, objects, peak } = (limits ?? {}) as AllocationLimits;
  if (bytes === undefined && objects === undefined && peak === undefined) {
    throw new InvalidArgumentError(
      'limits',
      'The limits must be an object with at least one of bytes, objects and peak.',
    );
  }
  return readOptions(caller, limits, LIMITS);
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'object' ? 'an object without a heap' : `a value of type ${typeof value}`;
}

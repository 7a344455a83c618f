// The heap of a running guest: what the host does with it (allocate, write text, read it back) and what it tells
// (statistics, profiles, faults). Pointers are unsigned 32-bit addresses in the guest's linear memory.

import type { WasmExports } from '../binary/wasm-types.ts';
import {
  CorruptLedgerError,
  type Frame,
  InvalidArgumentError,
  OutOfMemoryError,
  StateError,
} from '../errors.ts';
import { faultError, type HeapFault } from '../frames/heap-fault.ts';
import { type Stack, withStacks } from '../frames/index.ts';
import {
  ContextStacks,
  type HeapBlock,
  type HeapSnapshot,
  type HeapTotals,
  type Ledger,
  layout,
  MemoryView,
} from '../heap/index.ts';
import { ALLOCATES, type Gate, type HostStacks } from '../host/index.ts';
import {
  allocatedSince,
  GrowthMeter,
  type GrowthOptions,
  type GrowthReport,
  HeapMark,
  type LeakCapture,
  type LeakFinder,
  type PeakMeter,
  type ScopeResult,
} from '../leaks/index.ts';
import { checkOptionNames } from '../options/option-names.ts';
import { platform } from '../platform/index.ts';
import { ContextProfileBuilder, type ContextProfileKind, type HeapProfile } from '../profile/index.ts';
import {
  checkLeakKinds,
  type FailedAllocation,
  firstStack,
  LeakError,
  type LeakKind,
  type LeakReport,
  pointAt,
  type Suppression,
  type SuppressionRule,
  suppress,
  suppressionsOf,
} from '../report/index.ts';
import type { EventPath, FaultEvent, HeapEvents } from './heap-events.ts';

/** Sums of a heap. Bytes count what the program asked for, unless said otherwise. */
export interface HeapStats {
  /** Blocks in use now. */
  readonly inUseObjects: number;
  readonly inUseBytes: number;
  /** All allocations so far. A `realloc` that changes the size counts as a free and an allocation. */
  readonly allocObjects: number;
  readonly allocBytes: number;
  /** What was in use when the most bytes were. */
  readonly peakObjects: number;
  readonly peakBytes: number;
  /** Distinct calling contexts. */
  readonly contexts: number;
  /** Allocations that found no memory. */
  readonly failedAllocations: number;
  /** Bad frees and reallocs seen. */
  readonly faults: number;
  /** Bytes that the allocator has taken for blocks. */
  readonly heapBytes: number;
  /** Bytes of the ledger itself. */
  readonly metadataBytes: number;
  /** Size of the linear memory in bytes. */
  readonly memoryBytes: number;
}

/** Which question a profile answers: see the README. */
export interface ProfileOptions {
  /**
   * - `heap`: blocks in use, and all allocations so far (the default)
   * - `allocs`: the same data, all allocations first
   * - `peak`: what was in use when the heap was at its largest
   * - `temporary`: blocks that were freed before the next allocation
   * - `lifetime`: how long blocks lived, in bytes allocated meanwhile
   */
  readonly kind?: ContextProfileKind;
  /** String labels put on every sample. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** What a leak report leaves out. */
export interface LeaksOptions {
  /**
   * Leaks that are known and not to be reported: patterns in LeakSanitizer's format (`leak:parse_*`, or just the
   * pattern), predicates, or what parseSuppressions() has read from a file.
   */
  readonly suppressions?: readonly (SuppressionRule | Suppression)[];
}

/** What an assertion about leaks fails on. */
export interface AssertLeaksOptions extends LeaksOptions {
  /** Classes that fail. Default: definite and indirect. */
  readonly kinds?: readonly LeakKind[];
  /** Folder below which paths in the message are shown relative to it. Default: the current directory. */
  readonly root?: string;
}

const PROFILE_OPTIONS = ['kind', 'labels'] as const satisfies readonly (keyof ProfileOptions)[];
const LEAKS_OPTIONS = ['suppressions'] as const satisfies readonly (keyof LeaksOptions)[];
const ASSERT_LEAKS_OPTIONS = [
  ...LEAKS_OPTIONS,
  'kinds',
  'root',
] as const satisfies readonly (keyof AssertLeaksOptions)[];
const GROWTH_OPTIONS = ['warmup', 'runs'] as const satisfies readonly (keyof GrowthOptions)[];

/** What a heap needs of the sandbox around it. */
export interface HeapHost {
  readonly gate: Gate;
  readonly ledger: Ledger;
  readonly peaks: PeakMeter;
  readonly hostStacks: HostStacks;
  readonly exports: WasmExports;
  readonly module: { readonly name: string; readonly path: string; readonly codeSize: number };
  readonly comments: () => readonly string[];
  /** Throws when the sandbox was disposed of. */
  check(name: string): void;
  /** Frames of call sites in C; the same object for all heaps of a module. */
  readonly symbols: {
    frames(site: number): readonly Frame[];
    /** Whether the site is in the function by which the toolchain calls main. */
    isStartUp(site: number): boolean;
  };
  /** The state at the end of the program, while nothing has changed since; null otherwise. */
  atExit(): HeapSnapshot | null;
  readonly events: HeapEvents;
  readonly leaks: LeakFinder;
  /** The leaks at the end of the program, while nothing has changed since; null otherwise. */
  leaksAtExit(): LeakCapture | null;
}

const MAX_SIZE = 0xffffffff;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const TRUNCATED_FRAME: Frame = {
  function: '[truncated]',
  linkageName: '[truncated]',
  file: '',
  line: 0,
  column: 0,
  startLine: 0,
  inlined: false,
  language: 'c',
};

type Allocate = (...args: number[]) => number;

/** A guest's heap. */
export class Heap {
  readonly #host: HeapHost;
  readonly #view: MemoryView;
  readonly #malloc: Allocate;
  readonly #calloc: Allocate;
  readonly #realloc: Allocate;
  readonly #free: Allocate;

  /** @internal Sandboxes make their own. */
  constructor(host: HeapHost) {
    this.#host = host;
    this.#view = new MemoryView(host.ledger.memory);
    const wrap = (name: string, arity: number, habit = ALLOCATES): Allocate =>
      typeof host.exports[name] === 'function'
        ? (host.gate.wrap(name, host.exports[name], Array(arity).fill('i32'), habit) as unknown as Allocate)
        : () => {
            throw new StateError(`The module does not export ${name}(): link it with --export=${name}.`);
          };
    this.#malloc = wrap('malloc', 1);
    this.#calloc = wrap('calloc', 2);
    this.#realloc = wrap('realloc', 2);
    this.#free = wrap('free', 1, 0);
  }

  /** Allocates `size` bytes, uninitialised. Throws OutOfMemoryError rather than return 0. */
  malloc(size: number): number {
    checkSize('size', size);
    const address = this.#malloc(size) >>> 0;
    if (address === 0) throw this.#outOfMemory(size);
    return address;
  }

  /** Allocates `count` times `size` bytes of zeros. Throws OutOfMemoryError rather than return 0. */
  calloc(count: number, size: number): number {
    checkSize('count', count);
    checkSize('size', size);
    const address = this.#calloc(count, size) >>> 0;
    if (address === 0) throw this.#outOfMemory(count * size);
    return address;
  }

  /**
   * Changes the size of a block, which may move; of address 0 it makes a new one, as in C. Throws OutOfMemoryError and
   * keeps the block when it cannot. A pointer that is not a block's is a heap fault, which is written down; then
   * there is no block to return, so it throws HeapFaultError whatever `onError` says.
   */
  realloc(address: number, size: number): number {
    checkAddress('address', address);
    checkSize('size', size);
    const { events } = this.#host;
    const faults = events.faultCount;
    const moved = this.#realloc(address, size) >>> 0;
    if (moved !== 0) return moved;
    // The first one since then: what `onFault` does may have added others.
    const fault = events.firstSince(faults);
    if (fault !== undefined) throw faultError(this.describeFault(fault));
    throw this.#outOfMemory(size);
  }

  /**
   * Frees a block; 0 is ignored, as in C. A pointer that is not a block's is a heap fault: it is written down and the
   * call ignored, or with `onError: 'throw'` it throws HeapFaultError.
   */
  free(address: number): void {
    checkAddress('address', address);
    this.#free(address);
  }

  /** Allocates a copy of `text` as a C string: UTF-8, terminated by a zero byte. The caller frees it. */
  cstring(text: string): number {
    if (typeof text !== 'string') {
      throw new InvalidArgumentError('text', `heap.cstring() takes a string, not ${describe(text)}.`);
    }
    if (text.includes('\0')) {
      throw new InvalidArgumentError(
        'text',
        'The text holds a NUL character, at which C would end it. Use heap.malloc() and heap.bytes() for such data.',
      );
    }
    const encoded = encoder.encode(text);
    const address = this.#malloc(encoded.length + 1) >>> 0;
    if (address === 0) throw this.#outOfMemory(encoded.length + 1);
    const bytes = this.#view.bytes;
    bytes.set(encoded, address);
    bytes[address + encoded.length] = 0;
    return address;
  }

  /** The C string at this address, read as UTF-8 up to its zero byte. */
  readCString(address: number): string {
    this.#host.check('heap.readCString');
    checkAddress('address', address);
    const bytes = this.#view.bytes;
    if (address === 0)
      throw new InvalidArgumentError('address', 'heap.readCString() was given a NULL pointer.');
    if (address >= bytes.length) throw this.#outside('address', address, 1);
    const end = bytes.indexOf(0, address);
    if (end < 0) {
      throw new InvalidArgumentError(
        'address',
        `There is no zero byte between address ${address} and the end of the guest's memory.`,
      );
    }
    return decoder.decode(bytes.subarray(address, end));
  }

  /**
   * A view of guest memory, to read and to write. It goes stale when the memory grows, which any call into the
   * guest may do: take it, use it, and take it again.
   */
  bytes(address: number, length: number): Uint8Array {
    this.#host.check('heap.bytes');
    checkAddress('address', address);
    checkSize('length', length);
    const bytes = this.#view.bytes;
    if (address + length > bytes.length) throw this.#outside('address', address, length);
    return bytes.subarray(address, address + length);
  }

  /** Sums of the heap; after `run()`, as they were when the program ended. */
  stats(): HeapStats {
    this.#host.check('heap.stats');
    const totals: HeapTotals = this.#host.atExit()?.totals ?? this.#host.peaks.totals();
    const { liveObjects, liveBytes, ...rest } = totals;
    return { inUseObjects: liveObjects, inUseBytes: liveBytes, ...rest };
  }

  /** All calling contexts with their counters; after `run()`, as they were when the program ended. */
  snapshot(): HeapSnapshot {
    this.#host.check('heap.snapshot');
    return this.#host.atExit() ?? this.#host.peaks.snapshot();
  }

  /**
   * A profile of the heap. After `run()` it shows the moment at which `main` returned or called `exit`, before
   * the C library tore itself down; once the heap changes again, the present.
   */
  profile(options: ProfileOptions = {}): HeapProfile {
    this.#host.check('heap.profile');
    checkProfileOptions(options);
    const builder = new ContextProfileBuilder(options.kind ?? 'heap');
    this.addTo(builder, options.labels ?? {});
    return builder.finish();
  }

  /** @internal Adds what the heap holds to a profile of several heaps. */
  addTo(builder: ContextProfileBuilder, labels: Readonly<Record<string, string>>): void {
    this.#host.check('heap.profile');
    builder.add({
      snapshot: this.snapshot(),
      symbols: this.#host.symbols,
      hostStacks: this.#host.hostStacks,
      module: this.#host.module,
      comments: this.#host.comments(),
      labels,
    });
  }

  /** The blocks in use now, in the order of their addresses within each size class. Do not call into the guest
   * between steps: what it frees or moves is not followed. */
  *blocks(): Generator<HeapBlock, void, undefined> {
    this.#host.check('heap.blocks');
    for (const block of this.#host.ledger.blocks()) if (!block.freed) yield block;
  }

  /** The bad frees and reallocs seen so far, oldest first. */
  faults(): HeapFault[] {
    this.#host.check('heap.faults');
    return this.#faultsSince(0);
  }

  /**
   * The allocations that found no memory (malloc and its siblings returned NULL), one entry for each stack, in the order
   * in which they failed first. An alignment that C does not allow (EINVAL) is none of them.
   */
  failures(): FailedAllocation[] {
    this.#host.check('heap.failures');
    return this.#failuresSince(0);
  }

  /**
   * Classes every block in use as definitely, indirectly or possibly lost or still reachable, grouped by the calling
   * context that allocated it, and adds the heap errors so far. May be asked at any time, again and again. After
   * `run()` it shows the moment at which `main` returned or called `exit`; once the heap changes again, the present.
   * While functions of the guest are active, the report's notes say what could not be seen. The search of a heap of
   * more than 2 MiB needs some memory in it for a while, for which the linear memory may grow.
   */
  leaks(options: LeaksOptions = {}): LeakReport {
    this.#host.check('heap.leaks');
    checkOptionNames('heap.leaks', options, LEAKS_OPTIONS);
    const suppressions = readSuppressions(options);
    const atExit = this.#host.leaksAtExit();
    const capture =
      atExit !== null && atExit.heldVersion === this.#host.leaks.held.version
        ? atExit
        : this.#host.leaks.capture();
    return suppress(this.#host.leaks.report(capture, this.faults(), this.failures()), suppressions);
  }

  /** Throws a LeakError, whose message is the report, when blocks are lost or the heap was misused. */
  assertNoLeaks(options: AssertLeaksOptions = {}): void {
    checkOptionNames('heap.assertNoLeaks', options, ASSERT_LEAKS_OPTIONS);
    const { kinds, root = platform().workingDirectory(), ...rest } = options;
    if (kinds !== undefined) checkLeakKinds(kinds);
    const report = this.leaks(rest);
    if (report.isClean(kinds)) return;
    const error = new LeakError(report, {
      ...(root === undefined ? {} : { root }),
      ...(kinds === undefined ? {} : { kinds }),
    });
    throw pointAt(error, firstStack(report, kinds), root);
  }

  /**
   * Tells the scan that JavaScript holds this pointer: the block it points to, and what hangs on it, is reachable
   * until as many calls of release() have let it go.
   */
  hold(address: number): void {
    this.#host.check('heap.hold');
    checkAddress('address', address);
    this.#host.leaks.held.hold(address);
  }

  /** Takes back one hold() of this pointer. */
  release(address: number): void {
    this.#host.check('heap.release');
    checkAddress('address', address);
    this.#host.leaks.held.release(address);
  }

  /** Remembers this moment, for leaksSince(). */
  mark(): HeapMark {
    this.#host.check('heap.mark');
    const { allocObjects, allocBytes, liveObjects, liveBytes } = this.#host.ledger.totals();
    const { events, leaks } = this.#host;
    const { length } = events.faults;
    return new HeapMark(
      this,
      allocObjects,
      allocBytes,
      liveObjects,
      liveBytes,
      length,
      leaks.traps,
      events.mark(),
    );
  }

  /** Like leaks(), of the blocks allocated since the mark and the heap errors since then. */
  leaksSince(mark: HeapMark, options: LeaksOptions = {}): LeakReport {
    this.#host.check('heap.leaksSince');
    if (!(mark instanceof HeapMark) || mark.owner !== this) {
      throw new InvalidArgumentError('mark', "heap.leaksSince() takes a mark of this sandbox's heap.mark().");
    }
    checkOptionNames('heap.leaksSince', options, LEAKS_OPTIONS);
    const suppressions = readSuppressions(options);
    const capture = this.#host.leaks.capture(mark.allocObjects);
    const failures = this.#failuresSince(mark.failures);
    return suppress(this.#host.leaks.report(capture, this.#faultsSince(mark.faults), failures), suppressions);
  }

  /**
   * Runs `work` and tells what it allocated, what it held at most, and what it left behind. For an async function
   * the scope ends when its promise settles, and the result is a promise. Pointers that `work` returns to JavaScript
   * are lost to the scan unless hold() was called with them.
   */
  scope<T>(work: () => PromiseLike<T>, options?: LeaksOptions): Promise<ScopeResult<T>>;
  scope<T>(work: () => T, options?: LeaksOptions): ScopeResult<T>;
  scope<T>(
    work: () => T | PromiseLike<T>,
    options: LeaksOptions = {},
  ): ScopeResult<T> | Promise<ScopeResult<T>> {
    this.#host.check('heap.scope');
    checkFunction('work', work);
    checkOptionNames('heap.scope', options, LEAKS_OPTIONS);
    const mark = this.mark();
    const { peaks } = this.#host;
    const peak = peaks.open();
    const close = (): void => peaks.close(peak);
    const finish = (result: T): ScopeResult<T> => {
      close();
      const { objects, bytes } = peak.highest;
      return {
        result,
        leaks: this.leaksSince(mark, options),
        allocated: allocatedSince(mark, this.#host.ledger.totals()),
        peak:
          bytes > mark.inUseBytes
            ? { objects: Math.max(0, objects - mark.inUseObjects), bytes: bytes - mark.inUseBytes }
            : { objects: 0, bytes: 0 },
      };
    };
    // Work that ruined the heap as well is told by its own error, not by that of the heap.
    const fail = (error: unknown): never => {
      try {
        close();
      } catch (damage) {
        if (!(damage instanceof CorruptLedgerError)) throw damage;
      }
      throw error;
    };
    let result: T | PromiseLike<T>;
    try {
      result = work();
    } catch (error) {
      return fail(error);
    }
    if (!isPromise(result)) return finish(result);
    return Promise.resolve(result).then(finish, fail);
  }

  /**
   * Runs `work` again and again and tells what each run leaves behind once the heap has settled: growth of blocks
   * that are still reachable included. With an async function the result is a promise.
   */
  growth(work: () => PromiseLike<unknown>, options?: GrowthOptions): Promise<GrowthReport>;
  growth(work: () => unknown, options?: GrowthOptions): GrowthReport;
  growth(work: () => unknown, options: GrowthOptions = {}): GrowthReport | Promise<GrowthReport> {
    this.#host.check('heap.growth');
    checkFunction('work', work);
    checkOptionNames('heap.growth', options, GROWTH_OPTIONS);
    const meter = new GrowthMeter(options);
    const { ledger } = this.#host;
    const observe = (run: number): void => {
      this.#host.check('heap.growth');
      meter.observe(run, ledger.totals(), () => ledger.snapshot());
    };
    const report = (): GrowthReport => meter.report(ledger.snapshot(), this.contextStacks());
    const last = meter.warmup + meter.runs;
    const afterRun = (run: number): void => {
      if (run > meter.warmup) observe(run - meter.warmup);
    };
    const rest = async (pending: PromiseLike<unknown>, from: number): Promise<GrowthReport> => {
      await pending;
      afterRun(from);
      for (let run = from + 1; run <= last; run++) {
        if (run === meter.warmup + 1) observe(0);
        await work();
        afterRun(run);
      }
      return report();
    };
    for (let run = 1; run <= last; run++) {
      if (run === meter.warmup + 1) observe(0);
      const result = work();
      if (isPromise(result)) return rest(result, run);
      afterRun(run);
    }
    return report();
  }

  /** Frames of a context, innermost first, host frames included. `node` is an address from a snapshot or block. */
  contextFrames(node: number): readonly Frame[] {
    this.#host.check('heap.contextFrames');
    this.#host.ledger.checkContext(node);
    return this.contextStacks().of(node).frames();
  }

  /** @internal The stacks of contexts whose paths were found whole, until the guest runs again. */
  contextStacks(): ContextStacks {
    const { ledger, symbols, hostStacks } = this.#host;
    return new ContextStacks(ledger, {
      frames(site) {
        if (site === layout.SITE_TRUNCATED) return [TRUNCATED_FRAME];
        if (site < layout.SITE_HOST_FLAG) return symbols.frames(site);
        return hostStacks.frames(site - layout.SITE_HOST_FLAG);
      },
      isStartUp: (site) =>
        site !== layout.SITE_TRUNCATED && site < layout.SITE_HOST_FLAG && symbols.isStartUp(site),
    });
  }

  /** @internal A fault with its stacks symbolised. */
  describeFault({ record, path, allocated, freed }: FaultEvent, stacks = this.contextStacks()): HeapFault {
    return withStacks(
      {
        kind: record.kind,
        address: record.address,
        block: record.block === 0 ? null : { address: record.block, size: record.blockSize },
      },
      {
        frames: this.#stackAt(path, stacks),
        allocatedAt: allocated && this.#stackAt(allocated, stacks),
        freedAt: freed && this.#stackAt(freed, stacks),
      },
    );
  }

  #faultsSince(first: number): HeapFault[] {
    const stacks = this.contextStacks();
    return this.#host.events.faults.slice(first).map((fault) => this.describeFault(fault, stacks));
  }

  #failuresSince(mark: number): FailedAllocation[] {
    const stacks = this.contextStacks();
    return this.#host.events.failures((path) => this.#stackAt(path, stacks), mark);
  }

  #stackAt(path: EventPath, stacks: ContextStacks): Stack {
    if (!('node' in path)) return stacks.ofSites(path);
    this.#host.ledger.checkContext(path.node);
    return stacks.of(path.node);
  }

  #outOfMemory(size: number): OutOfMemoryError {
    const { liveBytes, memoryBytes } = this.#host.ledger.uncheckedTotals();
    return new OutOfMemoryError(
      `The guest has no room for ${size} bytes: ${liveBytes} bytes are in use in a memory of ${memoryBytes} bytes. ` +
        'Raise maxMemory, or free something.',
    );
  }

  #outside(argument: string, address: number, length: number): InvalidArgumentError {
    return new InvalidArgumentError(
      argument,
      `${length} bytes at address ${address} reach beyond the guest's memory of ${this.#view.bytes.length} bytes.`,
    );
  }
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

function checkFunction(argument: string, value: unknown): void {
  if (typeof value === 'function') return;
  throw new InvalidArgumentError(argument, `${argument} must be a function, not ${describe(value)}.`);
}

function checkProfileOptions(options: ProfileOptions): void {
  checkOptionNames('heap.profile', options, PROFILE_OPTIONS);
  const { labels } = options;
  if (labels === undefined) return;
  if (typeof labels !== 'object' || labels === null) {
    throw new InvalidArgumentError('labels', `labels must be an object of strings, not ${describe(labels)}.`);
  }
  for (const [name, text] of Object.entries(labels)) {
    if (typeof text === 'string') continue;
    throw new InvalidArgumentError('labels', `The label '${name}' must be a string, not ${describe(text)}.`);
  }
}

function readSuppressions({ suppressions }: LeaksOptions): Suppression[] {
  if (suppressions === undefined) return [];
  if (!Array.isArray(suppressions)) {
    throw new InvalidArgumentError(
      'suppressions',
      'suppressions must be an array of patterns and predicates.',
    );
  }
  const isRead = (rule: unknown): rule is Suppression =>
    typeof rule === 'object' && rule !== null && 'matches' in rule && typeof rule.matches === 'function';
  for (const rule of suppressions as readonly unknown[]) {
    if (typeof rule !== 'string' && typeof rule !== 'function' && !isRead(rule)) {
      throw new InvalidArgumentError(
        'suppressions',
        `A suppression is a pattern, a predicate or a suppression read from a file, not ${describe(rule)}.`,
      );
    }
  }
  const rules = (suppressions as LeaksOptions['suppressions'])!;
  const inCode = suppressionsOf(rules.filter((rule): rule is SuppressionRule => !isRead(rule)));
  return [...inCode, ...rules.filter(isRead)];
}

function describe(value: unknown): string {
  return value === null
    ? 'null'
    : typeof value === 'number'
      ? String(value)
      : `a value of type ${typeof value}`;
}

function checkSize(argument: string, value: number): void {
  if (!(Number.isInteger(value) && value >= 0 && value <= MAX_SIZE)) {
    throw new InvalidArgumentError(
      argument,
      `${argument} must be a whole number of bytes from 0 to ${MAX_SIZE}, not ${describe(value)}.`,
    );
  }
}

function checkAddress(argument: string, value: number): void {
  if (!(Number.isInteger(value) && value >= 0 && value <= MAX_SIZE)) {
    throw new InvalidArgumentError(
      argument,
      `${argument} must be a pointer, a whole number from 0 to ${MAX_SIZE}, not ${describe(value)}.` +
        (typeof value === 'number' && value < 0 ? ' Make pointers that C returned unsigned with >>> 0.' : ''),
    );
  }
}

// The heap of a running guest as the user sees it: how the host uses it (allocates, writes text, reads text back) and
// what the host learns from it (statistics, profiles, leaks, faults). Pointers are unsigned 32-bit addresses in the
// guest's linear memory. The session holds the state.

import type { Pointer } from '../c-types/index.ts';
import { HeapFaultError, InvalidArgumentError, OutOfMemoryError, StateError } from '../errors.ts';
import { type Frame, faultMessage, type HeapFault } from '../frames/index.ts';
import { type ContextStacks, type HeapBlock, type HeapSnapshot, MemoryView } from '../heap/index.ts';
import { ALLOCATES } from '../host/index.ts';
import {
  GROWTH_OPTIONS,
  GrowthMeter,
  type GrowthOptions,
  type GrowthReport,
  HeapMark,
  type ScopeResult,
} from '../leaks/index.ts';
import { readOptions } from '../options/option-table.ts';
import { platform } from '../platform/index.ts';
import {
  type ContextCounters,
  ContextProfileBuilder,
  type HeapProfile,
  type ProfileInput,
} from '../profile/index.ts';
import {
  type FailedAllocation,
  firstStack,
  LeakError,
  type LeakKind,
  type LeakReport,
  pointAt,
} from '../report/index.ts';
import type { SavedMoment, Timeline } from '../timeline/index.ts';
import { checkAddress, checkFunction, checkSize } from './arguments.ts';
import {
  ALL_LEAKS_OPTIONS,
  type AllLeaksOptions,
  ASSERT_LEAKS_OPTIONS,
  type AssertLeaksOptions,
  LEAKS_OPTIONS,
  type LeaksOptions,
  PROFILE_OPTIONS,
  type ProfileOptions,
} from './heap-options.ts';
import { leaksAfter, leaksNow, markNow, mayFind } from './leak-queries.ts';
import { runForGrowth, runInScope } from './measured-work.ts';
import { bytesAt, decodeCString, encodeCString } from './memory-access.ts';
import { countersAt } from './recording.ts';
import type { Session } from './session.ts';
import { commentsAbout } from './subject.ts';

/** Sums of a heap. Bytes are those that the program asked for, unless a field says otherwise. */
export interface HeapStats {
  /** Blocks in use now. */
  readonly inUseObjects: number;
  /** Bytes in use now. */
  readonly inUseBytes: number;
  /** All allocations so far. A `realloc` that changes the size counts as a free and an allocation. */
  readonly allocObjects: number;
  /** Bytes of all allocations so far. */
  readonly allocBytes: number;
  /** Blocks that were in use when `peakBytes` was reached. */
  readonly peakObjects: number;
  /** The most bytes that were in use at one time. */
  readonly peakBytes: number;
  /** Distinct calling contexts. */
  readonly contexts: number;
  /** Allocations that found no memory. */
  readonly failedAllocations: number;
  /** Heap faults seen: bad frees and reallocs. */
  readonly faults: number;
  /** Bytes that the allocator has taken for blocks. */
  readonly heapBytes: number;
  /** Bytes of the ledger itself. */
  readonly metadataBytes: number;
  /** Size of the linear memory in bytes. */
  readonly memoryBytes: number;
}

/** Whether a heap is Heapline's own, or another allocator's whose blocks are recorded only. */
export type HeapMode = 'full' | 'record-only';

type Allocate = (...args: number[]) => number;

/** A guest's heap. */
export class Heap {
  readonly #session: Session;
  readonly #view: MemoryView;
  readonly #malloc: Allocate;
  readonly #calloc: Allocate;
  readonly #realloc: Allocate;
  readonly #free: Allocate;

  /** @internal Sandboxes make their own. */
  constructor(session: Session) {
    this.#session = session;
    this.#view = new MemoryView(session.ledger.memory);
    this.#malloc = allocatorFunction(session, 'malloc', 1, ALLOCATES);
    this.#calloc = allocatorFunction(session, 'calloc', 2, ALLOCATES);
    this.#realloc = allocatorFunction(session, 'realloc', 2, ALLOCATES);
    this.#free = allocatorFunction(session, 'free', 1, 0);
  }

  /**
   * Whose allocator the module uses: Heapline's, so that everything is judged, or its own, whose blocks are recorded only.
   */
  get mode(): HeapMode {
    return this.#session.ledger.recordsOnly ? 'record-only' : 'full';
  }

  /** Allocates `size` bytes, uninitialised. Throws OutOfMemoryError rather than return 0. */
  malloc(size: number): Pointer {
    checkSize('size', size);
    const address = this.#malloc(size) >>> 0;
    if (address === 0) throw outOfMemory(this.#session, size);
    return address as Pointer;
  }

  /** Allocates `count` times `size` bytes of zeros. Throws OutOfMemoryError rather than return 0. */
  calloc(count: number, size: number): Pointer {
    checkSize('count', count);
    checkSize('size', size);
    const address = this.#calloc(count, size) >>> 0;
    if (address === 0) throw outOfMemory(this.#session, count * size);
    return address as Pointer;
  }

  /**
   * Changes the size of a block, which may move. Address 0 makes a new block, as in C. Throws OutOfMemoryError and
   * keeps the block when there is no room. A pointer to no block is a heap fault, which is written down; then there is
   * no block to return, so realloc() throws HeapFaultError whatever `onError` says.
   */
  realloc(address: number, size: number): Pointer {
    checkAddress('address', address);
    checkSize('size', size);
    const { events, stacks } = this.#session;
    const faults = events.faultCount;
    const moved = this.#realloc(address, size) >>> 0;
    if (moved !== 0) return moved as Pointer;
    // The first fault since then: `onFault` may have caused others.
    const event = events.firstSince(faults);
    if (event === undefined) throw outOfMemory(this.#session, size);
    const fault = stacks.fault(event);
    throw new HeapFaultError(faultMessage(fault), fault);
  }

  /**
   * Frees a block; 0 is ignored, as in C. A pointer to no block is a heap fault: it is written down and the call is
   * ignored, or with `onError: 'throw'` the call throws HeapFaultError.
   */
  free(address: number): void {
    checkAddress('address', address);
    this.#free(address);
  }

  /** Allocates a copy of `text` as a C string: UTF-8, terminated by a zero byte. The caller frees it. */
  cstring(text: string): Pointer<'char'> {
    const encoded = encodeCString(text);
    const address = this.#malloc(encoded.length) >>> 0;
    if (address === 0) throw outOfMemory(this.#session, encoded.length);
    this.#view.bytes.set(encoded, address);
    return address as Pointer<'char'>;
  }

  /** The C string at this address, read as UTF-8 up to its zero byte. */
  readCString(address: number): string {
    this.#session.check('heap.readCString');
    return decodeCString(this.#view.bytes, address);
  }

  /**
   * A view of guest memory, to read and to write. It goes stale when the memory grows, which any call into the
   * guest may do: take it, use it, and take it again.
   */
  bytes(address: number, length: number): Uint8Array {
    this.#session.check('heap.bytes');
    return bytesAt(this.#view.bytes, address, length);
  }

  /** Sums of the heap; after `run()`, as they were when the program ended. */
  stats(): HeapStats {
    this.#session.check('heap.stats');
    const { program, peaks } = this.#session;
    const { liveObjects, liveBytes, ...rest } = program.atEnd?.snapshot.totals ?? peaks.totals();
    return { inUseObjects: liveObjects, inUseBytes: liveBytes, ...rest };
  }

  /** All calling contexts with their counters; after `run()`, as they were when the program ended. */
  snapshot(): HeapSnapshot {
    this.#session.check('heap.snapshot');
    const { program, peaks } = this.#session;
    return program.atEnd?.snapshot ?? peaks.snapshot();
  }

  /**
   * A profile of the heap. After `run()` it shows the moment at which `main` returned or called `exit`, before
   * the C library tore itself down; once the heap changes again, the present.
   */
  profile(options: ProfileOptions = {}): HeapProfile {
    this.#session.check('heap.profile');
    const { kind, labels } = readOptions('heap.profile', options, PROFILE_OPTIONS);
    const builder = new ContextProfileBuilder(kind);
    this.addTo(builder, labels);
    return builder.finish();
  }

  /** @internal Whether profiles would list more wrappers if the code that recognises them by what they do was loaded. */
  get missesWrappers(): boolean {
    return this.#session.subject.symbols.missesWrappers;
  }

  /** @internal Adds what the heap holds to a profile of several heaps. */
  addTo(builder: ContextProfileBuilder, labels: Readonly<Record<string, string>>): void {
    this.#session.check('heap.profile');
    this.#session.reading(() => builder.add(this.#profileInput(this.snapshot(), labels)));
  }

  #profileInput(
    snapshot: ContextCounters,
    labels: Readonly<Record<string, string>>,
  ): Omit<ProfileInput, 'kind'> {
    const { subject, hostStacks } = this.#session;
    const { name, path, module, symbols } = subject;
    return {
      snapshot,
      symbols,
      hostStacks,
      module: { name, path, codeSize: module.instrumented.statistics.originalCodeSize },
      comments: commentsAbout(subject),
      labels,
    };
  }

  /**
   * How the heap grew and shrank until now; after `run()`, until the program ended. The sandbox must have been opened
   * with `timeline: true`.
   */
  timeline(): Timeline {
    const { timeline, program, peaks } = this.#session;
    this.#session.check('heap.timeline');
    if (timeline === null) {
      throw new StateError(
        `No timeline of ${this.#session.subject.name} was recorded: open the sandbox with timeline: true.`,
      );
    }
    return timeline.read(
      program.atEnd?.snapshot.totals ?? peaks.totals(),
      (moment, takenAt) => this.#profileAt(moment, takenAt),
      () => this.profile(),
    );
  }

  #profileAt(moment: SavedMoment, takenAt: number): HeapProfile {
    const builder = new ContextProfileBuilder('heap');
    builder.add(this.#profileInput(countersAt(moment, this.snapshot(), takenAt), {}));
    return builder.finish();
  }

  /**
   * The blocks in use now, in the order of their addresses within each size class. Do not call into the guest between
   * steps: what the guest frees or moves then is not followed.
   */
  *blocks(): Generator<HeapBlock, void, undefined> {
    this.#session.check('heap.blocks');
    for (const block of this.#session.ledger.blocks()) if (!block.freed) yield block;
  }

  /** The heap faults (bad frees and reallocs) seen so far, oldest first. */
  faults(): HeapFault[] {
    this.#session.check('heap.faults');
    return this.#session.stacks.faults();
  }

  /**
   * The allocations that found no memory (malloc and its siblings returned NULL), one entry for each stack, in the order
   * in which they failed first. An alignment that C does not allow (EINVAL) is not among them.
   */
  failures(): FailedAllocation[] {
    this.#session.check('heap.failures');
    return this.#session.stacks.failures();
  }

  /**
   * Classes every block in use as definitely, indirectly or possibly lost or still reachable, grouped by the calling
   * context that allocated it, and adds the heap faults so far. May be asked at any time, again and again. After
   * `run()` it shows the moment at which `main` returned or called `exit`; once the heap changes again, the present.
   * While functions of the guest are active, the report's notes say what could not be seen. The search of a heap of
   * more than 2 MiB needs some memory in it for a while, for which the linear memory may grow.
   */
  leaks(options: AllLeaksOptions = {}): LeakReport {
    this.#session.check('heap.leaks');
    const settings = readOptions('heap.leaks', options, ALL_LEAKS_OPTIONS);
    return this.#session.reading(() => leaksNow(this.#session, settings));
  }

  /** Throws a LeakError, whose message is the report, when blocks are lost or there was a heap fault. */
  assertNoLeaks(options: AssertLeaksOptions = {}): void {
    const {
      kinds,
      root = platform().workingDirectory(),
      ...rest
    } = readOptions('heap.assertNoLeaks', options, ASSERT_LEAKS_OPTIONS);
    const report = this.leaks(rest);
    if (report.isClean(kinds)) return;
    const error = new LeakError(report, { kinds, ...(root === undefined ? {} : { root }) });
    throw pointAt(error, firstStack(report, kinds), root, report);
  }

  /**
   * Tells the scan that JavaScript holds this pointer: the block it points to, and what hangs on it, is reachable
   * until as many calls of release() have let it go.
   */
  hold(address: number): void {
    this.#session.check('heap.hold');
    checkAddress('address', address);
    this.#session.leaks.held.hold(address);
  }

  /** Takes back one hold() of this pointer. */
  release(address: number): void {
    this.#session.check('heap.release');
    checkAddress('address', address);
    this.#session.leaks.held.release(address);
  }

  /** Remembers this moment, for leaksSince(). */
  mark(): HeapMark {
    this.#session.check('heap.mark');
    return markNow(this.#session);
  }

  /** Like leaks(), of the blocks allocated since the mark and the heap faults since then. */
  leaksSince(mark: HeapMark, options: LeaksOptions = {}): LeakReport {
    this.#session.check('heap.leaksSince');
    if (!(mark instanceof HeapMark) || mark.owner !== this.#session) {
      throw new InvalidArgumentError('mark', "heap.leaksSince() takes a mark of this sandbox's heap.mark().");
    }
    if (mark.allocObjects > this.#session.ledger.uncheckedTotals().allocObjects) {
      throw new InvalidArgumentError(
        'mark',
        'The mark is newer than the snapshot that the sandbox was restored to: make one after restore().',
      );
    }
    return leaksAfter(
      this.#session,
      mark,
      readOptions('heap.leaksSince', options, LEAKS_OPTIONS).suppressions,
    );
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
    this.#session.check('heap.scope');
    checkFunction('work', work);
    return runInScope(this.#session, work, readOptions('heap.scope', options, LEAKS_OPTIONS).suppressions);
  }

  /**
   * Runs `work` again and again and tells what each run leaves behind once the heap has settled: growth of blocks
   * that are still reachable included. With an async function the result is a promise.
   */
  growth(work: () => PromiseLike<unknown>, options?: GrowthOptions): Promise<GrowthReport>;
  growth(work: () => unknown, options?: GrowthOptions): GrowthReport;
  growth(work: () => unknown, options: GrowthOptions = {}): GrowthReport | Promise<GrowthReport> {
    this.#session.check('heap.growth');
    checkFunction('work', work);
    const meter = new GrowthMeter(readOptions('heap.growth', options, GROWTH_OPTIONS));
    return runForGrowth(this.#session, work, meter);
  }

  /** Frames of a context, innermost first, host frames included. `node` is an address from a snapshot or block. */
  contextFrames(node: number): readonly Frame[] {
    this.#session.check('heap.contextFrames');
    return this.#session.stacks.frames(node);
  }

  /** @internal False when leaks() would find no heap fault and no leak of these classes. Costs no more than the scan. */
  mayLeak(kinds: readonly LeakKind[]): boolean {
    this.#session.check('heap.mayLeak');
    return mayFind(this.#session, kinds);
  }

  /** @internal The stacks of contexts whose paths were checked, until the guest runs again. */
  contextStacks(): ContextStacks {
    return this.#session.stacks.contexts();
  }
}

/** A function of the guest's allocator with its wrapper; one that throws when the module does not export it. */
function allocatorFunction({ gate, guest }: Session, name: string, arity: number, habit: number): Allocate {
  const raw = guest.exports[name];
  if (typeof raw === 'function') {
    return gate.wrap(name, raw, Array(arity).fill('i32'), habit) as unknown as Allocate;
  }
  return () => {
    throw new StateError(`The module does not export ${name}(): link it with --export=${name}.`);
  };
}

function outOfMemory({ ledger }: Session, size: number): OutOfMemoryError {
  const { liveBytes, memoryBytes } = ledger.uncheckedTotals();
  return new OutOfMemoryError(
    `The guest has no room for ${size} bytes: ${liveBytes} bytes are in use in a memory of ${memoryBytes} bytes. ` +
      'Raise maxMemory, or free something.',
  );
}

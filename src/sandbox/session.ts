// A session: one guest with all that the host keeps about it. It is made in one step as soon as there is an instance,
// before any constructor of the guest runs, and it is complete then: every part that a snapshot of a running guest
// would have to save hangs on it. Sandbox and Heap are views of a session and keep nothing that a snapshot would miss.
//
// Whoever makes the instance is free to do it in any way: it needs the runtime's imports, which the boundary has, and
// calls back with the instance. So a session can also be put around an instance that other code creates.

import { DisposedError, HeapFaultError, UnsupportedModuleError } from '../errors.ts';
import { faultMessage, type HeapFault } from '../frames/index.ts';
import { Ledger } from '../heap/index.ts';
import { type EventLoop, type Gate, type Guest, GuestStacks, type HostStacks } from '../host/index.ts';
import type { ShadowPlace } from '../instrument/index.ts';
import { LeakFinder, PeakMeter } from '../leaks/index.ts';
import { goingOn, type OnProgress, type Progress } from '../options/progress.ts';
import type { LeakReport } from '../report/index.ts';
import { type RuntimeFunctions, runtimeFunctions } from '../runtime/index.ts';
import * as layout from '../runtime/layout.ts';
import type { TimelineRecorder } from '../timeline/index.ts';
import { GuestAccessWitness } from './access-witness.ts';
import { Boundary, type BoundaryOptions } from './boundary.ts';
import { ClientRequests, countsOf } from './client-requests.ts';
import { FunctionTable } from './function-table.ts';
import { GuestViews } from './guest-views.ts';
import { HeapEvents } from './heap-events.ts';
import type { MismatchJudge } from './mismatches.ts';
import { Program } from './program.ts';
import { startTimeline } from './recording.ts';
import { StackReader } from './stack-reader.ts';
import { startMismatches } from './starting-mismatches.ts';
import { RECORD_ONLY, type Subject } from './subject.ts';

/** How a guest is watched. */
export interface SessionOptions extends BoundaryOptions {
  /** Remember where each block is freed. */
  readonly freeContexts: boolean;
  /** Bytes of freed blocks that wait before their memory is used again. */
  readonly quarantine: number;
  /** Record a timeline. loadTimelines() must have been called. */
  readonly timeline: boolean;
  readonly onError: 'record' | 'throw';
  /** Most blocks in use, and most bytes of one block; 0 for no limit. */
  readonly mostBlocks: number;
  readonly mostBytes: number;
  readonly onFault: ((fault: HeapFault) => void) | undefined;
  readonly onLeakCheck: ((report: LeakReport) => void) | undefined;
  readonly onExit: ((exitCode: number) => void) | undefined;
  readonly onProgress: OnProgress | undefined;
}

const HELD_BY_JAVASCRIPT =
  'JavaScript of its own runs this module, and may hold pointers that the scan cannot see: blocks that only JavaScript ' +
  'holds are reported as lost unless heap.hold() was called. heap.scope() and heap.growth() need no such calls.';

/**
 * Makes an instance with the imports of the boundary. Calls `instantiated` with the guest as soon as there is an
 * instance and before its constructors run, and ends when the guest is ready. `kept` has the addresses of blocks that
 * the host's side of libc keeps for itself; it may grow later.
 */
export type Instantiate = (
  boundary: Boundary,
  instantiated: (guest: Guest, kept?: ReadonlySet<number>) => void,
) => Promise<unknown>;

export class Session {
  readonly subject: Subject;
  readonly boundary: Boundary;
  readonly guest: Guest;
  readonly ledger: Ledger;
  readonly peaks: PeakMeter;
  readonly leaks: LeakFinder;
  /** The faults and the failed allocations so far. */
  readonly events = new HeapEvents();
  readonly stacks: StackReader;
  readonly requests: ClientRequests;
  readonly table: FunctionTable;
  readonly program: Program;
  /** Null when no timeline is recorded. */
  readonly timeline: TimelineRecorder | null;
  readonly #options: SessionOptions;
  readonly #witness: GuestAccessWitness;
  /** Null when blocks that are freed in another way than the one in which they were allocated are not looked for. */
  #mismatches: MismatchJudge | null = null;
  /** Called at each attempt to allocate, while the runtime counts them. */
  onAttempt: ((size: number, context: number) => void) | null = null;
  #disposed = false;

  /**
   * To be made when there is an instance, before any of its code runs that is not its start function.
   * @param boundary the one whose imports the instance was given
   */
  constructor(
    subject: Subject,
    options: SessionOptions,
    boundary: Boundary,
    guest: Guest,
    kept: ReadonlySet<number> = new Set(),
  ) {
    const { exports } = guest;
    const { gate, hostStacks } = boundary;
    const { name, symbols } = subject;
    const { instrumented, roots, signatures } = subject.module;
    this.subject = subject;
    this.boundary = boundary;
    this.guest = guest;
    this.#options = options;
    this.ledger = new Ledger(
      guest.memory as WebAssembly.Memory,
      instrumented.runtimeAddress,
      instrumented.shadowAddress,
      exports,
    );
    this.ledger.startCounting();
    this.ledger.isSite = (site) => this.#isSite(site);
    gate.stacks = new GuestStacks(this.ledger, exports.__stack_pointer);
    gate.exceptions.attach(exports, gate);
    const runtime = runtimeFunctions(exports);
    runtime.heapline_set_flags?.(flagsOf(options));
    const recordsOnly = this.ledger.recordsOnly;
    if ((options.quarantine > 0 && !recordsOnly) || instrumented.shadow !== null) {
      startChecks(runtime, options.quarantine, instrumented.shadow);
      this.#mismatches = startMismatches(subject, this.ledger, runtime);
    }
    if (instrumented.shadow !== null) {
      gate.stacks.cutOff = (pointer) => runtime.heapline_variables?.(layout.VARIABLES_HAVE_ENDED, pointer, 0);
    }
    this.timeline = options.timeline ? startTimeline(this.ledger, runtime) : null;
    if (options.mostBlocks > 0 || options.mostBytes > 0) {
      limitsOf(runtime)(options.mostBlocks, options.mostBytes);
    }
    gate.tellAttempts = (tell) => runtime.heapline_count_attempts?.(tell ? NEVER : 0, NEVER, Number(tell));
    this.#witness = new GuestAccessWitness(instrumented, guest.memory);
    this.peaks = new PeakMeter(this.ledger, exports);
    this.stacks = new StackReader(this.ledger, this.events, symbols, hostStacks, (pointer) =>
      signatures.codeOf(pointer),
    );
    const requests = new ClientRequests(exports, guest.memory);
    this.requests = requests;
    const ownNotes = options.attached ? [HELD_BY_JAVASCRIPT] : [];
    const recorded = recordsOnly ? this.ledger : null;
    this.leaks = new LeakFinder(roots, {
      ledger: this.ledger,
      exports,
      program: name,
      active: () => gate.entry !== null,
      kept,
      contextStacks: () => this.stacks.contexts(),
      allocates: (frame) => symbols.allocates(frame),
      contents: (groups) => new GuestViews(this).contents(groups),
      get notes() {
        return [...ownNotes, ...(recorded === null ? [] : notesOf(recorded.missed)), ...requests.notes];
      },
    });
    this.table = new FunctionTable(exports, signatures, gate);
    const { ledger, peaks, leaks } = this;
    this.program = new Program({ name, guest, boundary, ledger, peaks, leaks, onExit: options.onExit });
    boundary.listen({
      recorded: (record) => this.#recorded(record),
      exiting: () => this.program.ending(true),
      pointDue: () => this.timeline?.point() ?? 0,
      entered: this.timeline === null ? null : () => this.timeline?.entered(),
      trapped: () => {
        this.leaks.traps++;
      },
      emptied: (mainLivesOn) => this.#emptied(mainLivesOn),
      failure: (error, called) => this.#failure(error, called),
    });
  }

  /** Makes the boundary, the instance and the session, and runs the constructors that instantiation has not run. */
  static async open(subject: Subject, options: SessionOptions, instantiate: Instantiate): Promise<Session> {
    const boundary = new Boundary(subject, options);
    const made: Session[] = [];
    try {
      await instantiate(boundary, (guest, kept) => {
        made.push(new Session(subject, options, boundary, guest, kept));
      });
    } catch (error) {
      throw boundary.gate.failure(error, 'start', true);
    }
    const [session] = made;
    if (session === undefined) throw neverInstantiated(subject);
    session.program.started();
    return session;
  }

  get gate(): Gate {
    return this.boundary.gate;
  }

  get loop(): EventLoop {
    return this.boundary.loop;
  }

  get hostStacks(): HostStacks {
    return this.boundary.hostStacks;
  }

  /** True once dispose() was called. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /** Throws when the session was disposed of. @param name the member of the interface that was used */
  check(name: string): void {
    if (this.#disposed) throw disposedError(this.subject.name, name);
  }

  /** Runs the constructors that instantiation has not run. */
  initialize(): void {
    this.gate.enter('_initialize', () => this.guest.initialize());
    this.timeline?.ready();
  }

  /** The engine has stopped a call into the guest without any `finally` on its way. The heap can still be read. */
  abandon(): void {
    this.gate.abandon(null);
    this.loop.stop();
    this.program.abandon();
  }

  /** Frees the guest. No function of it may be running. */
  dispose(): void {
    this.#disposed = true;
    this.gate.closed = (name) => disposedError(this.subject.name, `${name}()`);
    this.loop.stop();
    this.guest.dispose();
  }

  #isSite(site: number): boolean {
    if (site === layout.SITE_TRUNCATED) return true;
    if (site >= layout.SITE_HOST_FLAG) return this.hostStacks.has(site - layout.SITE_HOST_FLAG);
    return this.subject.module.isCallSite(site);
  }

  #recorded(record: number): void {
    if (this.ledger.isAttempt(record)) {
      this.gate.late?.();
      if (this.onAttempt !== null) {
        const { size, context } = this.ledger.failureAt(record);
        this.onAttempt(size, context);
      }
      return;
    }
    const request = this.ledger.requestAt(record);
    if (request !== null) {
      if (request.kind === 'ignored') this.requests.mention(request);
      else this.#checkLeaks(record, request.quiet);
      return;
    }
    if (this.ledger.isSuspicion(record)) {
      this.#mismatches?.judge(record);
      return;
    }
    const event = this.events.take(record, this.ledger, this.#witness);
    if (event === null) return;
    const { onError, onFault } = this.#options;
    if (onError !== 'throw' && onFault === undefined) return;
    const fault = this.stacks.fault(event);
    onFault?.(fault);
    if (onError === 'throw') throw new HeapFaultError(faultMessage(fault), fault);
  }

  /** Does what needs debug information. Tells that it is read, unless that was done before, and that reading goes on. */
  reading<T>(work: () => T): T {
    const { onProgress } = this.#options;
    if (onProgress === undefined) return work();
    const { name, symbols } = this.subject;
    const progress: Progress = { step: 'read symbols', detail: name };
    if (!symbols.opened) onProgress(progress);
    return goingOn(onProgress, progress, work);
  }

  // The program asks for a leak check: it is told the counts, and the host the report.
  #checkLeaks(record: number, quiet: boolean): void {
    const { leaks, stacks } = this;
    const report = this.requests.filtered(leaks.report(leaks.capture(), stacks.faults(), stacks.failures()));
    this.ledger.answerLeakCheck(record, countsOf(report));
    if (!quiet) this.#options.onLeakCheck?.(report);
  }

  #emptied(mainLivesOn: boolean): void {
    this.ledger.resetShadowStack();
    if (!mainLivesOn) this.leaks.roots.emptyStack();
    this.boundary.gate.stacks.tellCutOff();
  }

  #failure(error: unknown, name: string): unknown {
    const failure = this.boundary.errors.read(error, name, this.gate, this.leaks.roots.stack);
    if (failure.exit !== null) this.program.exitedByCall(failure.exit.exitCode);
    if (failure.cutOff) this.leaks.traps++;
    return failure.error;
  }
}

/** No attempt to allocate has this number. */
const NEVER = 2 ** 32 - 1;

function limitsOf(runtime: Partial<RuntimeFunctions>): RuntimeFunctions['heapline_set_limits'] {
  if (runtime.heapline_set_limits !== undefined) return runtime.heapline_set_limits;
  throw new UnsupportedModuleError(
    'the module does not export heapline_set_limits, which maxBlocks and maxAllocation need: link it with the flags that ' +
      '`heapline link-flags` prints',
  );
}

/** What a report says of a module that keeps its own allocator. */
function notesOf({ unseen, lost }: Ledger['missed']): string[] {
  return [
    RECORD_ONLY,
    ...(unseen === 0
      ? []
      : [
          `The allocator has done something that was not recorded ${unseen} times: blocks were freed that nobody had seen ` +
            'allocated, or allocated where others still were. The totals may be wrong by as many blocks.',
        ]),
    ...(lost === 0 ? [] : [`For ${lost} allocations there was no memory to record them.`]),
  ];
}

/** Starts the quarantine, and gives the shadow its memory. */
function startChecks(
  runtime: Partial<RuntimeFunctions>,
  quarantine: number,
  shadow: ShadowPlace | null,
): void {
  const set = runtime.heapline_set_checks;
  if (set === undefined) {
    throw new UnsupportedModuleError(
      'the module does not export heapline_set_checks, which the quarantine needs: link it with the flags that ' +
        '`heapline link-flags` prints, or set quarantine: 0',
    );
  }
  if (set(quarantine, shadow?.base ?? 0, shadow?.bytes ?? 0) !== 0) return;
  throw new UnsupportedModuleError(
    `There is no memory for the ${shadow?.bytes} bytes that checks of accesses need at address ${shadow?.base}: the ` +
      'module has allocated in its start function, or its memory cannot grow so far. Raise the limit of its memory.',
  );
}

function flagsOf({ hostFrames, freeContexts }: SessionOptions): number {
  return (
    (hostFrames === 'off' ? 0 : layout.FLAG_HOST_FRAMES) | (freeContexts ? layout.FLAG_FREE_CONTEXTS : 0)
  );
}

function disposedError(sandbox: string, name: string): DisposedError {
  return new DisposedError(
    `${name} was used after the sandbox of ${sandbox} was disposed of. Load the module again, or dispose later.`,
  );
}

function neverInstantiated({ name }: Subject): UnsupportedModuleError {
  return new UnsupportedModuleError(
    `The JavaScript of ${name} has ended without instantiating the module: it must call instantiateWasm, as the ` +
      'JavaScript that Emscripten writes does.',
  );
}

// Makes a profile of a snapshot of the calling-context tree: one sample for each context that has values, and one
// location for each call site, symbolised once. The tree goes into the model unchanged, so the work is O(contexts).

import { STEP, type Steps } from '../algorithms/steps.ts';
import { unitDone } from '../algorithms/watched-work.ts';
import { InvalidArgumentError } from '../errors.ts';
import { type Frame, HOST, TRUNCATED, UNKNOWN } from '../frames/index.ts';
import type { HeapSnapshot } from '../heap/index.ts';
import * as layout from '../runtime/layout.ts';
import { ProfileBuilder } from './builder.ts';
import { averageSize, headerOf, WRITTEN_BY } from './header.ts';
import { HeapProfile } from './heap-profile.ts';
import { importSamples } from './import-profile.ts';
import { tablesOrNull } from './installed-presentation.ts';
import { type ProfileKind, type ProfileModel, SAMPLE_TYPES } from './model.ts';

/** The kinds of profile that come from the ledger's counters. */
export type ContextProfileKind = Exclude<ProfileKind, 'leaks' | 'other'>;

/** The columns of a heap snapshot that profiles are made of. */
export type ContextCounters = Omit<HeapSnapshot, 'node' | 'totals'>;

/** What `buildProfile` needs to know. */
export interface ProfileInput {
  readonly kind: ContextProfileKind;
  readonly snapshot: ContextCounters;
  /** Frames of a call site, innermost first. */
  readonly symbols: {
    frames(site: number): readonly Frame[];
    /** Whether the site is in the function by which the toolchain calls main. */
    isStartUp?(site: number): boolean;
    /** Whether the function at this site allocates there for its caller, by what its code does. */
    allocatesAt?(site: number): boolean;
    /** The same for the function of a frame that was inlined. */
    allocates?(frame: Frame): boolean;
  };
  /** Frames of an interned host stack, innermost first. */
  readonly hostStacks: { frames(id: number): readonly Frame[] };
  readonly module: {
    readonly name: string;
    /** Absolute path of the module or of its main source; the name when there is none. */
    readonly path: string;
    /** Size of the code section's payload in bytes. */
    readonly codeSize: number;
    readonly buildId?: string;
  };
  /** Text for people, such as the toolchain, shown by readers line by line. The version is added to it. */
  readonly comments?: readonly string[];
  /** String labels put on every sample, such as `instance`. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Builds a profile from a snapshot of the ledger. */
export function buildProfile(input: ProfileInput): HeapProfile {
  const builder = new ContextProfileBuilder(input.kind);
  builder.add(input);
  return builder.finish();
}

/** The locations of a module's call sites in one profile. */
interface ModuleLocations {
  readonly path: string;
  readonly codeSize: number;
  readonly mapping: number;
  /** Address of its code. */
  readonly start: number;
  readonly ofSite: Map<number, number>;
  readonly framesOf: (site: number) => readonly Frame[];
}

/**
 * Puts the heaps of any number of guests into one profile. Guests of one module share its mapping, locations and
 * stacks. The labels tell their samples apart.
 */
export class ContextProfileBuilder {
  readonly #kind: ContextProfileKind;
  readonly #builder: ProfileBuilder;
  /** Locations by symbols: the symbols are the same object for all guests of a module. */
  readonly #modules = new Map<ProfileInput['symbols'], ModuleLocations[]>();
  readonly #mappings = new Map<string, number>();
  readonly #comments = new Set<string>([WRITTEN_BY]);
  readonly #tables = tablesOrNull();
  readonly #wrappers = this.#tables && new this.#tables.WrapperCollector();
  #guests = 0;
  #takenAt = 0;

  constructor(kind: ContextProfileKind) {
    if (!Object.hasOwn(SAMPLE_TYPES, kind) || (kind as ProfileKind) === 'leaks') {
      throw new InvalidArgumentError(
        'kind',
        `There is no profile of kind '${String(kind)}': use heap, allocs, peak, temporary or lifetime.`,
      );
    }
    this.#kind = kind;
    this.#builder = new ProfileBuilder(headerOf(kind));
  }

  /** Adds what one guest holds. Afterwards the builder does not need the snapshot any more. */
  add({
    snapshot,
    symbols,
    hostStacks,
    module,
    comments = [],
    labels = {},
  }: Omit<ProfileInput, 'kind'>): void {
    const builder = this.#builder;
    const columns = columnsOf(this.#kind, snapshot);
    const [objects, bytes] = sizeColumns(this.#kind, snapshot);
    const { count, parent, site } = snapshot;
    const { shown, rootShown } = shownContexts(snapshot, columns);
    const { mapping, start, ofSite, framesOf } = this.#locationsOf(module, symbols);
    const innermost =
      this.#wrappers && new this.#tables!.InnermostFrames(this.#wrappers, framesOf, symbols, hostStacks);
    const shared = builder.labels(Object.entries(labels).map(([key, text]) => ({ key, text })));

    const locationOf = (callSite: number): number => {
      let location = ofSite.get(callSite);
      if (location === undefined) {
        location =
          callSite === layout.SITE_TRUNCATED
            ? builder.pseudoLocation(mapping, TRUNCATED)
            : builder.frameLocation(mapping, start + callSite, framesOf(callSite));
        ofSite.set(callSite, location);
      }
      return location;
    };
    // The contexts of one guest are distinct, so the stacks of the first guest need no look-up.
    const first = this.#guests++ === 0;
    const within = (caller: number, location: number): number =>
      first ? builder.newStack(caller, location) : builder.stack(caller, location);

    const stackOf = new Int32Array(count);
    for (let i = rootShown ? 0 : 1; i < count; i++) {
      if (i % STEP === 0) unitDone(i, count);
      if (i > 0) {
        if (shown[i] === 0) continue;
        const callSite = site[i]!;
        let stack = stackOf[parent[i]!]!;
        // The function that calls main is not part of the program. It is shown only for its own allocations, which
        // have no other frame.
        if (shown[i] === 1 && callSite < layout.SITE_HOST_FLAG && symbols.isStartUp?.(callSite)) {
          stackOf[i] = stack;
          continue;
        }
        if (callSite < layout.SITE_HOST_FLAG || callSite === layout.SITE_TRUNCATED) {
          stack = within(stack, locationOf(callSite));
        } else {
          // A host stack that was not captured, or that has only Heapline's frames, adds nothing to the C frames.
          const id = callSite - layout.SITE_HOST_FLAG;
          const frames = id === 0 ? [] : hostStacks.frames(id);
          for (let k = frames.length - 1; k >= 0; k--) {
            stack = within(stack, builder.hostLocation(frames[k]!));
          }
        }
        stackOf[i] = stack;
        if (shown[i] === 1) continue;
        innermost?.addStack(snapshot, i);
      }
      const size = averageSize(objects[i]!, bytes[i]!);
      let stack = stackOf[i]!;
      if (stack === 0) {
        // There is no frame to show: the host itself allocated, or the call was not instrumented.
        stack = within(
          0,
          i === 0
            ? builder.pseudoLocation(mapping, UNKNOWN)
            : builder.pseudoLocation(builder.hostMapping(), HOST),
        );
      }
      builder.sampleAt(stack, columns, i, size > 0 ? builder.sizedLabels(shared, size) : shared);
    }
    for (const comment of comments) this.#comments.add(comment);
    this.#takenAt = Math.max(this.#takenAt, snapshot.takenAt);
  }

  /** Adds a profile of the same kind, such as that of V8's heap, with its own labels. */
  *import(model: ProfileModel): Steps<void> {
    yield* importSamples(this.#builder, model);
    const comments = this.#wrappers?.addProfile(model) ?? model.comments;
    for (const comment of comments) this.#comments.add(comment);
    this.#takenAt = Math.max(this.#takenAt, Number(model.timeNanos) / 1e6);
  }

  /** Adds a line of text for people. */
  comment(text: string): void {
    this.#comments.add(text);
  }

  finish(): HeapProfile {
    return new HeapProfile({
      ...this.#builder.finish(),
      timeNanos: BigInt(Math.round(this.#takenAt * 1000)) * 1000n,
      comments: [...this.#comments, ...(this.#wrappers?.comments() ?? [])],
    });
  }

  #locationsOf(
    { name, path, codeSize, buildId = '' }: ProfileInput['module'],
    symbols: ProfileInput['symbols'],
  ): ModuleLocations {
    const file = path || name;
    let modules = this.#modules.get(symbols);
    if (modules === undefined) {
      modules = [];
      this.#modules.set(symbols, modules);
    }
    let module = modules.find((known) => known.path === file && known.codeSize === codeSize);
    if (module === undefined) {
      const key = `${file}\0${codeSize}\0${buildId}`;
      let mapping = this.#mappings.get(key);
      if (mapping === undefined) {
        mapping = this.#builder.moduleMapping(file, codeSize, buildId);
        this.#mappings.set(key, mapping);
      }
      module = {
        path: file,
        codeSize,
        mapping,
        start: this.#builder.moduleStart(mapping),
        ofSite: new Map(),
        framesOf: remembered((site) => symbols.frames(site)),
      };
      modules.push(module);
    }
    return module;
  }
}

function remembered<T>(make: (site: number) => T): (site: number) => T {
  const known = new Map<number, T>();
  return (site) => {
    let found = known.get(site);
    if (found === undefined) {
      found = make(site);
      known.set(site, found);
    }
    return found;
  };
}

/**
 * Which contexts are shown: 2 for a context that has values, 1 for a caller of such contexts, 0 for the rest. The
 * root has what was allocated outside of every instrumented call.
 */
function shownContexts(
  { count, parent }: ContextCounters,
  columns: readonly Float64Array[],
): { shown: Uint8Array; rootShown: boolean } {
  const shown = new Uint8Array(count);
  for (let i = count - 1; i > 0; i--) {
    if (columns.some((column) => column[i] !== 0)) shown[i] = 2;
    if (shown[i] !== 0 && shown[parent[i]!] === 0) shown[parent[i]!] = 1;
  }
  return { shown, rootShown: count > 0 && columns.some((column) => column[0] !== 0) };
}

function columnsOf(kind: ContextProfileKind, snapshot: ContextCounters): readonly Float64Array[] {
  switch (kind) {
    case 'heap':
    case 'allocs':
      return [snapshot.allocObjects, snapshot.allocBytes, snapshot.liveObjects, snapshot.liveBytes];
    case 'peak':
      return [snapshot.peakObjects, snapshot.peakBytes];
    case 'temporary':
      return [snapshot.temporaryObjects, snapshot.temporaryBytes];
    case 'lifetime':
      return [snapshot.allocObjects, snapshot.lifetime];
  }
}

/** The columns from which the `bytes` label is computed. */
function sizeColumns(
  kind: ContextProfileKind,
  snapshot: ContextCounters,
): readonly [Float64Array, Float64Array] {
  switch (kind) {
    case 'peak':
      return [snapshot.peakObjects, snapshot.peakBytes];
    case 'temporary':
      return [snapshot.temporaryObjects, snapshot.temporaryBytes];
    default:
      return [snapshot.allocObjects, snapshot.allocBytes];
  }
}

// From a snapshot of the calling-context tree to a profile: one sample per context that has anything to show, one
// location per call site, symbolised once. The tree goes into the model as it is, so the work is O(contexts).

import { type Frame, InvalidArgumentError } from '../errors.ts';
import { type HeapSnapshot, layout } from '../heap/index.ts';
import { ProfileBuilder } from './builder.ts';
import { HeapProfile } from './heap-profile.ts';
import {
  DEFAULT_SAMPLE_TYPE,
  HOST,
  type ProfileKind,
  type ProfileModel,
  SAMPLE_TYPES,
  type SampleLabel,
  TRUNCATED,
  UNKNOWN,
} from './model.ts';
import { VERSION } from './version.ts';

/** The kinds of profile that come from the ledger's counters. */
export type ContextProfileKind = Exclude<ProfileKind, 'leaks' | 'other'>;

/** The columns of a heap snapshot that profiles are made of. */
export type ContextCounters = Omit<HeapSnapshot, 'node' | 'totals'>;

/** What `buildProfile` needs to know. */
export interface ProfileInput {
  readonly kind: ContextProfileKind;
  readonly snapshot: ContextCounters;
  /** Frames of a call site, innermost first. */
  readonly symbols: { frames(site: number): readonly Frame[] };
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
  /** Free text for people, such as the toolchain; the version comes by itself. Readers show each on a line. */
  readonly comments?: readonly string[];
  /** String labels put on every sample, such as `instance`. */
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * Frames of the allocation family, which readers remove so that the caller is the leaf. Heapline's stacks end at
 * the caller anyway; C++ operators and libc's own wrappers do appear.
 */
export const DROP_FRAMES =
  'malloc|calloc|realloc|reallocarray|free|aligned_alloc|memalign|posix_memalign|__libc_malloc|__libc_calloc|' +
  '__libc_realloc|__libc_free|emscripten_builtin_malloc|emscripten_builtin_memalign|emscripten_builtin_free|' +
  'operator new|operator new\\[\\]|operator delete|operator delete\\[\\]|_Znwm|_Znam|_Znwj|_Znaj|_ZdlPv|_ZdaPv';

/** Builds a profile from a snapshot of the ledger. */
export function buildProfile(input: ProfileInput): HeapProfile {
  const { kind, snapshot } = input;
  if (!Object.hasOwn(SAMPLE_TYPES, kind) || (kind as ProfileKind) === 'leaks') {
    throw new InvalidArgumentError(
      'kind',
      `There is no profile of kind '${String(kind)}': use heap, allocs, peak, temporary or lifetime.`,
    );
  }
  const columns = columnsOf(kind, snapshot);
  const [objects, bytes] = sizeColumns(kind, snapshot);
  const { count, parent, site } = snapshot;

  // Contexts with nothing to show are left out, and so are sites that only such contexts have.
  const shown = new Uint8Array(count);
  let rows = 0;
  for (let i = count - 1; i > 0; i--) {
    if (columns.some((column) => column[i] !== 0)) {
      shown[i] = 2;
      rows++;
    }
    if (shown[i] !== 0 && shown[parent[i]!] === 0) shown[parent[i]!] = 1;
  }
  // The root holds what was allocated outside of every instrumented call.
  const rootShown = count > 0 && columns.some((column) => column[0] !== 0);
  if (rootShown) rows++;

  const builder = new ProfileBuilder({
    kind,
    sampleTypes: SAMPLE_TYPES[kind],
    defaultSampleType: DEFAULT_SAMPLE_TYPE[kind],
    timeNanos: BigInt(Math.round(snapshot.takenAt * 1000)) * 1000n,
    periodType: { type: 'space', unit: 'bytes' },
    period: 1,
    dropFrames: DROP_FRAMES,
    comments: [`heapline ${VERSION}`, ...(input.comments ?? [])],
  });
  const { module } = input;
  const mapping = builder.moduleMapping(module.path || module.name, module.codeSize, module.buildId ?? '');
  const start = builder.moduleStart(mapping);

  const shared: SampleLabel[] = Object.entries(input.labels ?? {}).map(([key, text]) => ({ key, text }));
  const sharedSet = builder.labels(shared);
  const labelSetOfSize = new Map<number, number>();
  const locationsOfSite = new Map<number, readonly number[]>();

  const locationsOf = (callSite: number): readonly number[] => {
    let locations = locationsOfSite.get(callSite);
    if (locations === undefined) {
      if (callSite === layout.SITE_TRUNCATED) locations = [builder.pseudoLocation(mapping, TRUNCATED)];
      else if (callSite < layout.SITE_HOST_FLAG) {
        locations = [builder.frameLocation(mapping, start + callSite, input.symbols.frames(callSite))];
      } else {
        // A host stack that was not captured, or is all Heapline's own, adds nothing to the C frames below it.
        const id = callSite - layout.SITE_HOST_FLAG;
        const frames = id === 0 ? [] : input.hostStacks.frames(id);
        locations = frames.map((frame) => builder.hostLocation(frame));
      }
      locationsOfSite.set(callSite, locations);
    }
    return locations;
  };

  // The tree is copied, not interned: contexts are distinct already.
  let stackParent = new Int32Array(count + 2);
  let stackLocation = new Int32Array(count + 2);
  stackLocation[0] = -1;
  let stacks = 1;
  const stackOf = new Int32Array(count);
  const sampleStack = new Int32Array(rows);
  const sampleLabelSet = new Int32Array(rows);
  const width = columns.length;
  const values = new Float64Array(rows * width);
  let row = 0;
  for (let i = rootShown ? 0 : 1; i < count; i++) {
    if (i > 0) {
      if (shown[i] === 0) continue;
      const locations = locationsOf(site[i]!);
      if (stacks + locations.length >= stackParent.length) {
        stackParent = grown(stackParent, stacks + locations.length + 1);
        stackLocation = grown(stackLocation, stacks + locations.length + 1);
      }
      let stack = stackOf[parent[i]!]!;
      for (let k = locations.length - 1; k >= 0; k--) {
        stackParent[stacks] = stack;
        stackLocation[stacks] = locations[k]!;
        stack = stacks++;
      }
      stackOf[i] = stack;
      if (shown[i] === 1) continue;
    }
    // As Go does: the average size of the context's blocks, rounded down; none when it is 0.
    const size = objects[i]! > 0 ? Math.floor(bytes[i]! / objects[i]!) : 0;
    let labelSet = sharedSet;
    if (size > 0) {
      labelSet = labelSetOfSize.get(size) ?? -1;
      if (labelSet < 0) {
        labelSet = builder.labels([...shared, { key: 'bytes', number: size, unit: '' }]);
        labelSetOfSize.set(size, labelSet);
      }
    }
    const stack = stackOf[i]!;
    if (stack !== 0) {
      sampleStack[row] = stack;
    } else {
      // Allocated with no frame to show: by the host itself, or outside of every instrumented call.
      stackLocation[stacks] =
        i === 0
          ? builder.pseudoLocation(mapping, UNKNOWN)
          : builder.pseudoLocation(builder.hostMapping(), HOST);
      sampleStack[row] = stacks++;
    }
    sampleLabelSet[row] = labelSet;
    for (let c = 0; c < width; c++) values[row * width + c] = columns[c]![i]!;
    row++;
  }

  const tables = builder.finish();
  const model: ProfileModel = {
    ...tables,
    stacks: { count: stacks, parent: stackParent, location: stackLocation },
    samples: {
      count: rows,
      stack: sampleStack,
      values,
      labelSet: sampleLabelSet,
      labelSets: tables.samples.labelSets,
    },
  };
  return new HeapProfile(model);
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

/** The columns that the `bytes` label is computed from. */
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

function grown(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(length, array.length * 2));
  larger.set(array);
  return larger;
}

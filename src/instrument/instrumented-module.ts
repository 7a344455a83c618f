// An instrumented module, and its custom section `heapline`. The section makes it possible to write the
// module to a file and to load and symbolise it later without the original. It holds the addresses of the
// runtime, the place of the original code, the ranges of its bodies, and the offset map.

import {
  type Body,
  ByteReader,
  ByteWriter,
  readModule,
  SectionId,
  type WasmModule,
} from '../binary/index.ts';
import { MissingRuntimeError } from '../errors.ts';
import { type CodeRuns, readRuns, writeRuns } from '../rewrite/code-runs.ts';
import { OffsetMap } from '../rewrite/offset-map.ts';

/** Name of the custom section of instrumented modules. */
export const SECTION_NAME = 'heapline';
const SECTION_VERSION = 3;

/** Export of the table by which a runtime that was grafted in calls the host. */
export const HOOKS_TABLE = 'heapline_hooks';

/** Export of a module that keeps its own allocator: the index of the first function that was added to record it. */
export const RECORDER = 'heapline_recorder';

/** Beginning of the names of exports that grafting adds: functions that allocate or free, beside malloc and its relatives. */
export const ALLOCATOR_FUNCTION = 'heapline_allocator_';

/** What instrumenting did to a module. */
export interface InstrumentStatistics {
  /** Functions with a body. */
  readonly functions: number;
  /** Functions that keep slots. */
  readonly instrumentedFunctions: number;
  /** Calls of any kind. */
  readonly calls: number;
  /** Calls before which a slot is written. */
  readonly recordedCalls: number;
  /** Functions appended to record entries from the host. */
  readonly thunks: number;
  /** Size of the original code section's payload in bytes. */
  readonly originalCodeSize: number;
  /** The same after instrumenting. */
  readonly instrumentedCodeSize: number;
}

/** Where the shadow of memory is that access checks look at, in bytes. */
export interface ShadowPlace {
  readonly base: number;
  readonly bytes: number;
}

/** A module with slots. */
export class InstrumentedModule {
  #bodies: readonly Body[] | null = null;

  /** @internal */
  constructor(
    /** The module's own bytes, to write to a file or to compile. */
    readonly bytes: Uint8Array,
    /** @internal Where each instruction of the original stands now. */
    readonly offsets: OffsetMap,
    /** Address of `heapline_runtime` in linear memory. */
    readonly runtimeAddress: number,
    /** Address of `heapline_shadow` in linear memory. */
    readonly shadowAddress: number,
    /** File offset of the code section's payload in the original module, from which source maps count. */
    readonly originalCodeStart: number,
    /** What instrumenting did. */
    readonly statistics: InstrumentStatistics,
    /** @internal For each original body, the bytes between it and the one before, and its length. */
    readonly bodyExtents: Uint32Array,
    /** What was done to the module before, in sentences: the runtime was grafted in. */
    readonly notes: readonly string[] = [],
    /** @internal The shadow that the checks of accesses look at; null when accesses are not checked. */
    readonly shadow: ShadowPlace | null = null,
  ) {}

  /** @internal Ranges of the original function bodies, relative to the payload of the original code section. */
  get bodies(): readonly Body[] {
    if (this.#bodies === null) {
      const bodies: Body[] = [];
      let at = 0;
      for (let index = 0; index < this.bodyExtents.length; index += 2) {
        const start = at + this.bodyExtents[index]!;
        at = start + this.bodyExtents[index + 1]!;
        bodies.push({ start, end: at });
      }
      this.#bodies = bodies;
    }
    return this.#bodies;
  }
}

/** For each body, the number of bytes between it and the previous one, and its length. Offsets count from `codeStart`. */
export function bodyExtents(module: WasmModule, codeStart: number): Uint32Array {
  const extents = new Uint32Array(module.bodies.length * 2);
  let at = codeStart;
  module.bodies.forEach(({ start, end }, index) => {
    extents[2 * index] = start - at;
    extents[2 * index + 1] = end - start;
    at = end;
  });
  return extents;
}

/** Content of the custom section. */
export function sectionContent(
  runtimeAddress: number,
  shadowAddress: number,
  shadow: ShadowPlace | null,
  originalCodeStart: number,
  statistics: InstrumentStatistics,
  extents: Uint32Array,
  runs: CodeRuns,
): Uint8Array {
  const content = new ByteWriter(64 + extents.length * 2 + runs.count * 3);
  content.byte(SECTION_VERSION);
  content.unsigned(runtimeAddress);
  content.unsigned(shadowAddress);
  content.unsigned(shadow?.base ?? 0);
  content.unsigned(shadow?.bytes ?? 0);
  content.unsigned(originalCodeStart);
  for (const key of statisticsKeys) content.unsigned(statistics[key]);
  content.unsigned(extents.length / 2);
  for (const extent of extents) content.unsigned(extent);
  writeRuns(content, runs);
  return content.take();
}

const statisticsKeys = [
  'functions',
  'instrumentedFunctions',
  'calls',
  'recordedCalls',
  'thunks',
  'originalCodeSize',
  'instrumentedCodeSize',
] as const satisfies readonly (keyof InstrumentStatistics)[];

function readStatistics(reader: ByteReader): InstrumentStatistics {
  const statistics = {} as Record<(typeof statisticsKeys)[number], number>;
  for (const key of statisticsKeys) statistics[key] = reader.u32();
  return statistics;
}

/**
 * Opens an instrumented module; returns null if the module is not instrumented.
 * @param notes what was done to the module, in sentences, which its bytes do not say
 */
export function openInstrumented(
  bytes: Uint8Array,
  notes: readonly string[] = [],
): InstrumentedModule | null {
  const module = readModule(bytes);
  const section = module.sections.find((each) => each.id === SectionId.Custom && each.name === SECTION_NAME);
  if (section === undefined) return null;
  const reader = new ByteReader(bytes, section.content, section.end);
  const version = reader.byte();
  if (version !== SECTION_VERSION) {
    throw new MissingRuntimeError(
      `the module was instrumented by another version of Heapline (section version ${version}, expected ${SECTION_VERSION}): instrument the original module again`,
    );
  }
  const runtimeAddress = reader.u32();
  const shadowAddress = reader.u32();
  const shadow = { base: reader.u32(), bytes: reader.u32() };
  const originalCodeStart = reader.u32();
  const statistics = readStatistics(reader);
  const extents = new Uint32Array(reader.count(2) * 2);
  for (let index = 0; index < extents.length; index += 1) extents[index] = reader.u32();
  const runs = readRuns(reader);
  const offsets = new OffsetMap(module.codeStart, runs);
  return new InstrumentedModule(
    bytes,
    offsets,
    runtimeAddress,
    shadowAddress,
    originalCodeStart,
    statistics,
    extents,
    notes,
    shadow.bytes === 0 ? null : shadow,
  );
}

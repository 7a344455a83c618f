// From a linked module to one that knows its call stacks: reads, finds the calls that can lead to an
// allocation, lets the passes make their edits, and writes the module. Function indices, names, debug
// information and all other custom sections stay as they are.

import { ExternalKind, readModule, type WasmModule } from '../binary/index.ts';
import { UnsupportedModuleError } from '../errors.ts';
import { debug, debugs } from '../platform/debug.ts';
import { type CodeRuns, OffsetMap, Rewriter, type RewrittenCode } from '../rewrite/index.ts';
import { analyseCalls, type CallGraph } from './call-graph.ts';
import { exportGlobals } from './export-globals.ts';
import { findRuntime } from './find-runtime.ts';
import {
  bodyExtents,
  InstrumentedModule,
  type InstrumentStatistics,
  SECTION_NAME,
  type ShadowPlace,
  sectionContent,
} from './instrumented-module.ts';
import { limitMemory } from './memory-limit.ts';
import { type CallSites, SiteFlag, scanCalls } from './scan.ts';
import { isThunk, type SlotAddresses, slotAddresses } from './slot-code.ts';
import { addSlots } from './slots.ts';
import { addThunks } from './thunks.ts';

/** Where the code was before a tool of Heapline's changed the module: debug information speaks of that place. */
export interface CodeOrigin {
  /** By how many bytes each instruction lies further back in the code section's payload now. */
  readonly moved: number;
  /** File offset that the code section's payload had. */
  readonly codeStart: number;
  /** What the tool did, in sentences. */
  readonly notes: readonly string[];
}

/** Limits that instrumenting sets. */
export interface InstrumentOptions {
  /**
   * Most bytes that the module's own memory may grow to; rounded down to pages of 64 KiB. An imported memory is
   * left to whoever supplies it.
   */
  readonly maxMemory?: number;
}

/** The calls of a module, and which of them can lead to an allocation or a free. */
export interface ScannedCalls {
  readonly sites: CallSites;
  readonly graph: CallGraph;
  /** Whether a call names its function. */
  isDirect(site: number): boolean;
}

/** A pass that adds edits of its own. It analyses `rewriter.module`, the original. */
export type Pass = (rewriter: Rewriter, calls: ScannedCalls) => void;

function refuseUnsupported(module: WasmModule): void {
  const custom = (name: string): boolean => module.customSection(name) !== undefined;
  if (custom(SECTION_NAME)) {
    throw new UnsupportedModuleError(
      'the module is instrumented already: load it as it is, or instrument the original',
    );
  }
  if (custom('dylink') || custom('dylink.0')) {
    throw new UnsupportedModuleError(
      'the module is position-independent (it has a dylink section): side modules and main modules of dynamic linking cannot be instrumented; link statically',
    );
  }
  for (const [index, memory] of module.memories.entries()) {
    if (memory.shared) {
      throw new UnsupportedModuleError(
        `memory ${index} is shared: one shadow stack cannot follow several threads; build without -pthread`,
      );
    }
  }
  if (module.memories[0]?.is64) {
    throw new UnsupportedModuleError('the memory has 64-bit addresses (memory64): build for wasm32');
  }
}

/** A module without the section of instrumented modules may still be one: a tool may have stripped the section. */
function refuseStripped(module: WasmModule, addresses: SlotAddresses): void {
  const { index: malloc } = module.export('malloc', ExternalKind.Function)!;
  const { start, end } = module.bodies[malloc - module.importedFunctions]!;
  const parameters = module.functionType(malloc).parameters.length;
  if (!isThunk(module.bytes.subarray(start, end), parameters, addresses)) return;
  throw new UnsupportedModuleError(
    `the module was instrumented, and its section "${SECTION_NAME}" is gone: strip it before it is instrumented, or keep the section (llvm-strip --keep-section=${SECTION_NAME})`,
  );
}

/**
 * Instruments a linked module. Throws an InvalidModuleError for malformed bytes, a MissingRuntimeError if the runtime
 * is not in the module, and an UnsupportedModuleError, with the reason, for what the passes cannot do.
 */
export function instrument(bytes: Uint8Array, options?: InstrumentOptions): InstrumentedModule;
/**
 * @internal The same with `passes`, which run before the slots in the same walk: a slot stands right before its call,
 * behind what they insert there. `origin` says where the code was in the module that debug information belongs to.
 * With `shadow` accesses are checked, and every entry from the host gets a slot, because each may be where one is wrong.
 */
export function instrument(
  bytes: Uint8Array,
  options: InstrumentOptions,
  passes: readonly Pass[],
  origin?: CodeOrigin | null,
  shadow?: ShadowPlace | null,
): InstrumentedModule;
export function instrument(
  bytes: Uint8Array,
  options: InstrumentOptions = {},
  passes: readonly Pass[] = [],
  origin: CodeOrigin | null = null,
  shadow: ShadowPlace | null = null,
): InstrumentedModule {
  const module = readModule(bytes);
  refuseUnsupported(module);
  const { runtimeAddress, shadowAddress } = findRuntime(module);
  const addresses = slotAddresses(runtimeAddress, shadowAddress);
  refuseStripped(module, addresses);

  const moved = origin?.moved ?? 0;
  const originalCodeStart = origin?.codeStart ?? module.codeStart;
  const rewriter = new Rewriter(module);
  if (options.maxMemory !== undefined) limitMemory(rewriter, options.maxMemory);
  exportGlobals(rewriter);
  const sites = scanCalls(module);
  const graph = analyseCalls(module, sites);
  const isDirect = (site: number): boolean =>
    (sites.flags[site]! & (SiteFlag.Indirect | SiteFlag.Reference)) === 0;
  for (const pass of passes) pass(rewriter, { sites, graph, isDirect });
  const counts = addSlots(rewriter, sites, graph, addresses, module.codeStart + moved);
  const thunks = addThunks(rewriter, sites, graph, addresses, shadow !== null);

  const extents = bodyExtents(module, module.codeStart + moved);
  const statisticsOf = (code: RewrittenCode): InstrumentStatistics => ({
    functions: module.bodies.length,
    calls: sites.count,
    ...counts,
    thunks,
    originalCodeSize: module.codeEnd - module.codeStart - moved,
    instrumentedCodeSize: code.size,
  });
  const written = rewriter.write((code) => [
    {
      name: SECTION_NAME,
      content: sectionContent(
        runtimeAddress,
        shadowAddress,
        shadow,
        originalCodeStart,
        statisticsOf(code),
        extents,
        movedBack(code.offsets.runs, moved),
      ),
    },
  ]);
  if (debugs('instrument')) describe(module, graph, statisticsOf(written));
  return new InstrumentedModule(
    written.bytes,
    new OffsetMap(written.offsets.codeStart, movedBack(written.offsets.runs, moved)),
    runtimeAddress,
    shadowAddress,
    originalCodeStart,
    statisticsOf(written),
    extents,
    origin?.notes,
    shadow,
  );
}

/** Runs whose original is where it was `moved` bytes before. */
function movedBack(runs: CodeRuns, moved: number): CodeRuns {
  return moved === 0 ? runs : { ...runs, original: runs.original.map((offset) => offset - moved) };
}

/** Prints what was instrumented, for HEAPLINE_DEBUG=instrument. */
function describe(module: WasmModule, graph: CallGraph, counts: InstrumentStatistics): void {
  const names = module.functionNames();
  const chosen = module.bodies
    .map((_, body) => body + module.importedFunctions)
    .filter((index) => graph.instrumented[index]);
  debug(
    'instrument',
    `${counts.instrumentedFunctions} of ${counts.functions} functions keep slots, for ${counts.recordedCalls} of ` +
      `${counts.calls} calls; ${counts.thunks} thunks; ${counts.originalCodeSize} bytes of code became ` +
      `${counts.instrumentedCodeSize}: ${chosen.map((index) => names.get(index) ?? index).join(' ')}`,
  );
}

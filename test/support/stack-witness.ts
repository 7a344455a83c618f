// The outside witness compares V8's own stack at the moment of an allocation with the context that the runtime
// recorded. The runtime calls the host after every allocation. The host captures the engine's stack, translates it to
// offsets in the original module, and compares it frame by frame, together with the places where the host stands
// between frames.

import { readModule } from '../../src/binary/index.ts';
import type { WasmExports } from '../../src/binary/wasm-types.ts';
import { compile } from '../../src/compile/index.ts';
import { Ledger, layout } from '../../src/heap/index.ts';
import { ENTRY_MODULE } from '../../src/host/index.ts';
import type { InstrumentedModule } from '../../src/instrument/index.ts';
import type { RuntimeImports, RuntimeTestImports } from '../../src/runtime/index.ts';
import { linkingWith } from './runtime-objects.ts';

/** Compiles with the runtime that calls out after every allocation. */
export const compileTraced: typeof compile = (...args) => linkingWith('hooks', () => compile(...args));

/** Stands for JavaScript between two frames of the guest. */
const HOST = 'JavaScript';
/** Emscripten's functions by which the guest calls itself. They are JavaScript, but not the host. */
const INVOKE = /\binvoke_[a-z]+ \(/;

/** Compares every allocation of one guest. */
export class Witness {
  /** Number of allocations that have been compared. */
  allocations = 0;
  /** Number of C frames in the deepest stack. */
  deepest = 0;
  /** Number of allocations below more than one entry from JavaScript. */
  nested = 0;
  /** The allocations whose two stacks differ, as text. */
  readonly differences: string[] = [];
  readonly runtime: RuntimeImports & RuntimeTestImports;
  ledger: Ledger | null = null;
  readonly #runtimeFunctions: ReadonlySet<number>;
  /** What the lines of V8's stacks mean, and the recorded stack of each node as text. Most of them come again. */
  readonly #places = new Map<string, Place>();
  readonly #recorded = new Map<number, string>();

  /** @param hostStack the import by which the runtime asks for the host's stack */
  constructor(
    private readonly instrumented: InstrumentedModule,
    original: Uint8Array,
    hostStack: (inner: number) => number = () => 0,
  ) {
    this.#runtimeFunctions = functionsOfTheRuntime(original);
    this.runtime = {
      host_stack: hostStack,
      fault: (record: number) => void this.differences.push(`heap fault at ${record}`),
      point: () => 0,
      exiting() {},
      trace: (_address: number, _size: number, node: number) => this.#compare(node >>> 0),
    };
  }

  /** Takes the exports of the instance. Must be called before the instance runs. */
  instantiated(exports: WasmExports): Ledger {
    const { runtimeAddress, shadowAddress } = this.instrumented;
    this.ledger = new Ledger(exports.memory as WebAssembly.Memory, runtimeAddress, shadowAddress);
    (exports.heapline_set_flags as (flags: number) => void)(layout.FLAG_TRACE);
    return this.ledger;
  }

  #compare(node: number): void {
    const seen = this.#seen();
    const entries = seen.reduce((sum: number, site) => (site === HOST ? sum + 1 : sum), 0);
    this.allocations++;
    this.deepest = Math.max(this.deepest, seen.length - entries);
    if (entries > 1) this.nested++;
    const text = seen.join(' ');
    const recorded = this.#recordedStack(node);
    if (text !== recorded) this.differences.push(`V8 [${text}] recorded [${recorded}]`);
  }

  // The stack of a node never changes.
  #recordedStack(node: number): string {
    let text = this.#recorded.get(node);
    if (text === undefined) {
      const sites = [...this.ledger!.sites(node)];
      text = sites.map((site) => (site < layout.SITE_HOST_FLAG ? site : HOST)).join(' ');
      this.#recorded.set(node, text);
    }
    return text;
  }

  // The innermost frame comes first. The innermost functions are the runtime's own, and no other function has their
  // indices.
  #seen(): (number | typeof HOST)[] {
    const seen: (number | typeof HOST)[] = [];
    let inRuntime = true;
    let hostFrames = 0;
    let invoked = false;
    for (const line of engineStack()) {
      const place = this.#placeOf(line);
      if (place.functionIndex === null) {
        hostFrames++;
        invoked ||= place.invokes;
        continue;
      }
      if (!inRuntime && hostFrames > 0 && !invoked) seen.push(HOST);
      hostFrames = 0;
      invoked = false;
      if (inRuntime && this.#runtimeFunctions.has(place.functionIndex)) continue;
      inRuntime = false;
      if (place.site !== null) seen.push(place.site);
    }
    seen.push(HOST);
    return seen;
  }

  #placeOf(line: string): Place {
    let place = this.#places.get(line);
    if (place === undefined) {
      place = this.#read(line);
      this.#places.set(line, place);
    }
    return place;
  }

  #read(line: string): Place {
    // A function that stands for one of the guest calls JavaScript and is called by it.
    const match = !line.includes(ENTRY_MODULE) && /wasm-function\[(\d+)\]:0x([0-9a-f]+)/.exec(line);
    if (!match) return { functionIndex: null, invokes: INVOKE.test(line) };
    const site = this.instrumented.offsets.toOriginal(Number.parseInt(match[2]!, 16));
    return { functionIndex: Number(match[1]), site };
  }
}

/** A frame of JavaScript, or of the guest. The site is null for a thunk of ours at the host's boundary. */
type Place =
  | { readonly functionIndex: null; readonly invokes: boolean }
  | { readonly functionIndex: number; readonly site: number | null };

/** The lines of V8's whole stack, innermost first. */
function engineStack(): string[] {
  const limit = Error.stackTraceLimit;
  const prepare = Error.prepareStackTrace;
  try {
    Error.stackTraceLimit = Number.POSITIVE_INFINITY;
    Error.prepareStackTrace = (_error, sites) => sites.map(String);
    return new Error().stack as unknown as string[];
  } finally {
    Error.stackTraceLimit = limit;
    Error.prepareStackTrace = prepare as NonNullable<typeof prepare>;
  }
}

/** Indices of the runtime's functions. They are found by their names in csrc. */
function functionsOfTheRuntime(wasm: Uint8Array): ReadonlySet<number> {
  const indices = new Set<number>();
  const family = /^(malloc|calloc|realloc|reallocarray|free|aligned_alloc|memalign|posix_memalign)$/;
  for (const [index, name] of readModule(wasm).functionNames()) {
    if (
      family.test(name) ||
      /^(hl_|heapline_|__libc_(malloc|calloc|memalign)$|emscripten_builtin_)/.test(name)
    ) {
      indices.add(index);
    }
  }
  return indices;
}

// Finds the functions and calls that need slots: those from which the allocation family can be reached, or a
// host import that may call back into the module. Direct calls are exact. An indirect call may reach every
// function of its signature whose reference is taken anywhere. If the host can see the table, or if the call
// is by reference, the call may reach host functions, too. Types are compared more coarsely than the
// specification compares them: all concrete references count as one type, and a function has the signatures
// of its supertypes, too. An error on this side only costs a slot.

import { lastAtMost } from '../algorithms/binary-search.ts';
import { ExternalKind, type TypeDefinition, type ValueType, type WasmModule } from '../binary/index.ts';
import { ALLOCATION_FAMILY, REQUEST_FUNCTIONS } from '../runtime/index.ts';
import { ALLOCATOR_FUNCTION, HOOKS_TABLE, RECORDER } from './instrumented-module.ts';
import { type CallSites, SiteFlag } from './scan.ts';

/** The functions for whose calls contexts are made. */
const SINKS: ReadonlySet<string> = new Set([...ALLOCATION_FAMILY, ...REQUEST_FUNCTIONS]);

/** Modules whose functions never call back into the guest. */
const SILENT_MODULES = new Set(['heapline', 'wasi_snapshot_preview1', 'wasi_unstable']);

/**
 * Imports of Emscripten's JS library that never call back, either. The ones that libc calls all the time
 * matter most: if they counted, every caller of memcpy would need slots.
 */
const SILENT_IMPORTS = new Set([
  'abort',
  '_abort_js',
  '__assert_fail',
  'emscripten_memcpy_big',
  'emscripten_memcpy_js',
  '_emscripten_memcpy_js',
  'emscripten_resize_heap',
  'emscripten_notify_memory_growth',
  'emscripten_get_heap_max',
  'emscripten_get_now',
  'emscripten_get_now_res',
  'emscripten_date_now',
  '_emscripten_get_now_is_monotonic',
  'emscripten_random',
  'getTempRet0',
  'setTempRet0',
  '_emscripten_throw_longjmp',
  'emscripten_console_log',
  'emscripten_console_warn',
  'emscripten_console_error',
  'emscripten_err',
  'emscripten_out',
  '_localtime_js',
  '_gmtime_js',
  '_mktime_js',
  '_tzset_js',
]);

function mayCallBack(module: string, name: string): boolean {
  if (SILENT_MODULES.has(module)) return false;
  return !(module === 'env' && (SILENT_IMPORTS.has(name) || name.startsWith('__syscall_')));
}

/** What the slots pass needs to know about each function and call. */
export interface CallGraph {
  /** 1 for functions that get slots, by function index. */
  readonly instrumented: Uint8Array;
  /** 1 for the functions of the allocation family, by function index. */
  readonly sinks: Uint8Array;
  /** 1 for sites before which a slot is written. */
  readonly recorded: Uint8Array;
  /** True if no function that a sink can reach has slots: then a call of a sink does not change `top`. */
  readonly sinksKeepTop: boolean;
  /** The sites from which some of these exports can be reached, or a host import that may call back. 1 for each. */
  reaching(exports: readonly string[]): Uint8Array;
}

const typeName = (type: ValueType): string =>
  type.heapType === null || type.heapType < 0 ? `${type.code}:${type.heapType}` : 'ref';

function signature(type: TypeDefinition): string {
  return `${type.parameters.map(typeName).join()}>${type.results.map(typeName).join()}`;
}

/** Numbers each function type by its signature; -1 for other types. */
function numberSignatures(module: WasmModule): { of: Int32Array; count: number } {
  const numbers = new Map<string, number>();
  const of = new Int32Array(module.types.length).fill(-1);
  module.types.forEach((type, index) => {
    if (type.kind !== 'function') return;
    const key = signature(type);
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    of[index] = number;
  });
  return { of, count: numbers.size };
}

/**
 * The graph in both directions. Its nodes are functions, then signatures, then signatures behind tables of
 * the host.
 */
class Edges {
  readonly nodes: number;
  readonly #functions: number;
  readonly #signatures: { of: Int32Array; count: number };
  /** The node that each site calls. */
  readonly callee: Uint32Array;
  /** Functions behind each signature. */
  readonly #members: readonly number[][];
  readonly #callerStart: Uint32Array;
  readonly #callers: Uint32Array;

  constructor(
    readonly module: WasmModule,
    readonly sites: CallSites,
    referenced: ReadonlySet<number>,
  ) {
    this.#functions = module.functions.length;
    this.#signatures = numberSignatures(module);
    this.nodes = this.#functions + 2 * this.#signatures.count;
    this.#members = this.#groupBySignature(referenced);
    this.callee = this.#resolve();

    const { callee, nodes } = this;
    const functions = this.#functions;
    const signatures = this.#signatures.count;
    // A counting sort gives the callers of every node. The edge of a site starts at the site's function. A signature
    // calls its members, in both of its forms.
    const start = new Uint32Array(nodes + 1);
    for (let site = 0; site < sites.count; site += 1) start[callee[site]! + 1]! += 1;
    for (const members of this.#members) for (const member of members) start[member + 1]! += 2;
    for (let node = 0; node < nodes; node += 1) start[node + 1]! += start[node]!;
    const fill = start.slice();
    const callers = new Uint32Array(start[nodes]!);
    for (let body = 0; body < module.bodies.length; body += 1) {
      for (let site = sites.first[body]!; site < sites.first[body + 1]!; site += 1) {
        callers[fill[callee[site]!]!++] = module.importedFunctions + body;
      }
    }
    this.#members.forEach((members, number) => {
      for (const member of members) {
        callers[fill[member]!++] = functions + number;
        callers[fill[member]!++] = functions + signatures + number;
      }
    });
    this.#callerStart = start;
    this.#callers = callers;
  }

  /** The first node of the signatures behind which host functions may stand. */
  get hostSignatures(): number {
    return this.#functions + this.#signatures.count;
  }

  #groupBySignature(referenced: ReadonlySet<number>): number[][] {
    const { module } = this;
    const members: number[][] = Array.from({ length: this.#signatures.count }, () => []);
    const lineages = new Map<number, readonly number[]>();
    for (const index of referenced) {
      const type = module.functions[index]!;
      let lineage = lineages.get(type);
      if (lineage === undefined) {
        lineage = this.#lineage(type);
        lineages.set(type, lineage);
      }
      for (const number of lineage) members[number]!.push(index);
    }
    return members;
  }

  /** Signature numbers of a type and of its supertypes. */
  #lineage(type: number): number[] {
    const { types } = this.module;
    const seen = new Set<number>();
    const pending = [type];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const number = this.#signatures.of[next]!;
      if (number >= 0) seen.add(number);
      pending.push(...types[next]!.supertypes);
    }
    return [...seen];
  }

  #resolve(): Uint32Array {
    const { module, sites } = this;
    // The runtime calls the host through this table, and those functions never call back.
    const hooks = module.export(HOOKS_TABLE, ExternalKind.Table)?.index ?? -1;
    const hostSees = new Uint8Array(module.tables.length);
    for (const { kind, index } of [...module.imports, ...module.exports]) {
      if (kind === ExternalKind.Table) hostSees[index] = 1;
    }
    const callee = new Uint32Array(sites.count);
    for (let site = 0; site < sites.count; site += 1) {
      const target = sites.target[site]!;
      const flags = sites.flags[site]!;
      if ((flags & (SiteFlag.Indirect | SiteFlag.Reference)) === 0) {
        callee[site] = target;
        continue;
      }
      const table = sites.tables.get(site) ?? 0;
      if (table === hooks && (flags & SiteFlag.Indirect) !== 0) {
        callee[site] = module.importedFunctions + this.#bodyOf(site);
        continue;
      }
      const host = (flags & SiteFlag.Reference) !== 0 || hostSees[table] === 1;
      callee[site] = (host ? this.hostSignatures : this.#functions) + this.#signatures.of[target]!;
    }
    return callee;
  }

  /** The body that the site is in. */
  #bodyOf(site: number): number {
    return lastAtMost(this.sites.first, site, 0, this.module.bodies.length);
  }

  /** Marks all nodes that can reach one of `seeds` without passing a node with `barrier` set. */
  backward(seeds: Iterable<number>, barrier: Uint8Array | null): Uint8Array {
    const marked = new Uint8Array(this.nodes);
    const pending: number[] = [];
    const mark = (node: number): void => {
      if (marked[node] === 1 || barrier?.[node] === 1) return;
      marked[node] = 1;
      pending.push(node);
    };
    for (const seed of seeds) mark(seed);
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      for (let edge = this.#callerStart[node]!; edge < this.#callerStart[node + 1]!; edge += 1) {
        mark(this.#callers[edge]!);
      }
    }
    return marked;
  }

  /** Marks all nodes that can be reached from `seeds` without passing through a node with `barrier` set. */
  forward(seeds: Iterable<number>, barrier: Uint8Array | null): Uint8Array {
    const { module, sites, callee } = this;
    const marked = new Uint8Array(this.nodes);
    const pending: number[] = [];
    const mark = (node: number): void => {
      if (marked[node] === 1) return;
      marked[node] = 1;
      if (barrier?.[node] !== 1) pending.push(node);
    };
    for (const seed of seeds) {
      marked[seed] = 1;
      pending.push(seed);
    }
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      if (node >= this.#functions) {
        for (const member of this.#members[(node - this.#functions) % this.#signatures.count]!) mark(member);
        continue;
      }
      const body = node - module.importedFunctions;
      if (body < 0) continue;
      for (let site = sites.first[body]!; site < sites.first[body + 1]!; site += 1) mark(callee[site]!);
    }
    return marked;
  }
}

function* indicesOf(flags: Uint8Array): Iterable<number> {
  for (let index = 0; index < flags.length; index += 1) if (flags[index] === 1) yield index;
}

const isOfFamily = (name: string): boolean => SINKS.has(name) || name.startsWith(ALLOCATOR_FUNCTION);

/** What records the module's own allocator is behind the functions of the program, and takes the contexts itself. */
function firstOfRecorder(module: WasmModule): number {
  const found = module.export(RECORDER, ExternalKind.Global);
  return (found && module.globals[found.index]!.initializer?.i32) ?? module.functions.length;
}

/** Decides which functions and sites of the module get slots. */
export function analyseCalls(module: WasmModule, sites: CallSites): CallGraph {
  const functions = module.functions.length;
  const referenced = new Set([...module.referencedFunctions, ...sites.referenced]);
  const edges = new Edges(module, sites, referenced);
  const sinks = new Uint8Array(edges.nodes);
  for (const { name, kind, index } of module.exports) {
    if (kind === ExternalKind.Function && isOfFamily(name)) sinks[index] = 1;
  }
  // Functions that only the family calls, and functions that nobody calls, never get slots: the context of an
  // allocation is taken before any of them runs.
  const roots = new Set(referenced);
  for (const { kind, index } of module.exports) {
    if (kind === ExternalKind.Function && sinks[index] === 0) roots.add(index);
  }
  if (module.start !== null) roots.add(module.start);
  for (const index of roots) if (sinks[index] === 1) roots.delete(index);
  const live = edges.forward(roots, sinks);

  // A function that both the family and others call (sbrk, for example) gets no slots because of the host
  // imports that it reaches.
  const below = edges.forward(indicesOf(sinks), null);
  const hosts: number[] = [];
  for (const { kind, index, module: from, name } of module.imports) {
    if (kind === ExternalKind.Function && mayCallBack(from, name)) hosts.push(index);
  }
  for (let node = edges.hostSignatures; node < edges.nodes; node += 1) hosts.push(node);
  const barrier = below.slice();
  for (const node of hosts) barrier[node] = 0;

  const reachesSink = edges.backward(indicesOf(sinks), null);
  const reachesHost = edges.backward(hosts, barrier);
  const instrumented = new Uint8Array(functions);
  let sinksKeepTop = true;
  for (let index = module.importedFunctions; index < firstOfRecorder(module); index += 1) {
    if (sinks[index] === 1 || live[index] === 0 || (reachesSink[index]! | reachesHost[index]!) === 0)
      continue;
    instrumented[index] = 1;
    if (below[index] === 1) sinksKeepTop = false;
  }
  const sitesOf = (reaches: Uint8Array): Uint8Array => {
    const chosen = new Uint8Array(sites.count);
    for (let site = 0; site < sites.count; site += 1) {
      const node = edges.callee[site]!;
      chosen[site] = reaches[node]! | reachesHost[node]!;
    }
    return chosen;
  };
  return {
    instrumented,
    sinks: sinks.subarray(0, functions),
    recorded: sitesOf(reachesSink),
    sinksKeepTop,
    reaching(names) {
      const found = module.exports.filter(
        ({ kind, name }) => kind === ExternalKind.Function && names.includes(name),
      );
      return sitesOf(
        edges.backward(
          found.map(({ index }) => index),
          null,
        ),
      );
    },
  };
}

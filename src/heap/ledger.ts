// The ledger that the C runtime keeps in linear memory (csrc/layout.h), read from outside. Every read goes
// through the present buffer of the memory, so a view stays valid while the guest grows.
//
// The guest can write over its own memory, so nothing in it is believed before it was checked. The runtime's own
// check (csrc/check.c) compares everything that is kept twice. Here every address is compared with the size of the
// memory before it is followed, so that a module without that check is read safely, too.
//
// Counters of 64 bits are read as two words, which is exact up to 2^53 and takes no BigInt for each counter.

import type { WasmExports, WasmMemory } from '../binary/wasm-types.ts';
import { CorruptLedgerError, MissingRuntimeError } from '../errors.ts';
import type { HeapFaultKind, MismatchedWays } from '../frames/index.ts';
import { type RuntimeExports, runtimeFunctions } from '../runtime/index.ts';
import * as L from '../runtime/layout.ts';
import { MemoryView } from './memory-view.ts';
import { budSites, type HeapSnapshot, readContexts } from './snapshot.ts';

const WORD = 4;
const TWO_32 = 2 ** 32;

/** The sums of the whole ledger. Bytes are the bytes that the program asked for. */
export interface HeapTotals {
  /** Allocations ever made. */
  readonly allocObjects: number;
  /** Bytes of all allocations ever made. */
  readonly allocBytes: number;
  /** Blocks in use now. */
  readonly liveObjects: number;
  /** Bytes in use now. */
  readonly liveBytes: number;
  /** Blocks and bytes in use when `peakBytes` was at its highest. */
  readonly peakObjects: number;
  /** The most bytes that were in use at one time. */
  readonly peakBytes: number;
  /** Calling contexts seen, the root included. */
  readonly contexts: number;
  /** Bytes that the allocator has taken from the system for blocks. */
  readonly heapBytes: number;
  /** Bytes that the ledger itself needs: contexts, block metadata, tables. */
  readonly metadataBytes: number;
  /** Allocations that failed (NULL, ENOMEM). */
  readonly failedAllocations: number;
  /** Heap faults seen: bad frees and reallocs. */
  readonly faults: number;
  /** Size of the linear memory. */
  readonly memoryBytes: number;
}

/** The sums that a timeline needs. */
export type TimelineTotals = Pick<
  HeapTotals,
  'allocObjects' | 'allocBytes' | 'liveObjects' | 'liveBytes' | 'peakObjects' | 'peakBytes' | 'contexts'
>;

/** One block that the program holds, or has freed. */
export interface HeapBlock {
  /** First byte of the block. */
  readonly address: number;
  /**
   * Size that the program asked for. For a freed block it is the capacity. A block that an allocator of the program's own
   * divides has the bytes that this allocator has not handed out.
   */
  readonly size: number;
  /** Bytes that the block really takes (its size class). */
  readonly capacity: number;
  /** Address of its context's node or bud. */
  readonly context: number;
  /** Number of the allocation, counted from the start; 32 bits, wraps. 0 for freed blocks. */
  readonly serial: number;
  /** Freed, and not handed out again since. */
  readonly freed: boolean;
}

/** A heap fault as the runtime records it. Contexts are node addresses, and 0 means none. */
export interface RawHeapFault {
  readonly kind: HeapFaultKind;
  /** The pointer that was passed. */
  readonly address: number;
  readonly context: number;
  readonly allocContext: number;
  readonly freeContext: number;
  /** Address of the block to which the pointer belongs; 0 when it belongs to none. */
  readonly block: number;
  readonly blockSize: number;
  /** Of a wrong access; null otherwise. */
  readonly access: RawAccess | null;
  /** Of a block that is freed in another way than the one in which it was allocated; null otherwise. */
  readonly mismatch: MismatchedWays | null;
}

/** A suspicion that a block is freed in another way than the one in which it was allocated. */
export interface RawSuspicion {
  readonly context: number;
  readonly allocContext: number;
  /** Whether realloc frees the block. */
  readonly reallocates: boolean;
  /** Whether it is about the size that an operator delete was given. */
  readonly ofSize: boolean;
}

/** A wrong access as the runtime records it. */
export interface RawAccess {
  /** Address of the first byte that must not be touched. */
  readonly bad: number;
  /** Bytes that are read or written. */
  readonly size: number;
  readonly writes: boolean;
  /** Offset of the instruction, which counts like that of a call site. */
  readonly site: number;
  /** The variable that was missed; null when it was none. */
  readonly variable: RawVariable | null;
}

/** A variable on the stack or a global one, as the runtime describes it. */
export interface RawVariable {
  /** Its name, which may end with a colon and its line. */
  readonly name: string;
  readonly address: number;
  readonly size: number;
  /** Index of its function in the table of functions; 0 when it has none, or that is not known. */
  readonly function: number;
}

const FAULT_KINDS: Readonly<Record<number, HeapFaultKind>> = {
  [L.FAULT_DOUBLE_FREE]: 'double-free',
  [L.FAULT_INTERIOR_FREE]: 'interior-free',
  [L.FAULT_FOREIGN_FREE]: 'foreign-free',
  [L.FAULT_UNALLOCATED_FREE]: 'unallocated-free',
  [L.FAULT_REALLOC_FREED]: 'realloc-freed',
  [L.FAULT_REALLOC_FOREIGN]: 'realloc-foreign',
  [L.FAULT_OVERFLOW]: 'heap-buffer-overflow',
  [L.FAULT_USE_AFTER_FREE]: 'heap-use-after-free',
  [L.FAULT_NULL_ACCESS]: 'null-access',
  [L.FAULT_WILD_ACCESS]: 'wild-access',
  [L.FAULT_USE_AFTER_POISON]: 'use-after-poison',
  [L.FAULT_UNKNOWN_POOL]: 'unknown-pool',
  [L.FAULT_STACK_OVERFLOW]: 'stack-buffer-overflow',
  [L.FAULT_STACK_UNDERFLOW]: 'stack-buffer-underflow',
  [L.FAULT_DYNAMIC_STACK_OVERFLOW]: 'dynamic-stack-buffer-overflow',
  [L.FAULT_USE_AFTER_SCOPE]: 'stack-use-after-scope',
  [L.FAULT_GLOBAL_OVERFLOW]: 'global-buffer-overflow',
  [L.FAULT_MISMATCH]: 'alloc-dealloc-mismatch',
  [L.FAULT_SIZE_MISMATCH]: 'new-delete-type-mismatch',
};
const isBesideVariable = (kind: number): boolean =>
  kind >= L.FAULT_STACK_OVERFLOW && kind <= L.FAULT_GLOBAL_OVERFLOW;
const isAccess = (kind: number): boolean =>
  (kind >= L.FAULT_OVERFLOW && kind <= L.FAULT_USE_AFTER_POISON) || isBesideVariable(kind);
/** The ways in which C++ allocates and frees, by their numbers. */
const ALLOCATED_BY = ['malloc', 'operator new', 'operator new[]'] as const;
const FREED_BY = ['free', 'operator delete', 'operator delete[]', 'realloc'] as const;
/** Longer names are cut. */
const LONGEST_NAME = 256;

/** What an allocator of the program's own has handed out and not taken back. */
export interface Cell {
  readonly address: number;
  /** Address of its metadata (BLOCK_*). */
  readonly metadata: number;
  /** Address of the block that it lies in; 0 when it lies in none. */
  readonly inside: number;
  /** Bytes of that block that count as the cell's. */
  readonly held: number;
}

/** Counts of a leak check that the program asked for. */
export interface LeakCheckCounts {
  readonly lost: HeapCount;
  readonly possible: HeapCount;
  readonly reachable: HeapCount;
  readonly suppressed: HeapCount;
}

interface HeapCount {
  readonly blocks: number;
  readonly bytes: number;
}

/** An allocation that failed, as the runtime reports it. */
export interface FailureRecord {
  /** Bytes that were asked for. */
  readonly size: number;
  /** Address of the context's node or bud. */
  readonly context: number;
}

/** A run of heap pages. */
interface Span {
  readonly state: number;
  readonly base: number;
  readonly pages: number;
  /** Distance of its blocks. */
  readonly capacity: number;
  readonly blocks: number;
  /** Address of the first block's metadata. */
  readonly metadata: number;
}

/** A request of the program that the runtime passes on. */
export type RequestRecord =
  | { readonly kind: 'leak-check'; readonly quiet: boolean }
  | { readonly kind: 'ignored'; readonly code: number; readonly argument: number };

/** The runtime's own judgement of the ledger (csrc/check.c). */
type LedgerChecks = Pick<RuntimeExports, 'heapline_check' | 'heapline_check_context'>;

/** Up to this number of contexts, the sums are checked whenever totals are read, which takes 4 ns a context. */
const FEW_CONTEXTS = 16_384;
/** With more contexts, the sums are checked so rarely that it takes this share of the time at most. */
const SHARE_OF_TIME = 0.05;

/** One guest's ledger. */
export class Ledger {
  readonly #view: MemoryView;
  readonly #checks: LedgerChecks | null;
  /** The guest's `__stack_pointer`; null when it is not exported. */
  readonly #stackPointer: WebAssembly.Global | null;
  /** When the sums were last checked, and how long that took, in milliseconds. */
  #summed = { at: Number.NEGATIVE_INFINITY, took: 0 };
  /** Address of RECORDED_* in a module that keeps its own allocator; null in all others. */
  readonly #recorded: number | null;
  /** Faults and failed allocations that the host was told of; null when nobody counts them. */
  #told: { faults: number; failures: number } | null = null;

  constructor(
    readonly memory: WasmMemory,
    /** Address of `heapline_runtime`. */
    readonly runtimeAddress: number,
    /** Address of `heapline_shadow`. */
    readonly shadowAddress: number,
    /** The guest's exports. Without them the ledger is checked less thoroughly. */
    exports: WasmExports | null = null,
  ) {
    const { heapline_check, heapline_check_context } = runtimeFunctions(exports ?? {});
    this.#checks =
      heapline_check !== undefined && heapline_check_context !== undefined
        ? { heapline_check, heapline_check_context }
        : null;
    const { __stack_pointer: pointer } = (exports ?? {}) as { readonly __stack_pointer?: unknown };
    this.#stackPointer = pointer instanceof WebAssembly.Global ? pointer : null;
    this.#view = new MemoryView(memory);
    const words = this.#view.words;
    const at = runtimeAddress / WORD;
    if (!Number.isInteger(at) || runtimeAddress < 0 || at + L.RUNTIME_IGNORED_COUNT / WORD >= words.length) {
      throw new MissingRuntimeError(
        `The module says its Heapline runtime is at address ${runtimeAddress}, which is not in its memory.`,
      );
    }
    if (words[at + L.RUNTIME_MAGIC / WORD] !== L.MAGIC) {
      throw new MissingRuntimeError(
        'The module has no Heapline runtime in its memory. Link it with the runtime object, or compile it with loadC().',
      );
    }
    const version = words[at + L.RUNTIME_VERSION / WORD];
    if (version !== L.ABI_VERSION) {
      throw new MissingRuntimeError(
        `The module was linked with version ${version} of the Heapline runtime's layout; this library reads version ` +
          `${L.ABI_VERSION}. Build the module again.`,
      );
    }
    const recorded = exports?.heapline_recorded;
    this.#recorded = typeof recorded === 'function' ? this.#addressOf(recorded as () => number) : null;
  }

  #addressOf(recorded: () => number): number {
    const address = recorded() >>> 0;
    const end = address + L.RECORDED_UNSCANNED + WORD;
    if (address % WORD === 0 && end <= this.#view.words.length * WORD) return address;
    throw damaged('table of blocks', address);
  }

  #word(offset: number): number {
    return this.#view.words[(this.runtimeAddress + offset) / WORD]!;
  }

  #long(offset: number): number {
    return this.#word(offset) + this.#word(offset + WORD) * TWO_32;
  }

  /** Whether the module keeps its own allocator, whose blocks are recorded only. */
  get recordsOnly(): boolean {
    return this.#recorded !== null;
  }

  /** What a recorder has missed; zeros in other modules. */
  get missed(): {
    /** Frees of blocks that it did not know, and blocks in the place of others. */
    readonly unseen: number;
    /** Allocations for whose record there was no memory. */
    readonly lost: number;
    /** There was no memory for the last scan. */
    readonly unscanned: boolean;
  } {
    const at = this.#recorded;
    if (at === null) return { unseen: 0, lost: 0, unscanned: false };
    const word = (offset: number): number => this.#view.words[(at + offset) / WORD]!;
    return {
      unseen: word(L.RECORDED_UNSEEN),
      lost: word(L.RECORDED_LOST),
      unscanned: word(L.RECORDED_UNSCANNED) !== 0,
    };
  }

  /** The runtime's flags (`HL_FLAG_*`). */
  get flags(): number {
    return this.#word(L.RUNTIME_FLAGS);
  }

  /** Whether a call site or a host stack with this number exists. By default every number is believed. */
  isSite: (site: number) => boolean = () => true;

  /** Whether the module has the runtime's check. */
  get canCheck(): boolean {
    return this.#checks !== null;
  }

  /**
   * From now on the caller calls countFault() and countFailure(). A start function may have run already, when nobody
   * could be told: what it did is in the counters.
   */
  startCounting(): void {
    this.#told = { faults: this.#word(L.RUNTIME_FAULTS), failures: this.#word(L.RUNTIME_FAILED) };
  }

  /** What the host keeps about the ledger. The memory itself is saved elsewhere. */
  save(): () => void {
    const told = this.#told === null ? null : { ...this.#told };
    return () => {
      this.#told = told === null ? null : { ...told };
      this.#summed = { at: Number.NEGATIVE_INFINITY, took: 0 };
    };
  }

  countFault(): void {
    if (this.#told !== null) this.#told.faults = (this.#told.faults + 1) >>> 0;
  }

  countFailure(): void {
    if (this.#told !== null) this.#told.failures = (this.#told.failures + 1) >>> 0;
  }

  /** Throws CorruptLedgerError unless the whole ledger and the heap are as the runtime left them. */
  checkHeap(): void {
    this.#check(L.CHECK_TREE | L.CHECK_HEAP);
  }

  /** Throws CorruptLedgerError unless the tree of contexts is as the runtime left it. */
  checkTree(): void {
    this.#check(L.CHECK_TREE);
  }

  /** Throws CorruptLedgerError unless the path of this context is as the runtime left it. */
  checkContext(node: number): void {
    this.#checkNames();
    if (node !== 0) this.#judge(() => this.#checks?.heapline_check_context(node) ?? 0);
  }

  #check(what: number): void {
    this.#checkNames();
    this.#judge(() => this.#checks?.heapline_check(what) ?? 0);
  }

  // Checking the sums takes time in proportion to the contexts, and totals are asked for often.
  #checkTotals(): void {
    const few = this.#word(L.RUNTIME_CONTEXTS) <= FEW_CONTEXTS;
    const { at, took } = this.#summed;
    const began = few ? 0 : performance.now();
    if (!few && began - at < took / SHARE_OF_TIME) {
      this.#check(0);
      return;
    }
    this.#check(L.CHECK_SUMS);
    if (few) return;
    const ended = performance.now();
    this.#summed = { at: ended, took: ended - began };
  }

  #checkNames(): void {
    const named = this.#word(L.RUNTIME_MAGIC) === L.MAGIC && this.#word(L.RUNTIME_VERSION) === L.ABI_VERSION;
    if (!named) throw damaged('runtime block', this.runtimeAddress);
    if (this.#told === null) return;
    if (this.#word(L.RUNTIME_FAULTS) !== this.#told.faults)
      throw damaged('count of heap errors', this.runtimeAddress);
    if (this.#word(L.RUNTIME_FAILED) !== this.#told.failures) {
      throw damaged('count of failed allocations', this.runtimeAddress);
    }
  }

  #judge(check: () => number): void {
    const line = this.inRuntime(check);
    if (line !== 0) throw contradiction(`check.c:${line}`);
  }

  /**
   * Calls functions of the runtime that look at the ledger. A trap in them is not a trap of the program: it means
   * that the ledger makes no sense.
   */
  inRuntime<T>(call: () => T): T {
    const pointer: unknown = this.#stackPointer?.value;
    try {
      return call();
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      // A trap takes no frame off the guest's stack.
      if (this.#stackPointer !== null) this.#stackPointer.value = pointer;
      throw contradiction('an address in it is none', { cause: error });
    }
  }

  /** Sums of the ledger now, checked. */
  totals(): HeapTotals {
    this.#checkTotals();
    return this.uncheckedTotals();
  }

  /** Sums of the ledger as they are in memory, for callers that must not fail and do not rely on them. */
  uncheckedTotals(): HeapTotals {
    return {
      allocObjects: this.#long(L.RUNTIME_ALLOC_OBJECTS),
      allocBytes: this.#long(L.RUNTIME_ALLOC_BYTES),
      // The low words of the freed totals are enough, because less than 2^32 is in use.
      liveObjects: (this.#word(L.RUNTIME_ALLOC_OBJECTS) - this.#word(L.RUNTIME_FREED_OBJECTS)) >>> 0,
      liveBytes: (this.#word(L.RUNTIME_ALLOC_BYTES) - this.#word(L.RUNTIME_FREED_BYTES)) >>> 0,
      peakObjects: this.#word(L.RUNTIME_PEAK_OBJECTS),
      peakBytes: this.#word(L.RUNTIME_PEAK_BYTES),
      contexts: this.#word(L.RUNTIME_CONTEXTS),
      heapBytes: this.#word(L.RUNTIME_HEAP_BYTES),
      metadataBytes: this.#word(L.RUNTIME_METADATA_BYTES),
      failedAllocations: this.#word(L.RUNTIME_FAILED),
      faults: this.faultCount,
      memoryBytes: this.memory.buffer.byteLength,
    };
  }

  /** The sums that a timeline needs, unchecked: they are read often, and in the middle of allocations. */
  timelineTotals(): TimelineTotals {
    const words = this.#view.words;
    const at = this.runtimeAddress / WORD;
    const allocObjects = words[at + L.RUNTIME_ALLOC_OBJECTS / WORD]!;
    const allocBytes = words[at + L.RUNTIME_ALLOC_BYTES / WORD]!;
    return {
      allocObjects: allocObjects + words[at + L.RUNTIME_ALLOC_OBJECTS / WORD + 1]! * TWO_32,
      allocBytes: allocBytes + words[at + L.RUNTIME_ALLOC_BYTES / WORD + 1]! * TWO_32,
      liveObjects: (allocObjects - words[at + L.RUNTIME_FREED_OBJECTS / WORD]!) >>> 0,
      liveBytes: (allocBytes - words[at + L.RUNTIME_FREED_BYTES / WORD]!) >>> 0,
      peakObjects: words[at + L.RUNTIME_PEAK_OBJECTS / WORD]!,
      peakBytes: words[at + L.RUNTIME_PEAK_BYTES / WORD]!,
      contexts: words[at + L.RUNTIME_CONTEXTS / WORD]!,
    };
  }

  /** Every context with its counters, as they are now. */
  snapshot(): HeapSnapshot {
    this.checkTree();
    return readContexts(this.#view.words, this.runtimeAddress, this.uncheckedTotals(), this.isSite);
  }

  /**
   * The same in the middle of an allocation, when the runtime's own check must not run: null when the contexts make no
   * sense. Whoever looks at the heap later learns why.
   */
  uncheckedSnapshot(): HeapSnapshot | null {
    try {
      return readContexts(this.#view.words, this.runtimeAddress, this.uncheckedTotals(), this.isSite);
    } catch (error) {
      if (error instanceof CorruptLedgerError) return null;
      throw error;
    }
  }

  /**
   * Call sites of the context at this node address, innermost first. Empty for the root and for address 0.
   * checkContext() or checkTree() must have found the tree whole.
   */
  sites(node: number): number[] {
    const sites: number[] = [];
    for (const context of this.callers(node)) sites.push(...context.sites);
    return sites;
  }

  /** The context at this node address and its callers, each with its own call sites, innermost first. */
  *callers(
    node: number,
  ): Generator<{ readonly address: number; readonly sites: readonly number[] }, void, undefined> {
    let length = 0;
    for (let address = node; address !== 0; ) {
      const words = this.#view.words;
      const at = address / WORD;
      if (!Number.isInteger(at) || at + L.NODE_SIZE / WORD > words.length) throw damaged('context', address);
      const parent = words[at + L.NODE_PARENT / WORD]!;
      if (parent === 0) break;
      const folded = at + L.BUD_SIZE / WORD <= words.length ? budSites(words, address) : null;
      const sites = folded?.reverse() ?? [words[at + L.NODE_SITE / WORD]!];
      length += sites.length;
      // A context is never deeper than the shadow stack is long, but host frames nest in it too; a longer chain
      // is a cycle that the guest wrote.
      if (length > 4 * L.SHADOW_SLOTS || !sites.every(this.isSite)) throw damaged('context', node);
      yield { address, sites };
      address = parent;
    }
  }

  /**
   * Calls `visit` for every span that holds blocks, in the order of their addresses, with the words of the memory, the
   * address of the first block, the distance of blocks, their number, and the address of the first block's metadata
   * (BLOCK_*). checkHeap() must have found the heap whole.
   */
  eachSpan(
    visit: (words: Uint32Array, base: number, capacity: number, blocks: number, metadata: number) => void,
  ): void {
    for (const span of [...this.#spans()].sort((a, b) => a.base - b.base)) {
      visit(this.#view.words, span.base, span.capacity, span.blocks, span.metadata);
    }
  }

  /** Address of the node or bud that allocated a block. `owner` is the word BLOCK_OWNER of the block's metadata. */
  contextOf(owner: number): number {
    const address = (owner & L.BLOCK_OWNER_MASK) >>> 0;
    const words = this.#view.words;
    if (address + L.ACCOUNT_SIZE > words.length * WORD) throw damaged('owner of a block', address);
    if ((owner & L.BLOCK_BUD) !== 0) return address;
    return words[(address + L.ACCOUNT_NODE) / WORD]!;
  }

  /** The spans that hold blocks. */
  *#spans(): Generator<Span, void, undefined> {
    if (this.#recorded !== null) {
      yield* this.#records(this.#recorded);
      return;
    }
    for (const span of this.#allSpans()) if (span.state !== L.SPAN_STATE_FREE) yield span;
  }

  *#allSpans(): Generator<Span, void, undefined> {
    let chunk = this.#word(L.RUNTIME_FIRST_SPAN_CHUNK);
    // Bytes of all chunks and of all metadata. More of them than there is memory means that the list has a cycle.
    let taken = 0;
    while (chunk !== 0) {
      let words = this.#view.words;
      const header = chunk / WORD;
      if (!Number.isInteger(header) || header + L.CHUNK_ENTRIES / WORD > words.length) {
        throw damaged('span chunk', chunk);
      }
      const used = words[header + L.CHUNK_USED / WORD]!;
      const size = L.CHUNK_ENTRIES + used * L.SPAN_SIZE;
      taken += size;
      if (chunk + size > words.length * WORD || taken > words.length * WORD)
        throw damaged('span chunk', chunk);
      for (let i = 0; i < used; i++) {
        words = this.#view.words;
        const at = (chunk + L.CHUNK_ENTRIES + i * L.SPAN_SIZE) / WORD;
        const state = words[at + L.SPAN_STATE / WORD]!;
        const base = words[at + L.SPAN_BASE / WORD]!;
        const pages = words[at + L.SPAN_PAGES / WORD]!;
        if (state !== L.SPAN_STATE_SMALL && state !== L.SPAN_STATE_LARGE) {
          yield { state: L.SPAN_STATE_FREE, base, pages, capacity: 0, blocks: 0, metadata: 0 };
          continue;
        }
        const capacity = words[at + L.SPAN_BLOCK_SIZE / WORD]!;
        const blocks = words[at + L.SPAN_BLOCKS / WORD]!;
        const metadata = words[at + L.SPAN_METADATA / WORD]!;
        const end = metadata + blocks * L.BLOCK_SIZE;
        taken += end - metadata;
        if (metadata % WORD !== 0 || end > words.length * WORD || taken > words.length * WORD) {
          throw damaged('span', at * WORD);
        }
        yield { state, base, pages, capacity, blocks, metadata };
      }
      words = this.#view.words;
      chunk = words[header + L.CHUNK_NEXT / WORD]!;
    }
  }

  /** The cells in use, in no particular order. checkHeap() must have found the heap whole. */
  cells(): Cell[] {
    const cells: Cell[] = [];
    const words = this.#view.words;
    let taken = 0;
    for (let chunk = this.#word(L.RUNTIME_FIRST_CELL_CHUNK); chunk !== 0; ) {
      const header = chunk / WORD;
      if (!Number.isInteger(header) || header + L.CHUNK_ENTRIES / WORD > words.length) {
        throw damaged('chunk of cells', chunk);
      }
      const used = words[header + L.CHUNK_USED / WORD]!;
      const size = L.CHUNK_ENTRIES + used * L.CELL_SIZE;
      taken += size;
      if (chunk + size > words.length * WORD || taken > words.length * WORD) {
        throw damaged('chunk of cells', chunk);
      }
      for (let cell = chunk + L.CHUNK_ENTRIES; cell < chunk + size; cell += L.CELL_SIZE) {
        const metadata = cell + L.CELL_BLOCK;
        if ((words[(metadata + L.BLOCK_OWNER) / WORD]! & L.BLOCK_FREED) !== 0) continue;
        cells.push({
          address: words[(cell + L.CELL_ADDRESS) / WORD]!,
          metadata,
          inside: words[(cell + L.CELL_INSIDE) / WORD]!,
          held: words[(cell + L.CELL_HELD) / WORD]!,
        });
      }
      chunk = words[header + L.CHUNK_NEXT / WORD]!;
    }
    return cells;
  }

  /** The blocks that the program wants left out of leak reports: their serials by their addresses. */
  ignored(): Map<number, number> {
    const words = this.#view.words;
    const first = this.#word(L.RUNTIME_IGNORED);
    const count = this.#word(L.RUNTIME_IGNORED_COUNT);
    if (first % WORD !== 0 || first + count * L.IGNORED_SIZE > words.length * WORD) {
      throw damaged('list of ignored blocks', first);
    }
    const ignored = new Map<number, number>();
    for (let entry = first; entry < first + count * L.IGNORED_SIZE; entry += L.IGNORED_SIZE) {
      const address = words[(entry + L.IGNORED_ADDRESS) / WORD]!;
      ignored.set(address, words[(entry + L.IGNORED_SERIAL) / WORD]!);
    }
    return ignored;
  }

  /** The blocks of a recorder, each as a span of its own. */
  *#records(recorded: number): Generator<Span, void, undefined> {
    const entries = this.#view.words[(recorded + L.RECORDED_ENTRIES) / WORD]!;
    const room = this.#view.words[(recorded + L.RECORDED_CAPACITY) / WORD]!;
    const end = entries + room * L.RECORD_SIZE;
    if (entries % WORD !== 0 || end > this.#view.words.length * WORD)
      throw damaged('table of blocks', entries);
    for (let entry = entries; entry < end; entry += L.RECORD_SIZE) {
      const { words } = this.#view;
      const base = words[(entry + L.RECORD_ADDRESS) / WORD]!;
      if (base === 0) continue;
      const metadata = entry + L.RECORD_BLOCK;
      const capacity = words[(metadata + L.BLOCK_REQUESTED) / WORD]!;
      yield { state: L.SPAN_STATE_LARGE, base, pages: 0, capacity, blocks: 1, metadata };
    }
  }

  /** All blocks that were ever handed out: those in use, and those freed and not reused. */
  *blocks(): Generator<HeapBlock, void, undefined> {
    this.checkHeap();
    const cells = this.cells();
    const held = new Map<number, number>();
    for (const { address, metadata, inside, held: bytes } of cells) {
      held.set(inside, (held.get(inside) ?? 0) + bytes);
      const entry = metadata / WORD;
      const words = this.#view.words;
      const size = words[entry + L.BLOCK_REQUESTED / WORD]!;
      const context = this.contextOf(words[entry + L.BLOCK_OWNER / WORD]!);
      const serial = words[entry + L.BLOCK_SERIAL / WORD]!;
      yield { address, size, capacity: size, context, serial, freed: false };
    }
    for (const { base, capacity, blocks, metadata } of this.#spans()) {
      for (let index = 0; index < blocks; index++) {
        const block = this.#block(base, capacity, metadata, index);
        if (block === null) continue;
        const taken = block.freed ? undefined : held.get(block.address);
        yield taken === undefined ? block : { ...block, size: block.size - taken };
      }
    }
  }

  /** A block of a span; null when it was never handed out. */
  #block(base: number, capacity: number, metadata: number, index: number): HeapBlock | null {
    const words = this.#view.words;
    const entry = (metadata + index * L.BLOCK_SIZE) / WORD;
    const word = words[entry + L.BLOCK_OWNER / WORD]!;
    if ((word & L.BLOCK_OWNER_MASK) === 0) return null;
    const freed = (word & L.BLOCK_FREED) !== 0;
    return {
      address: base + index * capacity,
      size: freed ? capacity : words[entry + L.BLOCK_REQUESTED / WORD]!,
      capacity,
      context: this.contextOf(word),
      serial: freed ? 0 : words[entry + L.BLOCK_SERIAL / WORD]!,
      freed,
    };
  }

  /** The low word of the number of blocks that were freed, which changes whenever a block is. */
  get freedObjects(): number {
    return this.#word(L.RUNTIME_FREED_OBJECTS);
  }

  /**
   * The block in which an address lies; null outside of the heap. Pages of the heap that hold no blocks at present count
   * as one freed block.
   */
  blockAt(address: number): HeapBlock | null {
    let free: HeapBlock | null = null;
    for (const { state, base, capacity, blocks, metadata, pages } of this.#allSpans()) {
      if (address < base) continue;
      if (state === L.SPAN_STATE_FREE) {
        const size = pages * L.SPAN_PAGE;
        if (address < base + size) {
          free = { address: base, size, capacity: size, context: 0, serial: 0, freed: true };
        }
      } else if (address < base + blocks * capacity) {
        return this.#block(base, capacity, metadata, Math.floor((address - base) / capacity));
      }
    }
    return free;
  }

  /** Whether the record that the import `heapline.fault` was given is about an attempt to allocate. */
  isAttempt(record: number): boolean {
    return this.#view.words[this.#recordAt(record) + L.FAULT_KIND / WORD] === L.FAULT_ATTEMPT;
  }

  /** Whether that record is about an allocation that failed. */
  isFailure(record: number): boolean {
    return this.#view.words[this.#recordAt(record) + L.FAULT_KIND / WORD] === L.FAULT_NO_MEMORY;
  }

  /** Whether the record is a request of the program instead of a fault: a leak check, or a request that was ignored. */
  requestAt(record: number): RequestRecord | null {
    const words = this.#view.words;
    const at = this.#recordAt(record);
    const code = words[at + L.REQUEST_CODE / WORD]!;
    const kind = words[at + L.FAULT_KIND / WORD];
    if (kind === L.FAULT_LEAK_CHECK) {
      return { kind: 'leak-check', quiet: words[at + L.LEAK_CHECK_QUIET / WORD] !== 0 };
    }
    if (kind !== L.FAULT_REQUEST_IGNORED) return null;
    return { kind: 'ignored', code, argument: words[at + L.FAULT_CONTEXT / WORD]! };
  }

  /** Answers a leak check that the program asked for. */
  answerLeakCheck(record: number, counts: LeakCheckCounts): void {
    const words = this.#view.words;
    const at = this.#recordAt(record);
    const write = (offset: number, { bytes, blocks }: HeapCount): void => {
      words[at + offset / WORD] = bytes;
      words[at + offset / WORD + 1] = blocks;
    };
    write(L.LEAK_CHECK_LOST, counts.lost);
    write(L.LEAK_CHECK_POSSIBLE, counts.possible);
    write(L.LEAK_CHECK_REACHABLE, counts.reachable);
    write(L.LEAK_CHECK_SUPPRESSED, counts.suppressed);
  }

  failureAt(record: number): FailureRecord {
    const words = this.#view.words;
    const at = this.#recordAt(record);
    return {
      size: words[at + L.FAULT_BLOCK_SIZE / WORD]! + words[at + L.FAULT_BLOCK / WORD]! * TWO_32,
      context: words[at + L.FAULT_CONTEXT / WORD]!,
    };
  }

  faultAt(record: number): RawHeapFault {
    const words = this.#view.words;
    const at = this.#recordAt(record);
    const code = words[at + L.FAULT_KIND / WORD]!;
    const kind = FAULT_KINDS[code];
    if (kind === undefined) throw damaged('fault record', record);
    const [block, blockSize] = [words[at + L.FAULT_BLOCK / WORD]!, words[at + L.FAULT_BLOCK_SIZE / WORD]!];
    const variable = isBesideVariable(code);
    return {
      kind,
      address: words[at + L.FAULT_ADDRESS / WORD]!,
      context: words[at + L.FAULT_CONTEXT / WORD]!,
      allocContext: words[at + L.FAULT_ALLOC_CONTEXT / WORD]!,
      freeContext: words[at + L.FAULT_FREE_CONTEXT / WORD]!,
      block: variable ? 0 : block,
      blockSize: variable ? 0 : blockSize,
      access: !isAccess(code)
        ? null
        : {
            bad: words[at + L.FAULT_BAD / WORD]!,
            size: words[at + L.FAULT_ACCESS_SIZE / WORD]!,
            writes: words[at + L.FAULT_ACCESS_WRITES / WORD] === 1,
            site: words[at + L.FAULT_ACCESS_SITE / WORD]!,
            variable: !variable || block === 0 ? null : this.#variableAt(at, block, blockSize),
          },
      mismatch: code === L.FAULT_MISMATCH || code === L.FAULT_SIZE_MISMATCH ? this.#waysAt(at, code) : null,
    };
  }

  /** @param at index of the first word of a fault record */
  #waysAt(at: number, code: number): MismatchedWays {
    const words = this.#view.words;
    const allocatedBy = ALLOCATED_BY[words[at + L.FAULT_ALLOCATED_BY / WORD]!];
    const freedBy = FREED_BY[words[at + L.FAULT_FREED_BY / WORD]!];
    if (allocatedBy === undefined || freedBy === undefined) throw damaged('fault record', at * WORD);
    if (code === L.FAULT_MISMATCH) return { allocatedBy, freedBy };
    return { allocatedBy, freedBy, freedSize: words[at + L.FAULT_ACCESS_SIZE / WORD]! };
  }

  /** Whether the record that the import `heapline.fault` was given is a suspicion, which the host is to judge. */
  isSuspicion(record: number): boolean {
    return this.#view.words[this.#recordAt(record) + L.FAULT_KIND / WORD] === L.FAULT_MISMATCH_SUSPECTED;
  }

  suspicionAt(record: number): RawSuspicion {
    const words = this.#view.words;
    const at = this.#recordAt(record);
    return {
      context: words[at + L.FAULT_CONTEXT / WORD]!,
      allocContext: words[at + L.FAULT_ALLOC_CONTEXT / WORD]!,
      reallocates: words[at + L.FAULT_FREED_BY / WORD] === L.WAY_REALLOC,
      ofSize: words[at + L.FAULT_ACCESS_SIZE / WORD] !== 0,
    };
  }

  /** Answers a suspicion that is right. */
  confirmSuspicion(record: number, allocatedBy: number, freedBy: number): void {
    const words = this.#view.words;
    const at = this.#recordAt(record);
    const ofSize = allocatedBy === freedBy;
    words[at + L.FAULT_KIND / WORD] = ofSize ? L.FAULT_SIZE_MISMATCH : L.FAULT_MISMATCH;
    words[at + L.FAULT_ALLOCATED_BY / WORD] = allocatedBy;
    words[at + L.FAULT_FREED_BY / WORD] = freedBy;
  }

  /** @param at index of the first word of a fault record */
  #variableAt(at: number, address: number, size: number): RawVariable {
    const { words, bytes } = this.#view;
    const start = words[at + L.FAULT_VARIABLE_NAME / WORD]!;
    const length = Math.min(words[at + L.FAULT_VARIABLE_NAME_LENGTH / WORD]!, LONGEST_NAME);
    const name = new TextDecoder().decode(bytes.slice(start, start + length));
    return { name, address, size, function: words[at + L.FAULT_VARIABLE_FUNCTION / WORD]! };
  }

  #recordAt(record: number): number {
    const at = record / WORD;
    if (Number.isInteger(at) && at + L.FAULT_SIZE / WORD <= this.#view.words.length) return at;
    throw damaged('fault record', record);
  }

  /** Heap faults so far, including those that have left the ring. */
  get faultCount(): number {
    return this.#word(L.RUNTIME_FAULTS);
  }

  /** All of memory in words. Read it again after memory has grown. */
  get words(): Uint32Array {
    return this.#view.words;
  }

  /** Address of the word that holds `top`. */
  get topAddress(): number {
    return this.runtimeAddress + L.RUNTIME_TOP;
  }

  /** Address of the innermost slot of the shadow stack. */
  get top(): number {
    return this.#word(L.RUNTIME_TOP);
  }

  /** For a host that regains control after a trap: the calls that were cut off have left their slots behind. */
  set top(slot: number) {
    this.#view.words[(this.runtimeAddress + L.RUNTIME_TOP) / WORD] = slot;
    if (this.#recorded !== null) this.#view.words[(this.#recorded + L.RECORDED_ACTIVE) / WORD] = 0;
  }

  /** Address of the last slot, which all frames too deep for the shadow stack share. */
  get lastSlot(): number {
    return this.shadowAddress + (L.SHADOW_SLOTS - 1) * L.SLOT_SIZE;
  }

  /** True when the slot belongs to an entry from the host whose stack was not asked for yet. */
  isPendingEntry(slot: number): boolean {
    return this.#view.words[(slot + L.SLOT_SITE) / WORD] === L.SITE_HOST_PENDING;
  }

  /** Empties the shadow stack, when no guest frame is left. */
  resetShadowStack(): void {
    this.top = this.shadowAddress;
  }

  /** True when the shadow stack holds only its sentinel: no guest frame is active. */
  get quiescent(): boolean {
    return this.top === this.shadowAddress;
  }
}

function contradiction(where: string, options?: ErrorOptions): CorruptLedgerError {
  return new CorruptLedgerError(
    `The ledger in the guest's memory contradicts itself (${where}). ` +
      'The program has most likely written outside its own blocks.',
    options,
  );
}

function damaged(what: string, address: number): CorruptLedgerError {
  return new CorruptLedgerError(
    `The ledger in the guest's memory is damaged: the ${what} at 0x${address.toString(16)} makes no sense. ` +
      'The program has most likely written outside its own blocks.',
  );
}

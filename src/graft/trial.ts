// What functions of an allocator do, tried out in scratch instances. A function has a role when it does all that C says
// of the role and nothing else: it calls no import, changes no global, and of the static data it only changes the places
// that malloc and free change, too. So a function that counts, logs or aborts in addition is not taken for what it wraps.

import { PREFIXED_REALLOC, type Role, RUST_DEALLOC, RUST_REALLOC } from './roles.ts';
import { type Scratch, ScratchTrap } from './scratch.ts';

/** Size of the first block. */
const FIRST_SIZE = 24;
/** Size of the block whose size functions are asked for first. */
const SAMPLE_SIZE = 1000;
/** Sizes in the order in which they are asked for: odd ones, small ones, and those of large blocks. */
const SIZES = [FIRST_SIZE, 1, 7, 13, 100, 1000, 24, 5001, 40_000, 200_000];
/** No memory has room for it: it is larger than any, or larger than that of scratch instances may become. */
const TOO_LARGE = 0xffffffe0;
const LARGER_THAN_MEMORY = 0x70000000;
/** Allocations of the sequence by which functions are compared. */
const TRACE_LENGTH = 60;
/** malloc aligns to less than this. */
const LARGE_ALIGNMENT = 32;
/** Bytes before a block in which SQLite keeps its size. */
const PREFIX = 8;
/** The size is a signed number there. */
const LARGEST_PREFIXED = 0x7fff_fff0;
/** Bytes at both ends of a free block that allocators use. */
const LINKS = 16;
const ENOMEM: readonly number[] = [48, 12];
/** Bytes around a static place that malloc or free changes that belong to the allocator's state, too. */
const STATE_REACH = 640;
/** Bytes below the initial stack pointer that calls may use. */
const STACK_REACH = 4096;

/** A function does not do what its role asks. */
class Refuted extends Error {}

function insist(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Refuted(what);
}

/** Functions that take part in a sequence in place of malloc and free. */
interface Instead {
  readonly allocate?: (scratch: Scratch, size: number) => number;
  readonly free?: (scratch: Scratch, address: number, size: number) => void;
}

interface Block {
  readonly address: number;
  readonly size: number;
  readonly fill: number;
}

/** Where the module keeps its static data and its stack. */
export interface StaticData {
  /** Everything below belongs to static data or the stack; the heap begins here or later. */
  readonly end: number;
  /** Initial value of the stack pointer; null when it is not known. */
  readonly stackTop: number | null;
}

/** A word in which the allocator keeps the end of its heap. */
export interface BreakWord {
  readonly address: number;
  /** Where the heap begins. */
  readonly initial: number;
}

/** What was learnt of an allocator while it worked. */
export interface Learnt {
  /** Address of the first block that malloc gives out. */
  readonly first: number;
  readonly breakWord: BreakWord | null;
  /** Address of errno; null when a failing malloc sets none. */
  readonly errno: number | null;
  /** All memory comes from memory.grow, as Rust's allocator takes it: the initial memory has no heap. */
  readonly onlyGrows: boolean;
}

/** Works with one allocator in one instance. */
export class Trial {
  readonly #open: () => Scratch;
  readonly #scratch: Scratch;
  readonly #data: StaticData;
  readonly #malloc: number;
  readonly #free: number;
  /** Address of the first block: static data lies below. */
  #first = 0;
  #live: Block[] = [];
  #fill = 0;
  /** Words of static data that malloc and free have changed. */
  #changed: number[] = [];
  #errno: number | null = null;
  #trace: readonly number[] | null = null;
  /** A block whose size functions are asked for. */
  #sample: Block | null = null;
  /** Of the blocks that were given out, some had other contents than zero: nobody clears them. */
  #sawOldContents = false;
  #breakWord: BreakWord | null = null;

  /** @param open makes a new instance @param first what malloc returns in a new instance */
  constructor(
    open: () => Scratch,
    data: StaticData,
    [malloc, free, first]: readonly [number, number, number],
  ) {
    this.#open = open;
    this.#scratch = open();
    this.#data = data;
    this.#first = first;
    this.#malloc = malloc;
    this.#free = free;
  }

  /** Whether the functions behave like malloc and free. Later trials of this instance need it to. */
  behaves(): boolean {
    return isConfirmed(() => this.#tryMallocAndFree());
  }

  /** Whether a function that writes nothing gives the size of a block, as far as one block shows it. */
  seemsSize(index: number): boolean {
    return isConfirmed(() => {
      this.#sample ??= this.#take(this.#call(this.#malloc, SAMPLE_SIZE), SAMPLE_SIZE);
      this.#insistOnSize(index, this.#sample);
    });
  }

  get learnt(): Learnt {
    const onlyGrows = this.#first >= this.#scratch.firstEnd;
    return { first: this.#first, breakWord: this.#breakWord, errno: this.#errno, onlyGrows };
  }

  /** The addresses of the blocks of a fixed sequence of calls, which malloc and free make in a new instance. */
  get trace(): readonly number[] {
    this.#trace ??= this.#traceOf({});
    return this.#trace;
  }

  #traceOf(instead: Instead): number[] {
    const scratch = this.#open();
    const allocate = instead.allocate ?? ((one, size) => one.call(this.#malloc, size));
    const free = instead.free ?? ((one, address) => one.call(this.#free, address));
    const sizeOf = (at: number): number => 1 + ((at * 7919) % 1500);
    const blocks: number[] = [];
    for (let at = 0; at < TRACE_LENGTH; at += 1) {
      blocks.push(allocate(scratch, sizeOf(at)));
      if (at % 3 !== 2) continue;
      const freed = at - (at % 2);
      free(scratch, blocks[freed]!, sizeOf(freed));
      blocks[freed] = 0;
    }
    return blocks;
  }

  /** Whether the blocks of the sequence are those of malloc when it is made with another function. */
  #hasTrace(instead: Instead): boolean {
    return String(this.#traceOf(instead)) === String(this.trace);
  }

  /** Whether a function has this role. */
  has(role: Role, index: number): boolean {
    return isConfirmed(() => {
      const before = this.#words();
      const globals = this.#scratch.globals();
      this.#try(role, index);
      const own = this.#changed;
      for (const address of changedWords(before, this.#words())) {
        const known = own.some((place) => Math.abs(place - address) <= STATE_REACH);
        insist(known || this.#isStack(address), `it changes static data at ${address}`);
      }
      insist(String(globals) === String(this.#scratch.globals()), 'it changes a global');
    });
  }

  #isStack(address: number): boolean {
    const { stackTop } = this.#data;
    return stackTop !== null && address < stackTop && address >= stackTop - STACK_REACH;
  }

  #words(): Uint32Array {
    return this.#scratch.words.slice(0, Math.min(this.#first, this.#scratch.ownEnd) >>> 2);
  }

  #call(index: number, ...parameters: number[]): number {
    const before = this.#scratch.importCalls;
    const result = this.#scratch.call(index, ...parameters);
    insist(this.#scratch.importCalls === before, 'it calls an import');
    return result;
  }

  #tryMallocAndFree(): void {
    const before = this.#words();
    const first = this.#scratch.call(this.#malloc, FIRST_SIZE);
    insist(first === this.#first, 'it is another instance');
    this.#findBreakWord(this.#scratch.initial?.slice(0, before.length) ?? before, first);
    this.#call(this.#free, first);
    for (const size of SIZES) this.#take(this.#call(this.#malloc, size), size);
    this.#checkAll();
    const unaligned = this.#live.some(({ address }) => address % LARGE_ALIGNMENT !== 0);
    insist(unaligned, 'it aligns blocks more than malloc does');
    for (const block of this.#live.filter((_, at) => at % 2 === 0)) this.#release(block);
    for (const size of SIZES) this.#take(this.#call(this.#malloc, size), size);
    this.#checkAll();
    this.#checkFree(this.#free);
    this.#tryOldContents((size) => this.#call(this.#malloc, size));
    this.#freeNothing(this.#free);
    this.#tryReuse((size) => this.#call(this.#malloc, size));
    for (const block of this.#live.slice(3)) this.#release(block);
    this.#changed = changedWords(before, this.#words());
    this.#tryFailure();
    this.#changed = changedWords(before, this.#words());
    this.#take(this.#call(this.#malloc, FIRST_SIZE), FIRST_SIZE);
    this.#checkAll();
  }

  /** free leaves the contents of blocks alone. */
  #checkFree(free: number, more: (size: number) => number[] = () => []): void {
    const block = this.#take(this.#call(this.#malloc, 1000), 1000);
    this.#forget(block);
    this.#call(free, block.address, ...more(block.size));
    this.#keeps(block.address + LINKS, block.size - 2 * LINKS, block.fill);
  }

  /** Blocks have their old contents: they are not cleared. */
  #tryOldContents(allocate: (size: number) => number): void {
    const blocks = [1000, 1000, 1000, 1000].map((size) => this.#take(this.#call(this.#malloc, size), size));
    for (const block of blocks) this.#release(block);
    this.#sawOldContents = false;
    const again = blocks.map(({ size }) => this.#take(allocate(size), size));
    insist(this.#sawOldContents, 'it clears blocks');
    for (const block of again) this.#release(block);
  }

  #findBreakWord(before: Uint32Array, first: number): void {
    const now = this.#words();
    const words = changedWords(before, now).filter((address) => {
      const [initial, end] = [before[address >>> 2]!, now[address >>> 2]!];
      return (
        initial >= this.#data.end && initial <= first && end > first && end <= this.#scratch.bytes.length
      );
    });
    if (words.length !== 1) return;
    const address = words[0]!;
    this.#breakWord = { address, initial: before[address >>> 2]! };
  }

  /** Blocks that are freed must be given out again. */
  #tryReuse(allocate: (size: number) => number): void {
    const seen = new Set<number>();
    for (let round = 0; round < 200; round += 1) {
      const large = allocate(5000);
      const small = allocate(64);
      insist(large !== 0 && small !== 0, 'there is no memory');
      seen.add(large).add(small);
      this.#call(this.#free, small);
      this.#call(this.#free, large);
    }
    insist(seen.size <= 16, 'freed blocks are not used again');
  }

  #tryFailure(): void {
    const before = this.#words();
    for (const size of [TOO_LARGE, LARGER_THAN_MEMORY]) {
      insist(this.#scratch.call(this.#malloc, size) === 0, 'it finds memory where none can be');
    }
    const now = this.#words();
    const words = changedWords(before, now).filter((address) => ENOMEM.includes(now[address >>> 2]!));
    this.#errno = words.length === 1 ? words[0]! : null;
  }

  #take(address: number, size: number, alignment = 8): Block {
    const end = address + size;
    insist(address >= this.#data.end && end <= this.#scratch.bytes.length, 'the block is not in the heap');
    insist(address % alignment === 0, 'the block is not aligned');
    for (const other of this.#live) {
      insist(end <= other.address || other.address + other.size <= address, 'blocks overlap');
    }
    const inner = this.#scratch.bytes.subarray(address + LINKS, end - LINKS);
    this.#sawOldContents ||= inner.some((byte) => byte !== 0);
    this.#fill = (this.#fill % 250) + 1;
    const block = { address, size, fill: this.#fill };
    this.#scratch.bytes.fill(block.fill, address, end);
    this.#live.push(block);
    return block;
  }

  #release(block: Block): void {
    this.#live = this.#live.filter((each) => each !== block);
    this.#call(this.#free, block.address);
  }

  #forget(block: Block): void {
    this.#live = this.#live.filter((each) => each !== block);
  }

  #keeps(address: number, size: number, fill: number): void {
    const bytes = this.#scratch.bytes.subarray(address, address + size);
    insist(
      bytes.every((byte) => byte === fill),
      'the contents of a block change',
    );
  }

  #checkAll(): void {
    for (const { address, size, fill } of this.#live) this.#keeps(address, size, fill);
  }

  #try(role: Role, index: number): void {
    const live = new Set(this.#live);
    switch (role) {
      case 'malloc':
        this.#tryMalloc(index);
        break;
      case 'free':
        this.#tryFree(index);
        break;
      case 'calloc':
        this.#tryCalloc(index);
        break;
      case 'realloc':
        this.#tryRealloc(index, (pointer, size) => [pointer, size]);
        break;
      case 'reallocarray':
        this.#tryRealloc(index, (pointer, size) => [pointer, size, 1]);
        this.#tryRealloc(index, (pointer, size) => [pointer, 1, size]);
        break;
      case PREFIXED_REALLOC:
        this.#tryPrefixedRealloc(index);
        break;
      case RUST_REALLOC:
        this.#tryRustRealloc(index);
        break;
      case RUST_DEALLOC:
        this.#tryFreeing(index, (size) => [size, 1]);
        this.#tryFreeing(index, (size) => [size, 8]);
        break;
      case 'memalign':
      case 'aligned_alloc':
        this.#tryAligned((alignment, size) => this.#call(index, alignment, size));
        this.#tryPadding((alignment, size) => this.#call(index, alignment, size));
        break;
      case 'posix_memalign':
        this.#tryPosixMemalign(index);
        break;
      case 'valloc':
        this.#tryAligned((_, size) => this.#call(index, size), [4096]);
        this.#tryOldContents((size) => this.#call(index, size));
        break;
      default:
        this.#tryUsableSize(index);
    }
    this.#checkAll();
    for (const block of this.#live.filter((each) => !live.has(each))) this.#release(block);
  }

  #tryMalloc(index: number): void {
    insist(this.#hasTrace({ allocate: (one, size) => one.call(index, size) }), 'its blocks are others');
    this.#tryOldContents((size) => this.#call(index, size));
    for (const size of SIZES) this.#take(this.#call(index, size), size);
    this.#tryReuse((size) => this.#call(index, size));
    insist(this.#call(index, TOO_LARGE) === 0, 'it finds memory where none can be');
  }

  #tryFree(index: number): void {
    this.#tryFreeing(index, () => []);
    this.#freeNothing(index);
  }

  /** @param more what the function takes behind the address of a block of this size */
  #tryFreeing(index: number, more: (size: number) => number[]): void {
    const free = (one: Scratch, address: number, size: number): void => {
      one.call(index, address, ...more(size));
    };
    insist(this.#hasTrace({ free }), 'its blocks are used again otherwise');
    this.#checkFree(index, more);
    const own = SIZES.map((size) => this.#take(this.#call(this.#malloc, size), size));
    for (const block of own) {
      this.#forget(block);
      this.#call(index, block.address, ...more(block.size));
    }
    const seen = new Set<number>();
    for (let round = 0; round < 200; round += 1) {
      const address = this.#call(this.#malloc, 5000);
      seen.add(address);
      this.#call(index, address, ...more(5000));
    }
    insist(seen.size <= 8, 'freed blocks are not used again');
  }

  /** free(0) does nothing. Rust never asks for that, so its allocator traps at once, which is no less. */
  #freeNothing(free: number): void {
    const before = this.#words();
    const globals = String(this.#scratch.globals());
    try {
      this.#call(free, 0);
    } catch (error) {
      if (!(error instanceof ScratchTrap)) throw error;
      insist(changedWords(before, this.#words()).length === 0, 'it cannot free nothing');
      insist(globals === String(this.#scratch.globals()), 'it cannot free nothing');
    }
  }

  #tryCalloc(index: number): void {
    insist(this.#hasTrace({ allocate: (one, size) => one.call(index, 1, size) }), 'its blocks are others');
    const dirty = [100, 1000, 5000].map((size) => this.#take(this.#call(this.#malloc, size), size));
    for (const block of dirty) this.#release(block);
    for (const [count, each] of [
      [10, 10],
      [1, 1000],
      [1000, 1],
      [7, 13],
      [100, 50],
    ] as const) {
      const address = this.#call(index, count, each);
      this.#keeps(address, count * each, 0);
      this.#take(address, count * each);
      this.#take(this.#call(this.#malloc, 40), 40);
    }
    this.#tryReuse((size) => this.#call(index, size, 1));
    insist(this.#call(index, 1, TOO_LARGE) === 0, 'it finds memory where none can be');
  }

  #tryRealloc(index: number, parameters: (pointer: number, size: number) => number[]): void {
    const realloc = (pointer: number, size: number): number =>
      this.#call(index, ...parameters(pointer, size));
    const allocate = (one: Scratch, size: number): number => one.call(index, ...parameters(0, size));
    insist(this.#hasTrace({ allocate }), 'its blocks are others');
    this.#tryOldContents((size) => realloc(this.#call(this.#malloc, 8), size));
    const first = this.#take(realloc(0, 77), 77);
    const guard = this.#take(this.#call(this.#malloc, 77), 77);
    let block = first;
    for (const size of [300, 301, 20, 5000, 64, 40_000, 100]) {
      const address = realloc(block.address, size);
      this.#forget(block);
      this.#keeps(address, Math.min(size, block.size), block.fill);
      block = this.#take(address, size);
      this.#keeps(guard.address, guard.size, guard.fill);
    }
    insist(realloc(block.address, TOO_LARGE) === 0, 'it finds memory where none can be');
    this.#keeps(block.address, block.size, block.fill);
    // The block is still in use: nobody else gets it.
    for (let round = 0; round < 8; round += 1) this.#take(this.#call(this.#malloc, block.size), block.size);
    this.#tryReuse((size) => realloc(this.#call(this.#malloc, 48), size));
  }

  #tryPrefixedRealloc(index: number): void {
    const prefix = (address: number): string =>
      this.#scratch.words.subarray(address >>> 2, (address >>> 2) + 2).join();
    const first = this.#call(this.#malloc, PREFIX + 80);
    this.#scratch.words.set([80, 0], first >>> 2);
    let block = this.#take(first + PREFIX, 80);
    const guard = this.#take(this.#call(this.#malloc, 80), 80);
    for (const size of [304, 312, 24, 5000, 64, 40_000, 104]) {
      const address = this.#call(index, block.address, size);
      this.#forget(block);
      insist(prefix(address - PREFIX) === `${size},0`, 'the size is not before the block');
      this.#keeps(address, Math.min(size, block.size), block.fill);
      block = this.#take(address, size);
      this.#keeps(guard.address, guard.size, guard.fill);
    }
    // It asks for memory, and logs that there is none.
    const failed = this.#scratch.call(index, block.address, LARGEST_PREFIXED);
    insist(failed === 0, 'it finds memory where none can be');
    this.#keeps(block.address, block.size, block.fill);
    this.#forget(block);
    this.#call(this.#free, block.address - PREFIX);
    this.#tryReuse((size) => this.#call(index, this.#call(this.#malloc, 48) + PREFIX, size) - PREFIX);
  }

  #tryRustRealloc(index: number): void {
    const realloc = (block: Block, size: number, alignment: number): number =>
      this.#call(index, block.address, block.size, alignment, size);
    for (const alignment of [1, 8, 16, 64]) {
      let block = this.#take(this.#call(this.#malloc, 77), 77);
      const guard = this.#take(this.#call(this.#malloc, 77), 77);
      for (const size of [300, 301, 20, 5000, 64, 40_000, 100]) {
        const address = realloc(block, size, alignment);
        this.#forget(block);
        this.#keeps(address, Math.min(size, block.size), block.fill);
        block = this.#take(address, size, Math.max(alignment, 8));
        this.#keeps(guard.address, guard.size, guard.fill);
      }
      insist(realloc(block, TOO_LARGE, alignment) === 0, 'it finds memory where none can be');
      this.#keeps(block.address, block.size, block.fill);
      for (let round = 0; round < 8; round += 1) this.#take(this.#call(this.#malloc, block.size), block.size);
    }
    const grown = (size: number): number => {
      const address = this.#call(this.#malloc, 48);
      return realloc({ address, size: 48, fill: 0 }, size, 1);
    };
    this.#tryOldContents(grown);
    this.#tryReuse(grown);
  }

  #tryAligned(
    allocate: (alignment: number, size: number) => number,
    alignments: readonly number[] = [16, 64, 256, 4096],
  ): void {
    for (const alignment of alignments) {
      for (const times of [1, 1, 2, 3]) {
        const size = alignment * times;
        this.#take(allocate(alignment, size), size, alignment);
        this.#take(this.#call(this.#malloc, 40), 40);
      }
    }
    insist(allocate(alignments[0]!, TOO_LARGE) === 0, 'it finds memory where none can be');
  }

  /** A block has no room behind it that the caller might use, and is not cleared. */
  #tryPadding(allocate: (alignment: number, size: number) => number): void {
    this.#tryOldContents((size) => allocate(16, size));
    const own = this.#take(allocate(16, 2000), 2000);
    this.#take(this.#call(this.#malloc, 100), 100);
    this.#release(own);
    const larger = this.#take(this.#call(this.#malloc, 2080), 2080);
    insist(larger.address !== own.address, 'its blocks are larger than they were asked for');
  }

  #tryPosixMemalign(index: number): void {
    const place = this.#call(this.#malloc, 4);
    const allocate = (alignment: number, size: number): number => {
      const words = this.#scratch.words;
      words[place >>> 2] = 0;
      const failed = this.#call(index, place, alignment, size) !== 0;
      insist(failed === (this.#scratch.words[place >>> 2] === 0), 'its result is not an error number');
      return this.#scratch.words[place >>> 2]!;
    };
    this.#tryAligned(allocate);
    this.#tryPadding(allocate);
    this.#call(this.#free, place);
  }

  #tryUsableSize(index: number): void {
    for (const size of SIZES) {
      const block = this.#take(this.#call(this.#malloc, size), size);
      this.#insistOnSize(index, block);
      this.#release(block);
    }
  }

  /** The size is not a matter of what the block contains, as the length of a text is. */
  #insistOnSize(index: number, { address, size }: Block): void {
    const found = this.#call(index, address);
    insist(found >= size && found <= size + 64, 'it is not the size of the block');
    const contents = this.#scratch.bytes.slice(address, address + size);
    this.#scratch.bytes.fill(0, address, address + size);
    insist(this.#call(index, address) === found, 'it depends on the contents of the block');
    this.#scratch.bytes.set(contents, address);
    insist(this.#call(index, 0) === 0, 'nothing has a size');
  }
}

/**
 * Words that may be the end of the heap, where the module's JavaScript has to set it before the first allocation: they
 * are zero at first, and malloc moves them.
 */
export function unsetBreaks(scratch: Scratch, data: StaticData, malloc: number): number[] {
  const before = scratch.words.slice(0, data.end >>> 2);
  try {
    scratch.call(malloc, FIRST_SIZE);
  } catch (error) {
    if (!(error instanceof ScratchTrap)) throw error;
  }
  const now = scratch.words.slice(0, data.end >>> 2);
  return changedWords(before, now).filter(
    (address) => before[address >>> 2] === 0 && now[address >>> 2]! % 16 === 0,
  );
}

/** The address that a function returns in a new instance when it is malloc; null when it cannot be malloc. */
export function firstBlock(scratch: Scratch, data: StaticData, malloc: number): number | null {
  try {
    const first = scratch.call(malloc, FIRST_SIZE);
    const fits = first >= data.end && first + FIRST_SIZE <= scratch.bytes.length;
    return fits && first % 8 === 0 ? first : null;
  } catch (error) {
    if (error instanceof ScratchTrap) return null;
    throw error;
  }
}

function isConfirmed(attempt: () => void): boolean {
  try {
    attempt();
    return true;
  } catch (error) {
    if (error instanceof Refuted || error instanceof ScratchTrap) return false;
    throw error;
  }
}

function changedWords(before: Uint32Array, now: Uint32Array): number[] {
  const changed: number[] = [];
  for (let at = 0; at < before.length; at += 1) if (before[at] !== now[at]) changed.push(at * 4);
  return changed;
}

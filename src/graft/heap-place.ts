// Where the module's own heap begins, and how it grows. Linkers put the static data first, the stack before or behind
// it, and the heap last. The runtime takes the place at the beginning of the heap, so that the memory does not grow
// where it never did.

import { ExternalKind, type WasmModule } from '../binary/index.ts';
import { howToLink, initialWord } from '../instrument/index.ts';
import type { FunctionFacts } from './function-facts.ts';
import type { Allocator } from './recognise.ts';
import { refuse } from './refusal.ts';

const PAGE = 0x10000;
const I32 = 0x7f;
/** Linkers leave the memory below this address empty, unless the stack is there. */
const LEAST_DATA = 1024;

export interface HeapPlace {
  /** Address of the first static datum. */
  readonly dataStart: number;
  /** Address at which the heap begins; null when nothing says it. */
  readonly heapBase: number | null;
  /** Import by which Emscripten's JavaScript grows the memory; null when the module grows it itself. */
  readonly resize: number | null;
  /** The data and the stack, as far as they are known, end here: the heap begins here or later. */
  readonly least: number;
  /** Initial value of the stack pointer; null without one. */
  readonly stackTop: number | null;
  /** Address of the word in which sbrk keeps the end of the heap; null when the module has none. */
  readonly breakWord: number | null;
  /** The global that looks like the stack pointer; null without one. */
  readonly stackPointer: number | null;
}

/** Where the initial memory ends. */
export const memoryEnd = (module: WasmModule): number => Number(module.memories[0]!.minimum) * PAGE;

function exportedConstant(module: WasmModule, name: string): number | null {
  const found = module.export(name, ExternalKind.Global);
  return found === undefined ? null : (module.globals[found.index]!.initializer?.i32 ?? null);
}

export function findHeapPlace(module: WasmModule, facts: readonly FunctionFacts[]): HeapPlace {
  const end = memoryEnd(module);
  let dataStart = Number.POSITIVE_INFINITY;
  let dataEnd = 0;
  for (const { mode, offset, start, end } of module.data) {
    const at = offset?.i32;
    if (mode !== 'active' || at == null) continue;
    dataStart = Math.min(dataStart, at);
    dataEnd = Math.max(dataEnd, at + end - start);
  }
  // Without initial values, all static data is zero at first.
  if (dataStart > dataEnd) dataStart = LEAST_DATA;
  const named = module.export('__stack_pointer', ExternalKind.Global)?.index;
  const looksRight = module.globals.findIndex(({ mutable, type, initializer }) => {
    const value = initializer?.i32 ?? null;
    return mutable && type.code === I32 && value !== null && value > 1024 && value <= end;
  });
  const stackPointer = named ?? (looksRight < 0 ? null : looksRight);
  const stackTop = stackPointer === null ? null : (module.globals[stackPointer]!.initializer?.i32 ?? null);
  const least = Math.max(dataEnd, stackTop ?? 0);

  // sbrk keeps the end of the heap in a word that holds the beginning of the heap at first.
  let breakWord: number | null = null;
  let initialBreak: number | null = null;
  let resize = module.imports.find(
    ({ kind, name }) => kind === ExternalKind.Function && name === 'emscripten_resize_heap',
  )?.index;
  for (const each of facts) {
    if (!each.readsMemorySize) continue;
    for (const value of [...each.constants, ...each.offsets]) {
      const word = initialWord(module, value >>> 0);
      if (word === null || word % 16 !== 0 || word < least || word > end) continue;
      initialBreak ??= word;
      breakWord ??= value >>> 0;
    }
    for (const callee of each.calls) {
      if (callee >= module.importedFunctions || each.growsMemory) continue;
      const { parameters, results } = module.functionType(callee);
      if (parameters.length === 1 && results.length === 1) resize ??= callee;
    }
  }
  // With the stack behind the data, the heap begins where the stack does. A module without initial values may have its
  // data, which is zero at first, on either side of the stack.
  const behindStack = stackTop !== null && dataEnd > 0 && stackTop > dataEnd ? stackTop : null;
  const heapBase = exportedConstant(module, '__heap_base') ?? initialBreak ?? behindStack;
  return { dataStart, heapBase, resize: resize ?? null, least, stackTop, breakWord, stackPointer };
}

/** Where the heap begins, by hints in the module and by what its allocator has done. */
export function placeOf(module: WasmModule, hints: HeapPlace, { learnt }: Allocator): HeapPlace {
  const seen = learnt?.breakWord ?? null;
  const heapBase = seen?.initial ?? (learnt?.onlyGrows ? memoryEnd(module) : hints.heapBase);
  if (heapBase === null) {
    refuse(`nothing says where its heap begins. Export __heap_base, or ${howToLink(module)}`);
  }
  if (learnt !== null && learnt.first < heapBase) refuse('its allocator gives out memory below its heap');
  const breakWord = seen?.address ?? (learnt?.onlyGrows ? null : hints.breakWord);
  return { ...hints, heapBase: Math.ceil(heapBase / 64) * 64, breakWord };
}

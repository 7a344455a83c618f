// Where the shadow lies and how large it is. It begins where memory begins that nothing is linked to, and has an eighth
// of the most memory that the module may ever have, its own included. Memory that nobody touches costs address space
// only.

import { ExternalKind, type WasmModule } from '../binary/index.ts';
import { InvalidArgumentError, UnsupportedModuleError } from '../errors.ts';
import { findRuntime, initialWord, type ShadowPlace } from '../instrument/index.ts';
import type { Rewriter } from '../rewrite/index.ts';
import { RUNTIME_HEAP_BASE, SHADOW_GRANULE } from '../runtime/layout.ts';

const PAGE = 0x10000;
/** Pages of a memory whose limit nobody has chosen: 1 GiB. */
const DEFAULT_PAGES = 0x4000;
/** Emscripten's JavaScript ends memories here unless somebody chooses another limit. */
const MOST_PAGES = 0x10000;

/** Pages behind the shadow from the start, because growing a memory with a shadow takes V8 long (csrc/shadow.c). */
const FIRST_HEAP_PAGES = 16;

/** The shadow, and the limit that the memory gets; null for a memory that others supply. */
export interface ShadowPlan {
  readonly place: ShadowPlace;
  readonly pages: number | null;
}

const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;

/** Plans the shadow. @param maxMemory most bytes of memory for the program, without the shadow */
export function planShadow(module: WasmModule, maxMemory: number | undefined): ShadowPlan {
  const { runtimeAddress } = findRuntime(module);
  const heapBase = initialWord(module, runtimeAddress + RUNTIME_HEAP_BASE);
  if (heapBase === null) {
    throw new UnsupportedModuleError(
      'accesses cannot be checked: no data segment says where the heap of the module begins. Link it without passive segments',
    );
  }
  const memory = module.memories[0]!;
  const imported = module.imports.some(({ kind, index }) => kind === ExternalKind.Memory && index === 0);
  const maximum = memory.maximum === null ? null : Number(memory.maximum);
  // Whoever supplies a memory without a limit may let it grow as far as addresses reach.
  const pages = imported ? (maximum ?? MOST_PAGES) : ownPages(Number(memory.minimum), maximum, maxMemory);
  const bytes = roundUp((pages * PAGE) / SHADOW_GRANULE, PAGE);
  const base = roundUp(heapBase, PAGE);
  if (base + bytes > (pages - 1) * PAGE) {
    throw new InvalidArgumentError(
      'maxMemory',
      `maxMemory leaves no room for the heap beside the shadow that access checks need: the program takes ${base} bytes ` +
        `before its heap, and the shadow ${bytes}`,
    );
  }
  return { place: { base, bytes }, pages: imported ? null : pages };
}

/** Pages of a memory that the module defines. */
function ownPages(minimum: number, maximum: number | null, maxMemory: number | undefined): number {
  const most = maximum ?? MOST_PAGES;
  if (maxMemory === undefined) return Math.min(most, Math.max(DEFAULT_PAGES, minimum * 2));
  if (maxMemory < minimum * PAGE) {
    throw new InvalidArgumentError(
      'maxMemory',
      `maxMemory is ${maxMemory} bytes, but the module starts with ${minimum * PAGE} bytes of memory`,
    );
  }
  // The shadow has an eighth of the whole, so the program has seven.
  return Math.min(most, Math.ceil(((maxMemory / PAGE) * SHADOW_GRANULE) / (SHADOW_GRANULE - 1)) + 1);
}

/**
 * Limits the memory, so that the shadow has a byte for each granule. The shadow is part of the memory from the start,
 * because Emscripten's JavaScript cannot let memory grow before it has the instance. The heap keeps the room that it had,
 * because some JavaScript does not expect that memory grows early. A memory that JavaScript supplies exists before the
 * instance, and grows when the runtime takes the shadow's place.
 */
export function limitToShadow(rewriter: Rewriter, { place, pages }: ShadowPlan): void {
  if (pages === null) return;
  const minimum = Number(rewriter.module.memories[0]!.minimum);
  const wanted = Math.max(minimum, place.base / PAGE) + place.bytes / PAGE + FIRST_HEAP_PAGES;
  rewriter.setMemoryLimits(0, BigInt(Math.min(wanted, pages)), BigInt(pages));
}

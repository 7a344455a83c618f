// Which frames of a module are calls by which a function allocates for its caller. The module's code is searched when a
// report first asks. The code that searches is loaded with sandboxes whose reports are likely to be read.

import { lastAtMost } from '../algorithms/binary-search.ts';
import { readModule, type WasmModule } from '../binary/index.ts';
import { type Frame, isSizedAllocator } from '../frames/index.ts';
import { debug, debugs } from '../platform/debug.ts';

/** The names that compilers give to main. */
export const MAIN = /^(main|__original_main|__main_argc_argv)$/;

/** The type of addresses. */
const I32 = 0x7f;

let shapes: typeof import('../shapes/index.ts') | null = null;

/**
 * Loads the code that recognises wrappers by what they do, and that lists them in profiles. Without it, reports know wrappers
 * by their names alone.
 */
export async function loadShapes(): Promise<void> {
  const [room] = await Promise.all([
    shapes ?? import('../shapes/index.ts'),
    import('../profile/install-presentation.ts'),
  ]);
  shapes = room;
}

/** The same for code that has it already and cannot wait. */
export function useShapes(room: typeof import('../shapes/index.ts')): void {
  shapes = room;
}

/** The frames of one module's wrappers. */
export class ModuleWrappers {
  #found: Found | null = null;
  #module: WasmModule | null = null;
  #starts: readonly number[] | null = null;
  #missed = false;

  /**
   * @param frames the frames of a place in the original code
   * @param originalOf the place in the original code of an instruction at a file offset of the module; null when the
   *   module was not instrumented
   */
  constructor(
    private readonly module: Uint8Array,
    private readonly frames: (site: number) => readonly Frame[],
    private readonly originalOf: ((fileOffset: number) => number | null) | null,
  ) {}

  /** Whether the code that searches is loaded. */
  get searches(): boolean {
    return shapes !== null;
  }

  /** Whether hasSite() was asked about a function that might be a wrapper, and the code that searches was not loaded. */
  get wasMissed(): boolean {
    return this.#missed && shapes === null;
  }

  /** Whether the frame is such a call. */
  has(frame: Frame): boolean {
    if (shapes === null) return false;
    this.#found ??= this.#find(shapes);
    return this.#found.places.has(placeOf(frame));
  }

  /** Whether there is such a call at this offset of the original code. */
  hasSite(site: number): boolean {
    if (!this.#mayHave(site)) return false;
    if (shapes === null) {
      this.#missed = true;
      return false;
    }
    this.#found ??= this.#find(shapes);
    return this.#found.sites.has(site);
  }

  /** Whether the function at this offset takes something and returns what may be an address. */
  #mayHave(site: number): boolean {
    if (this.originalOf !== null) return true;
    if (MAIN.test(this.frames(site).at(-1)?.linkageName ?? '')) return false;
    this.#module ??= readModule(this.module);
    const { bodies, codeStart, importedFunctions } = this.#module;
    this.#starts ??= bodies.map(({ start }) => start);
    const body = lastAtMost(this.#starts, codeStart + site);
    if (body < 0) return false;
    const { parameters, results } = this.#module.functionType(importedFunctions + body);
    return parameters.length > 0 && results.length === 1 && results[0]!.code === I32;
  }

  #find({ findWrappers }: NonNullable<typeof shapes>): Found {
    this.#module ??= readModule(this.module);
    const { codeStart } = this.#module;
    const originalOf = this.originalOf ?? ((fileOffset: number) => fileOffset - codeStart);
    const found = new Map<string, Frame>();
    const sites = new Set<number>();
    for (const call of findWrappers(this.#module, isSizedAllocator).calls) {
      const site = originalOf(call);
      if (site === null) continue;
      sites.add(site);
      // Calls that were inlined into a wrapper are a part of it.
      for (const frame of this.frames(site)) found.set(placeOf(frame), frame);
    }
    if (debugs('wrappers')) debug('wrappers', namesOf([...found.values()]));
    return { places: new Set(found.keys()), sites };
  }
}

/** The calls of a module, by the places of their frames and by their offsets. */
interface Found {
  readonly places: ReadonlySet<string>;
  readonly sites: ReadonlySet<number>;
}

function namesOf(frames: readonly Frame[]): string {
  return [...new Set(frames.map((frame) => frame.function))].sort().join(', ');
}

function placeOf({ function: name, linkageName, file, line, column }: Frame): string {
  return `${name}\0${linkageName}\0${file}\0${line}\0${column}`;
}

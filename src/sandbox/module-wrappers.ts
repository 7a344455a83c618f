// Which frames of a module are calls by which a function allocates for its caller. The code that judges it is loaded with
// sandboxes whose reports are likely to be read. Others learn from wasMissed that they might need it.

import { lastAtMost } from '../algorithms/binary-search.ts';
import { ExternalKind, peekU32, readModule, type WasmModule } from '../binary/index.ts';
import type { Frame } from '../frames/index.ts';
import type { WrapperFrames } from '../shapes/index.ts';
import type { Symbolizer } from '../symbols/index.ts';

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
  #module: WasmModule | null = null;
  #starts: readonly number[] | null = null;
  #names: ReadonlySet<string> | null = null;
  #judge: WrapperFrames | null = null;
  #missed = false;

  /**
   * @param symbols the frames of places in the original code
   * @param bodies the function bodies of the original code; undefined when the module is the original
   * @param originalOf of a module that came instrumented: the place in the original code of a file offset
   */
  constructor(
    private readonly module: Uint8Array,
    private readonly symbols: () => Pick<Symbolizer, 'frames' | 'sites'>,
    private readonly bodies: readonly { readonly start: number }[] | undefined,
    private readonly originalOf: ((fileOffset: number) => number | null) | null,
  ) {}

  /** Whether something that was asked about might be a wrapper, and the code that judges was not loaded. */
  get wasMissed(): boolean {
    return this.#missed && shapes === null;
  }

  /** Whether the frame is a call by which its function allocates for its caller, or belongs to one. */
  has(frame: Frame): boolean {
    const judge = this.#judging();
    // Without it, a copy that was inlined can only be known if the function is there, too.
    if (judge === null) this.#missed ||= this.#hasFunction(frame.linkageName);
    return judge?.has(frame) === true;
  }

  /** Whether there is such a call at this offset of the original code. */
  hasSite(site: number): boolean {
    const index = this.#functionAt(site);
    if (!this.#mayAllocate(index, site) || MAIN.test(this.symbols().frames(site).at(-1)?.linkageName ?? ''))
      return false;
    const judge = this.#judging();
    this.#missed ||= judge === null;
    return judge?.hasSite(index, site) === true;
  }

  #parsed(): WasmModule {
    this.#module ??= readModule(this.module);
    return this.#module;
  }

  #judging(): WrapperFrames | null {
    if (shapes === null || this.#judge !== null) return this.#judge;
    const { codeStart } = this.#parsed();
    this.#judge = new shapes.WrapperFrames(this.#parsed(), {
      symbols: this.symbols(),
      functionAt: (site) => this.#functionAt(site),
      originalOf: this.originalOf ?? ((fileOffset) => fileOffset - codeStart),
    });
    return this.#judge;
  }

  #functionAt(site: number): number {
    const { bodies, codeStart, importedFunctions } = this.#parsed();
    this.#starts ??= this.bodies?.map(({ start }) => start) ?? bodies.map(({ start }) => start - codeStart);
    return importedFunctions + lastAtMost(this.#starts, site);
  }

  /** Whether a function takes something, or announces a block at this place, and returns what may be an address. */
  #mayAllocate(index: number, site = -1): boolean {
    if (index < this.#parsed().importedFunctions) return false;
    const { parameters, results } = this.#parsed().functionType(index);
    if (results.length !== 1 || results[0]!.code !== I32) return false;
    return parameters.length > 0 || (site >= 0 && this.#isRequest(site));
  }

  /** Whether C talks to Heapline at this place. */
  #isRequest(site: number): boolean {
    if (this.originalOf !== null) return true;
    const { bytes, codeStart } = this.#parsed();
    const request = this.#parsed().export('heapline_request', ExternalKind.Function);
    return request !== undefined && peekU32(bytes, codeStart + site + 1) === request.index;
  }

  #hasFunction(name: string): boolean {
    const module = this.#parsed();
    this.#names ??= new Set(
      [...module.functionNames()].flatMap(([index, each]) => (this.#mayAllocate(index) ? [each] : [])),
    );
    return this.#names.has(name);
  }
}

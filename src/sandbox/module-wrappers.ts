// Which frames of a module are calls by which a function allocates for its caller. The module's code is searched when a
// report first asks. The code that searches is loaded with sandboxes whose reports are likely to be read.

import { readModule } from '../binary/index.ts';
import { type Frame, isSizedAllocator } from '../frames/index.ts';
import { debug, debugs } from '../platform/debug.ts';

let shapes: typeof import('../shapes/index.ts') | null = null;

/** Loads the code that recognises wrappers by what they do. Without it, reports know wrappers by their names alone. */
export async function loadShapes(): Promise<void> {
  shapes ??= await import('../shapes/index.ts');
}

/** The same for code that has it already and cannot wait. */
export function useShapes(room: typeof import('../shapes/index.ts')): void {
  shapes = room;
}

/** The frames of one module's wrappers. */
export class ModuleWrappers {
  #places: ReadonlySet<string> | null = null;

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

  /** Whether the frame is such a call. */
  has(frame: Frame): boolean {
    if (shapes === null) return false;
    this.#places ??= this.#find(shapes);
    return this.#places.has(placeOf(frame));
  }

  #find({ findWrappers }: NonNullable<typeof shapes>): ReadonlySet<string> {
    const module = readModule(this.module);
    const originalOf = this.originalOf ?? ((fileOffset: number) => fileOffset - module.codeStart);
    const found = new Map<string, Frame>();
    for (const call of findWrappers(module, isSizedAllocator).calls) {
      const site = originalOf(call);
      // Calls that were inlined into a wrapper are a part of it.
      for (const frame of site === null ? [] : this.frames(site)) found.set(placeOf(frame), frame);
    }
    if (debugs('wrappers')) debug('wrappers', namesOf([...found.values()]));
    return new Set(found.keys());
  }
}

function namesOf(frames: readonly Frame[]): string {
  return [...new Set(frames.map((frame) => frame.function))].sort().join(', ');
}

function placeOf({ function: name, linkageName, file, line, column }: Frame): string {
  return `${name}\0${linkageName}\0${file}\0${line}\0${column}`;
}

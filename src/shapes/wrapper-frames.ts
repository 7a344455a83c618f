// Which frames are calls by which a function allocates for its caller. A function is judged when somebody asks about a frame
// or a place in it: those that allocate are few.

import type { WasmModule } from '../binary/index.ts';
import { type Frame, isSizedAllocator } from '../frames/index.ts';
import { WrapperSearch } from './wrapper-search.ts';

/** How places in the module's code relate to the original code, which has the frames. */
export interface Places {
  readonly symbols: {
    /** The frames of a place in the original code, innermost first. */
    frames(site: number): readonly Frame[];
    /** All places whose frames somebody has read, in that order. The list grows. */
    readonly sites: readonly number[];
  };
  /** Index of the function that has a place in the original code. */
  functionAt(site: number): number;
  /** The place in the original code of an instruction at a file offset of the module; null when it has none. */
  originalOf(fileOffset: number): number | null;
}

/** The frames of wrappers in one module. */
export class WrapperFrames {
  readonly #search: WrapperSearch;
  /** Where each frame was seen. */
  readonly #sitesOf = new Map<Frame, number[]>();
  #sitesRead = 0;

  constructor(
    module: WasmModule,
    private readonly places: Places,
  ) {
    this.#search = new WrapperSearch(module, isSizedAllocator);
  }

  /** Whether there is such a call of the function with this index at this place of the original code. */
  hasSite(index: number, site: number): boolean {
    return this.#sitesIn(index).includes(site);
  }

  /** Whether the frame is that of such a call. Calls that were inlined into a wrapper are a part of it. */
  has(frame: Frame): boolean {
    const { places } = this;
    if (this.#sitesWith(frame).some((site) => this.hasSite(places.functionAt(site), site))) return true;
    // Of a function that was inlined here another copy may be left.
    if (!frame.inlined) return false;
    return this.#search
      .named(frame.linkageName)
      .flatMap((index) => this.#sitesIn(index))
      .some((site) => places.symbols.frames(site).some((each) => isSamePlace(each, frame)));
  }

  #sitesIn(index: number): readonly number[] {
    return this.#search.callsOf(index).flatMap((call) => this.places.originalOf(call) ?? []);
  }

  #sitesWith(frame: Frame): readonly number[] {
    const { symbols } = this.places;
    for (; this.#sitesRead < symbols.sites.length; this.#sitesRead += 1) {
      const site = symbols.sites[this.#sitesRead]!;
      for (const each of symbols.frames(site)) this.#add(each, site);
    }
    return this.#sitesOf.get(frame) ?? [];
  }

  #add(frame: Frame, site: number): void {
    const sites = this.#sitesOf.get(frame);
    if (sites === undefined) this.#sitesOf.set(frame, [site]);
    else sites.push(site);
  }
}

function isSamePlace(a: Frame, b: Frame): boolean {
  return a.line === b.line && a.column === b.column && a.file === b.file && a.linkageName === b.linkageName;
}

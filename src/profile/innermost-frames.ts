// Looks for wrappers of malloc at the inner ends of stacks. Contexts share their call sites, so each site is judged once.

import { type Frame, isLibraryFile, type Stack } from '../frames/index.ts';
import * as layout from '../runtime/layout.ts';
import type { ContextCounters, ProfileInput } from './context-profile.ts';
import type { WrapperCollector } from './wrapper-list.ts';

/** What a call site is in the stacks that it belongs to. */
interface Site {
  /** The wrappers in it, from its inner end on. */
  readonly wrappers: readonly Frame[];
  /** The first frame that is no wrapper; null when all are. */
  readonly caller: Frame | null;
  /** Whether no C lies further out. */
  readonly isOutside: boolean;
}

const NOTHING: Site = { wrappers: [], caller: null, isOutside: false };
const OUTSIDE: Site = { ...NOTHING, isOutside: true };

/** Most wrappers that stand above each other. Recursion of more would take a time that is quadratic in its depth. */
const MOST_WRAPPERS = 64;

/** Functions of toolchains that set up a program. What they hold is not the program's. */
const START_UP = /^(?:_start|_initialize|__wasm_call_ctors|__main_void)$/;

export class InnermostFrames {
  readonly #sites = new Map<number, Site>();

  /** @param framesOf the frames of a call site in C */
  constructor(
    private readonly collector: WrapperCollector,
    private readonly framesOf: (site: number) => readonly Frame[],
    private readonly symbols: ProfileInput['symbols'],
    private readonly hostStacks: ProfileInput['hostStacks'],
  ) {}

  /** Looks at the frames of a context, innermost first, until one is no wrapper. */
  addStack({ site, parent }: Pick<ContextCounters, 'site' | 'parent'>, context: number): void {
    const wrappers: Frame[] = [];
    let caller: Frame | null = null;
    for (let at = context; at > 0 && caller === null && wrappers.length < MOST_WRAPPERS; at = parent[at]!) {
      const found = this.#site(site[at]!);
      if (found.isOutside) break;
      wrappers.push(...found.wrappers);
      caller = found.caller;
    }
    addInnermost(this.collector, wrappers, caller);
  }

  #site(site: number): Site {
    let known = this.#sites.get(site);
    if (known === undefined) {
      known = this.#look(site);
      this.#sites.set(site, known);
    }
    return known;
  }

  #look(site: number): Site {
    const { symbols, collector } = this;
    if (site === layout.SITE_TRUNCATED) return OUTSIDE;
    if (site >= layout.SITE_HOST_FLAG) {
      const id = site - layout.SITE_HOST_FLAG;
      for (const { function: name } of id === 0 ? [] : this.hostStacks.frames(id)) collector.add(name, false);
      return OUTSIDE;
    }
    if (symbols.isStartUp?.(site)) return NOTHING;
    const frames = this.framesOf(site);
    const own = frames.findIndex(
      (frame) => !collector.isWrapper(frame) && !(frame.inlined && symbols.allocates?.(frame) === true),
    );
    // What is inlined into the call of a wrapper is a part of it.
    if (own < 0 || symbols.allocatesAt?.(site)) return { ...NOTHING, wrappers: frames };
    return { ...NOTHING, wrappers: frames.slice(0, own), caller: frames[own]! };
  }
}

/** Looks at the frames of a stack, innermost first, until one is no wrapper. */
export function addStack(
  collector: WrapperCollector,
  stack: Stack,
  isWrapper: (frame: Frame) => boolean,
): void {
  const wrappers: Frame[] = [];
  let at = stack;
  for (; at.depth > 0 && isWrapper(at.frame) && wrappers.length < MOST_WRAPPERS; at = at.caller) {
    wrappers.push(at.frame);
  }
  addInnermost(collector, wrappers, at.depth > 0 && at.frame.language === 'c' ? at.frame : null);
}

/**
 * Adds the inner end of a stack.
 * @param wrappers innermost first
 * @param caller the frame that called them; null when no C did
 */
function addInnermost(collector: WrapperCollector, wrappers: readonly Frame[], caller: Frame | null): void {
  // A stack of wrappers alone keeps its outermost one.
  const named = caller ?? wrappers.at(-1);
  if (named === undefined) return;
  // What a library holds for itself says nothing of what it does for others.
  if (!START_UP.test(named.function) && !isLibraryFile(named.file)) {
    for (const frame of wrappers) if (frame !== named) collector.add(frame.function, true);
  }
  collector.add(named.function, false);
}

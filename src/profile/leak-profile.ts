// Leaks as a profile: sample types leaked_objects and leaked_space, and a string label `leak` with the class, so that
// `go tool pprof -tagfocus=leak=definite` and flame graphs work on leaks. Files and servers both write leaks through
// this builder, so the same leak is the same sample in both.
//
// Only blocks that are lost count as leaked unless told otherwise: a profile whose total is `leaked_space` must not
// count what the program still uses. pprof hides nodes below 0.5 %: show leaks with -nodefraction=0 -edgefraction=0.

import { STEP, type Steps } from '../algorithms/steps.ts';
import { type Frame, foldStacks, type Stack, stackOf, WASM, wrapperFrames } from '../frames/index.ts';
import { ProfileBuilder } from './builder.ts';
import { averageSize, headerOf } from './header.ts';
import { HeapProfile } from './heap-profile.ts';
import { tablesOrNull } from './installed-presentation.ts';
import type { WrapperCollector } from './wrapper-list.ts';

/** What a profile shows of a leak report. */
export interface LeaksOfProgram {
  /** Name of the module; '' when it has none. */
  readonly program: string;
  /** All blocks that were found, by class and calling context. */
  readonly byContext: readonly {
    readonly kind: string;
    readonly blocks: number;
    readonly bytes: number;
    /** Innermost frame first. */
    readonly frames: readonly Frame[];
  }[];
  /** Why the heap could not be searched; null when it could. */
  readonly damage: string | null;
  /** What the scan could not see, in sentences. */
  readonly notes: readonly string[];
  /** Whether a frame is a call by which a function allocates for its caller, by what the function does. */
  readonly allocates: (frame: Frame) => boolean;
}

/** Which leaks are added, and how they are labelled. */
export interface AddedLeaks {
  /** Classes to include. */
  readonly kinds?: readonly string[];
  /** String labels put on every sample, such as `instance`. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** The classes of blocks that are lost, for sure or possibly. */
const LOST: readonly string[] = ['definite', 'indirect', 'possible'];

/** Puts the leaks of any number of programs into one profile. */
export class LeakProfileBuilder {
  readonly #builder = new ProfileBuilder(headerOf('leaks'));
  readonly #comments = new Set<string>(headerOf('leaks').comments);
  readonly #mappings = new Map<string, number>();
  readonly #tables = tablesOrNull();
  readonly #wrappers = this.#tables && new this.#tables.WrapperCollector();

  /** Adds the leaks of one report. */
  *add(report: LeaksOfProgram, { kinds = LOST, labels = {} }: AddedLeaks = {}): Steps<void> {
    const builder = this.#builder;
    if (report.damage !== null) this.#comments.add(report.damage);
    for (const note of report.notes) this.#comments.add(note);
    const isWrapper = wrapperFrames([], report.allocates);
    const indexOf = stacksIn(builder, this.#mappingOf(report.program || WASM), this.#wrappers);
    for (const [i, record] of report.byContext.entries()) {
      if (i % STEP === STEP - 1) yield;
      const { kind, blocks, bytes } = record;
      if (!kinds.includes(kind)) continue;
      const own = Object.entries({ ...labels, leak: kind }).map(([key, text]) => ({ key, text }));
      const size = averageSize(blocks, bytes);
      const labelSet = builder.labels(own);
      const stack = stackOf(record, 'frames');
      if (this.#wrappers !== null) this.#tables!.addStack(this.#wrappers, stack, isWrapper);
      builder.sample(
        indexOf(stack),
        [blocks, bytes],
        size > 0 ? builder.sizedLabels(labelSet, size) : labelSet,
      );
    }
  }

  /** @param takenAt when the leaks were found, in milliseconds since 1970; 0 when that is not known */
  finish(takenAt: number): HeapProfile {
    return new HeapProfile({
      ...this.#builder.finish(),
      timeNanos: BigInt(Math.round(takenAt * 1000)) * 1000n,
      comments: [...this.#comments, ...(this.#wrappers?.comments() ?? [])],
    });
  }

  #mappingOf(program: string): number {
    let mapping = this.#mappings.get(program);
    if (mapping === undefined) {
      mapping = this.#builder.moduleMapping(program, 0);
      this.#mappings.set(program, mapping);
    }
    return mapping;
  }
}

/** A stack of a report as one of the profile. */
interface Located {
  /** The stack that called the innermost location. */
  readonly caller: number;
  /** Innermost first: a location is one place in the code, with the frames that were inlined there. */
  readonly frames: readonly Frame[];
}

// A report has no addresses, because contexts that differ in nothing but the address are one record. Every location
// of a module therefore has the same address, and its frames tell it from others.
function stacksIn(
  builder: ProfileBuilder,
  mapping: number,
  wrappers: WrapperCollector | null,
): (stack: Stack) => number {
  const address = builder.moduleStart(mapping);
  const indexOf = ({ caller, frames }: Located): number => {
    const [frame] = frames;
    if (frame === undefined) return caller;
    if (frame.language === 'js') wrappers?.add(frame.function, false);
    const location =
      frame.language === 'js' ? builder.hostLocation(frame) : builder.frameLocation(mapping, address, frames);
    return builder.stack(caller, location);
  };
  const located = foldStacks<Located>({ caller: 0, frames: [] }, (outer, frame) =>
    frame.inlined
      ? { caller: outer.caller, frames: [frame, ...outer.frames] }
      : { caller: indexOf(outer), frames: [frame] },
  );
  return (stack) => indexOf(located(stack));
}

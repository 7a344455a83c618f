// A stack frame, and frames that have only a name. This room stands below all others, errors included:
// whatever names a place in the program speaks of a Frame.

/** One symbolised stack frame, as errors, reports and profiles show it. */
export interface Frame {
  /** Function name as the source spells it, without parameters; `wasm-function[i]` at worst. */
  readonly function: string;
  /** Linkage (mangled) name where it is known, otherwise the same as `function`. */
  readonly linkageName: string;
  /** Absolute path of the source file, or '' when unknown. */
  readonly file: string;
  /** From 1; 0 when unknown. */
  readonly line: number;
  /** From 1; 0 when unknown. */
  readonly column: number;
  /** Line of the function's declaration; 0 when unknown. */
  readonly startLine: number;
  /** True when this frame was inlined into the next outer one. */
  readonly inlined: boolean;
  /** Which side of the boundary the code runs on. */
  readonly language: 'c' | 'js';
}

/** A frame that has only the name of its function. */
export function namedFrame(name: string, language: Frame['language'] = 'c'): Frame {
  return {
    function: name,
    linkageName: name,
    file: '',
    line: 0,
    column: 0,
    startLine: 0,
    inlined: false,
    language,
  };
}

// Which frames are hidden from whom. Host stacks leave out the engine, Emscripten's glue and Heapline itself.
// Baselines leave out the libraries that each toolchain brings, because a baseline holds with all toolchains.
// Reports of tests leave out the test runner. Tables and pictures of a profile leave out the functions that its
// drop_frames expression names, as pprof does.

import { foldStacks } from './fold-stacks.ts';
import type { Frame } from './frame.ts';
import type { StackColumns } from './stack-columns.ts';
import { emptyStack, type Stack, StackTree } from './stack-tree.ts';

/**
 * Name under which Emscripten's glue is compiled; each glue of a process has a number behind it. Its frames are
 * machinery, like Heapline's own, except those of JavaScript that the user wrote (src/host/glue-code.ts).
 */
export const GLUE_FILE = 'heapline:emscripten-glue.js';

/** Whether a script is Emscripten's glue. */
export function isGlue(file: string): boolean {
  return file.startsWith(GLUE_FILE);
}

/**
 * Whether a script is Heapline's own or the glue.
 * @param folders the folder of Heapline's code, by all its names (path and URL)
 */
export function isOwnScript(file: string, folders: readonly string[]): boolean {
  return isGlue(file) || folders.some((folder) => file.startsWith(folder));
}

/** Whether a script is the engine's or Node's. */
export function isEngineScript(file: string): boolean {
  return file === '' || file === '<anonymous>' || file === 'native' || file.startsWith('node:');
}

/** Sources of libc and the C++ library, as toolchains build them. */
const LIBRARY_FILE = /(^|\/)(system\/lib|libc-(top|bottom)-half|c\+\+\/v1|libcxx|libcxxabi|libc\/musl)\//;
/** Sources of Rust's library: `/rustc/<commit>/library/…`, those of Debian, and those of rustup. */
const RUST_LIBRARY_FILE = /(^|\/)rust(c[^/]*(\/[0-9a-f]{40})?)?\/library\/(std|core|alloc)\/src\//;

/** Whether a file is a source of Rust's library. */
export function isRustLibraryFile(file: string): boolean {
  return RUST_LIBRARY_FILE.test(file);
}

/** Whether a file is a source of a toolchain's own libraries. */
export function isLibraryFile(file: string): boolean {
  return LIBRARY_FILE.test(file) || isRustLibraryFile(file);
}

// Test runners have about thirty frames above every test, and the leak is never there.
function isOfHarness({ language, file }: Frame): boolean {
  return language === 'js' && /(^node:|[/\\]node_modules[/\\])/.test(file);
}

/** Makes a function that leaves the frames of Node.js and of packages out of a stack. */
export function withoutHarness(): (stack: Stack) => Stack {
  const tree = new StackTree();
  return foldStacks(emptyStack, (outer, frame) => (isOfHarness(frame) ? outer : tree.push([frame], outer)));
}

/** A stack tree as people are to see it: without the frames that are dropped. */
export interface StackView {
  /** What each stack becomes: itself or an outer one. */
  readonly visible: Int32Array;
  /** Index of the first line of each location that is shown. The lines before it are dropped. */
  readonly firstLine: Int32Array;
}

/** The part of a location that is dropped. */
const NOTHING = 0;
const WHOLE = 1;
const INLINED = 2;

/** Where a stack stands between its root and its first dropped frame. */
const BEFORE_KEPT = 0;
const AFTER_KEPT = 1;
const WAS_CUT = 2;

/**
 * Drops frames in the way of pprof's `Prune`: the outermost dropped frame goes with all that it called, except that
 * nothing goes before the first frame that is kept.
 * @param linesOf the functions in each location, innermost first
 * @param dropped whether each function is to be dropped; null drops nothing
 */
export function droppedFrames(
  stacks: StackColumns,
  linesOf: readonly { readonly lines: readonly { readonly function: number }[] }[],
  dropped: readonly boolean[] | null,
): StackView {
  const visible = new Int32Array(stacks.count);
  const firstLine = new Int32Array(linesOf.length);
  if (dropped === null) {
    for (let i = 0; i < visible.length; i++) visible[i] = i;
    return { visible, firstLine };
  }
  const action = new Uint8Array(linesOf.length);
  for (let i = 0; i < linesOf.length; i++) {
    const { lines } = linesOf[i]!;
    const outermost = lines.findLastIndex((line) => dropped[line.function] === true);
    if (outermost < 0) continue;
    if (outermost === lines.length - 1) action[i] = WHOLE;
    else {
      action[i] = INLINED;
      firstLine[i] = outermost + 1;
    }
  }
  const state = new Uint8Array(stacks.count);
  for (let i = 1; i < stacks.count; i++) {
    const parent = stacks.parent[i]!;
    const what = action[stacks.location[i]!]!;
    if (state[parent] === WAS_CUT) {
      visible[i] = visible[parent]!;
      state[i] = WAS_CUT;
    } else if (what === NOTHING || state[parent] === BEFORE_KEPT) {
      visible[i] = i;
      state[i] = what === NOTHING ? AFTER_KEPT : BEFORE_KEPT;
    } else {
      visible[i] = what === WHOLE ? parent : i;
      state[i] = WAS_CUT;
    }
  }
  return { visible, firstLine };
}

// JavaScript's side of a calling context. At the first allocation below a host entry, the runtime asks for the host's
// stack. The frames above the innermost boundary are interned here, and their id goes into the context tree. Frames
// further out, beyond C code that called back into JavaScript, are left out, because they are already parents of that
// C code's contexts.
//
// A capture costs microseconds, so it symbolises nothing. Its key consists of scripts and positions; names, files and
// source maps are looked up when a profile is made. V8's stack API is restored before anything else runs
// (https://v8.dev/docs/stack-trace-api).

import {
  type Frame,
  isEngineScript,
  isGlue,
  isOwnScript,
  NOT_CAPTURED,
  namedFrame,
  TRUNCATED,
} from '../frames/index.ts';
import { platform } from '../platform/index.ts';
import { STAND_IN } from './entries.ts';
import { INVOKE, userPlace } from './glue-code.ts';
import { Sampler } from './sampler.ts';
import { TimeBudget } from './time-budget.ts';

/** How many of the host's frames are kept of one stack: the innermost ones. `[truncated]` stands for the rest. */
const HOST_FRAMES = 100;
/** Most frames to ask for, and the factor for the next attempt when all frames so far belong to the guest. */
const DEEPEST = 200_000;
const DEEPER = 20;

interface RawFrame {
  /** Name of its script, as the engine knows it. */
  readonly script: string;
  readonly function: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The position is in the source already, because the installed `Error.prepareStackTrace` has mapped it. */
  readonly mapped: boolean;
}

type PrepareStackTrace = NonNullable<ErrorConstructor['prepareStackTrace']>;

// biome-ignore lint/complexity/noBannedTypes: V8 takes any function here
type AnyFunction = Function;

const keepSites: PrepareStackTrace = (_error, sites) => sites;

/** The frames of a stack so far, from the innermost one, and their continuations. */
interface TrieNode {
  /** Continuations by script number and position. */
  readonly next: Map<number, TrieNode>;
  /** Id of the stack that ends here; -1 when there is none yet. */
  id: number;
}

/** Key of the frames that were cut off. No frame has this key. */
const CUT = -1;
const CUT_OFF: RawFrame = { script: '', function: TRUNCATED, file: '', line: 0, column: 0, mapped: true };
/** The stack of entries whose stack was not captured because the budget was used up. */
const LEFT_OUT: readonly RawFrame[] = [{ ...CUT_OFF, function: NOT_CAPTURED }];

function follow(node: TrieNode, key: number): TrieNode {
  let next = node.next.get(key);
  if (next === undefined) {
    next = { next: new Map(), id: -1 };
    node.next.set(key, next);
  }
  return next;
}

/** Numbers of scripts by name. They hold for the whole process, because names do. */
const scriptNumbers = new Map<string, number>();
/** Number of all scripts of guests. */
const GUEST = -1;
/**
 * Number of the modules whose functions stand for those of a guest in other JavaScript. Behind such a function, further
 * in, the frames up to the guest are those of the gate.
 */
const ENTRY = 0;
/** How many frames the gate has between such a function and the guest. */
const GATE_FRAMES = 3;
/** The name of those modules, and the beginning of their scripts' names. */
export const ENTRY_MODULE = 'heapline-entry';
const ENTRY_SCRIPT = `wasm://wasm/${ENTRY_MODULE}-`;
/** Stands for the number of a script where the stack has ended. */
const END = -2;
/** Limits of positions: of any script, and of nearly all scripts. Below the latter, V8 need not box the key. */
const POSITIONS = 2 ** 31;
const FEW_POSITIONS = 2 ** 22;
const FEW_SCRIPTS = 2 ** 8;

/** Interned host stacks of one sandbox. */
export class HostStacks {
  readonly #trie: TrieNode = { next: new Map(), id: -1 };
  readonly #idOfContent = new Map<string, number>();
  readonly #raw: (readonly RawFrame[])[] = [[]];
  readonly #frames: (readonly Frame[] | undefined)[] = [[]];
  readonly #sampler: Sampler;
  /** Scripts whose frames are not shown. */
  readonly #hidden = new Set<string>();
  /** Whether functions of ENTRY_MODULE stand for those of the guest. */
  #hasEntries = false;
  /** False once V8's stack API could not be set (`--frozen-intrinsics`). Stacks are short texts from then on. */
  #apiIsFree = true;

  readonly #budget: TimeBudget | null;
  #idOfLeftOut: number | null = null;

  /**
   * @param every one of this many stacks is captured, on average; the others get the id 0
   * @param share of the time that captures may use; beyond it stacks consist of a frame that says so. Null for no limit
   */
  constructor(every = 1, share: number | null = null) {
    this.#sampler = new Sampler(every);
    this.#budget = share === null ? null : new TimeBudget(share, platform().idleTime);
  }

  /** Frames of this script are not shown. */
  hide(script: string): void {
    this.#hidden.add(script);
  }

  /** From now on stacks are looked through for functions of `ENTRY_MODULE`. */
  expectEntries(): void {
    this.#hasEntries = true;
  }

  /** Number of distinct stacks seen. */
  get size(): number {
    return this.#raw.length - 1;
  }

  /**
   * Interns the current JavaScript stack between two runs of guest frames.
   * @param entry the function through which the host last entered the guest; it and the frames above it are left out.
   *   Without it, the wasm frames show where the guest begins.
   * @param inner how many times the guest has called back and was entered again since the entry in question
   * @returns the id of the stack, 0 when the stack contains no frame of the user
   */
  capture(entry: AnyFunction | null, inner = 0): number {
    if (!this.#sampler.next()) return 0;
    const budget = this.#budget;
    if (budget !== null && !budget.allows()) return this.#leftOut();
    const begun = budget === null ? 0 : budget.begin();
    const limit = Error.stackTraceLimit;
    const previous = Error.prepareStackTrace;
    let depth = HOST_FRAMES + 1;
    while (depth <= DEEPEST) {
      // This is not a separate function, because each frame between here and the entry costs as much as one of the
      // user.
      const free = this.#apiIsFree;
      let stack: unknown;
      try {
        const holder: { stack?: unknown } = {};
        if (free) {
          Error.prepareStackTrace = keepSites;
          Error.stackTraceLimit = depth;
        }
        Error.captureStackTrace(holder, entry ?? this.capture);
        stack = holder.stack;
      } catch {
        // The engine's stack is used up, and the entry stays anonymous; or the stack API is frozen.
      } finally {
        if (free) {
          try {
            // Assigned and never deleted, because deleting makes `Error` a slow object for the whole process.
            Error.prepareStackTrace = previous as PrepareStackTrace;
            Error.stackTraceLimit = limit;
          } catch {
            this.#apiIsFree = false;
          }
        }
      }
      if (free && !this.#apiIsFree) continue;
      if (!free && typeof stack === 'string') stack = sitesIn(stack);
      if (!Array.isArray(stack)) break;
      const sites = stack as NodeJS.CallSite[];
      // V8 leaves out the JavaScript frames above `entry`, but not the wasm frames. Without an entry, Heapline's own
      // JavaScript frames come before them.
      const { length } = sites;
      let first = 0;
      let script = scriptNumberAt(sites, first);
      const runs = entry === null ? inner + 1 : inner;
      for (let run = 0; ; run++) {
        while (script === GUEST) script = scriptNumberAt(sites, ++first);
        if (run > 0 && isInvoke(sites, first, this.#hasEntries)) run--;
        else if (run === runs) break;
        while (script >= 0) script = scriptNumberAt(sites, ++first);
      }
      if (this.#hasEntries) {
        first = pastGate(sites, first);
        script = scriptNumberAt(sites, first);
      }
      const enough = first + HOST_FRAMES;
      if (length < depth || enough < length || endsWithin(sites, first)) {
        const id = this.#intern(sites, first, script, !free && length >= limit, previous);
        budget?.spend(begun);
        return id;
      }
      // The guest's frames, or frames further in, have used up the room for the host's.
      depth = first < length ? enough + 1 : depth * DEEPER;
    }
    budget?.spend(begun);
    return 0;
  }

  // A captured stack is looked up frame by frame, so that a known stack needs no string.
  #intern(
    sites: NodeJS.CallSite[],
    first: number,
    firstScript: number,
    endsEarly: boolean,
    previous: PrepareStackTrace | undefined,
  ): number {
    let node = this.#trie;
    let end = first;
    let script = firstScript;
    for (; script >= 0 && end < first + HOST_FRAMES; script = scriptNumberAt(sites, ++end)) {
      node = follow(node, keyOf(script, positionOf(sites[end]!)));
    }
    const cut = script >= 0 || (endsEarly && script === END && end > first);
    if (cut) node = follow(node, CUT);
    if (node.id < 0) {
      const frames = readFrames(sites.slice(first, end), previous);
      node.id = this.#internContent(cut ? [...frames, CUT_OFF] : frames);
    }
    return node.id;
  }

  #leftOut(): number {
    this.#idOfLeftOut ??= this.#internContent(LEFT_OUT);
    return this.#idOfLeftOut;
  }

  #internContent(frames: readonly RawFrame[]): number {
    if (frames.length === 0) return 0;
    const content = frames.map((f) => `${f.function}\0${f.file}\0${f.line}\0${f.column}`).join('\n');
    let id = this.#idOfContent.get(content);
    if (id === undefined) {
      id = this.#raw.push(frames) - 1;
      this.#idOfContent.set(content, id);
    }
    return id;
  }

  /** Whether this id was given out. 0 stands for a stack that was not captured. */
  has(id: number): boolean {
    return id === 0 || this.#raw[id] !== undefined;
  }

  /** Frames of a stack, innermost first, source maps applied. Empty for id 0 and for ids never given out. */
  frames(id: number): readonly Frame[] {
    const raw = this.#raw[id];
    if (raw === undefined) return [];
    let frames = this.#frames[id];
    if (frames === undefined) {
      frames = raw.filter(({ script }) => !this.#hidden.has(script)).map(symbolise);
      this.#frames[id] = frames;
    }
    return frames;
  }
}

function symbolise(raw: RawFrame): Frame {
  const { toPath, originalPosition } = platform().scripts;
  const position = raw.mapped
    ? { file: toPath(raw.file), line: raw.line, column: raw.column }
    : originalPosition(raw.file, raw.line, raw.column);
  return { ...namedFrame(raw.function, 'js'), ...position };
}

/** The script's name in V8's stacks: its file or its sourceURL; '' for code that was passed to eval(). */
function scriptOf(site: NodeJS.CallSite): string {
  return site.getScriptNameOrSourceURL() ?? '';
}

/** Numbers of places, for engines that do not give a frame's position in its script. */
const placeNumbers = new Map<string, number>();

/**
 * A number that distinguishes places in one script. Node.js gives the position, Deno and Bun only line and column.
 */
function positionOf(site: NodeJS.CallSite & { getPosition?: () => number }): number {
  if (site.getPosition !== undefined) return site.getPosition();
  const place = `${site.getLineNumber()}:${site.getColumnNumber()}`;
  let number = placeNumbers.get(place);
  if (number === undefined) {
    number = placeNumbers.size;
    placeNumbers.set(place, number);
  }
  return number;
}

function keyOf(script: number, position: number): number {
  return script < FEW_SCRIPTS && position < FEW_POSITIONS
    ? script * FEW_POSITIONS + position
    : (script + 1) * POSITIONS + position;
}

function scriptNumber(site: NodeJS.CallSite): number {
  let script = scriptOf(site);
  // Positions in code that was passed to eval() start at 0 for each piece.
  if (script === '' && site.isEval()) script = `${site.getFunctionName()} in ${site.getEvalOrigin()}`;
  let number = scriptNumbers.get(script);
  if (number === undefined) {
    number = script.startsWith(ENTRY_SCRIPT) ? ENTRY : isGuest(script) ? GUEST : scriptNumbers.size + 1;
    scriptNumbers.set(script, number);
  }
  return number;
}

function scriptNumberAt(sites: NodeJS.CallSite[], index: number): number {
  return index < sites.length ? scriptNumber(sites[index]!) : END;
}

/** The index of the frame that called into the gate, when the frames from `first` on are the gate's. */
function pastGate(sites: NodeJS.CallSite[], first: number): number {
  for (let at = first; at < sites.length && at <= first + GATE_FRAMES; at++) {
    const script = scriptNumber(sites[at]!);
    if (script === ENTRY) return at + 1;
    if (script < 0) break;
  }
  return first;
}

/**
 * Whether the JavaScript frames from `first` on belong to an `invoke_*`. The guest calls itself through it, so this
 * is no entry. Between it and the guest stands one frame: the stand-in of the guest's function.
 */
function isInvoke(sites: NodeJS.CallSite[], first: number, anyGlue: boolean): boolean {
  const site = sites[first + 1];
  if (site === undefined) return false;
  const script = scriptOf(site);
  return (anyGlue || isGlue(script)) && INVOKE.test(nameIn(String(site), script));
}

/** Whether a frame of the guest ends the host's frames from `first` on. */
function endsWithin(sites: NodeJS.CallSite[], first: number): boolean {
  for (let at = first; at < sites.length; at++) if (scriptNumber(sites[at]!) === GUEST) return true;
  return false;
}

function isGuest(script: string): boolean {
  return script.startsWith('wasm://') || script.startsWith('wasm-');
}

function readFrames(sites: NodeJS.CallSite[], previous: PrepareStackTrace | undefined): RawFrame[] {
  const texts = textsOf(sites, previous);
  const frames: RawFrame[] = [];
  sites.forEach((site, index) => {
    const place = placeOf(site);
    if (isGlue(place.file)) {
      const own = userPlace(place.file, place.line, place.column, nameIn(String(site), place.file));
      if (own !== null) frames.push({ ...own, script: place.file, mapped: true });
      return;
    }
    if (isEngineOrOwn(place.file) || site.isNative()) return;
    const script = scriptOf(site);
    if (script.startsWith(ENTRY_SCRIPT)) return;
    const name = nameIn(String(site), script);
    // Code that was passed to eval() is in no file. It is shown where eval() was called, and formatters do not know
    // that.
    const shown = texts === null || script === '' ? null : placeIn(texts[index]!, name);
    const mapped =
      site instanceof TextSite
        ? script !== '' && (previous !== undefined || platform().scripts.mapsStackText())
        : shown !== null && (shown.line !== place.line || shown.column !== place.column);
    if (name.endsWith(STAND_IN)) return;
    const named = name !== '' && name !== '<anonymous>';
    frames.push({ script, function: named ? name : '(anonymous)', ...place, ...shown, mapped });
  });
  return frames;
}

// A test runner that transforms modules in memory (vitest) keeps their maps to itself. It applies them in the
// `Error.prepareStackTrace` that it installs, which writes one line for each frame. This text is the only way to its
// maps.
function textsOf(sites: NodeJS.CallSite[], previous: PrepareStackTrace | undefined): string[] | null {
  // When a context has no formatter of its own, Node.js asks that of the main one. jest runs each file in a context.
  const { mainError } = platform().scripts;
  const format = previous ?? mainError.prepareStackTrace;
  if (format === undefined || sites[0] instanceof TextSite) return null;
  try {
    const text: unknown = format.call(mainError, new Error('heapline'), sites);
    if (typeof text !== 'string') return null;
    const lines = text.split('\n').filter((line) => /^\s*at /.test(line));
    return lines.length === sites.length ? lines.map((line) => line.replace(/^\s*at /, '')) : null;
  } catch {
    return null;
  }
}

/** A frame that was read from V8's text, with the methods of a CallSite that this file uses. */
class TextSite {
  readonly #file: string | null;
  readonly #line: number;
  readonly #column: number;

  constructor(private readonly text: string) {
    // Names and files may both contain brackets. Most files begin like a path or a URL.
    const place =
      (/^.*? \(((?:\/|[\w+.-]+:).*)\)$/.exec(text) ?? /^.*? \((.*)\)$/.exec(text))?.[1] ??
      text.replace(/^async /, '');
    const [, file, line, column] = /^(.+):(\d+):(\d+)$/.exec(place) ?? [];
    // For code that was passed to eval(), the text says where eval() was called, like getEvalOrigin() of a CallSite.
    this.#file = file === undefined || file.endsWith('<anonymous>') ? null : file;
    this.#line = Number(line ?? 0);
    this.#column = Number(column ?? 0);
  }

  getScriptNameOrSourceURL(): string {
    return this.text.includes('wasm://') ? 'wasm://' : (this.#file ?? '');
  }

  /** A number that no other place in the script has. */
  getPosition(): number {
    let number = textNumbers.get(this.text);
    if (number === undefined) {
      number = textNumbers.size;
      textNumbers.set(this.text, number);
    }
    return number;
  }

  getFileName(): string | null {
    return this.#file;
  }

  getLineNumber(): number {
    return this.#line;
  }

  getColumnNumber(): number {
    return this.#column;
  }

  getEvalOrigin(): string {
    return /(?:^|\()(eval at .*), <anonymous>:\d+:\d+\)?$/.exec(this.text)?.[1] ?? '';
  }

  /** False, because the positions of two different texts never collide. */
  isEval(): boolean {
    return false;
  }

  isNative(): boolean {
    return this.text.endsWith('(native)');
  }

  toString(): string {
    return this.text;
  }
}

/** Numbers of frames' texts, which stand for their positions. */
const textNumbers = new Map<string, number>();

function sitesIn(stack: string): unknown[] {
  return stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => new TextSite(line.replace(/^\s+at /, '')));
}

interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

function placeOf(site: NodeJS.CallSite): Place {
  const file = scriptOf(site);
  if (file === '') return evalPlace(site.getEvalOrigin() ?? '') ?? { file: '', line: 0, column: 0 };
  return { file, line: site.getLineNumber() ?? 0, column: site.getColumnNumber() ?? 0 };
}

// Where eval() was called: `eval at name (file:line:column)`. For nested calls of eval(), the brackets contain
// another such text. Names and files may contain brackets as well.
function evalPlace(origin: string): Place | null {
  const calls = origin.split(/eval at .*? \(/);
  const end = origin.length - (calls.length - 1);
  if (calls.length < 2 || !/^\)+$/.test(origin.slice(end))) return null;
  return readPlace(origin.slice(origin.length - calls.at(-1)!.length, end));
}

// V8 writes a frame as `name [as method] (file:line:column)`, or as `file:line:column` without a name. `async` may
// precede both. Names and files may contain brackets and spaces.
function nameIn(text: string, file: string): string {
  let end = file === '' ? text.indexOf(' (') : text.lastIndexOf(` (${file}`);
  // Deno writes a path in the text although it gives the script's name as a URL.
  if (end < 0 && file.startsWith('file:')) end = text.lastIndexOf(` (${platform().scripts.toPath(file)}`);
  return end < 0 ? '' : text.slice(0, end).replace(/^async | \[as [^\]]*\]$/g, '');
}

/** The place in a frame's text; null when there is none. */
function placeIn(text: string, name: string): Place | null {
  let rest = text.replace(/^async /, '');
  if (name !== '' && rest.startsWith(`${name} `)) rest = rest.slice(name.length + 1);
  return readPlace(/^(?:.*? )??\((.*)\)$/.exec(rest)?.[1] ?? rest);
}

function readPlace(text: string): Place | null {
  const [, file, line, column] = /^(.*):(\d+):(\d+)$/.exec(text) ?? [];
  return file === undefined || Number(line) === 0
    ? null
    : { file, line: Number(line), column: Number(column) };
}

function isEngineOrOwn(file: string): boolean {
  return isEngineScript(file) || isOwnScript(file, ownFolders());
}

function ownFolders(): readonly string[] {
  const { ownDirectory, toPath } = platform().scripts;
  return ownDirectory === null ? [] : [ownDirectory, toPath(ownDirectory)];
}

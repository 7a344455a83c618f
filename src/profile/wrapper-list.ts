// Which functions of a profile only allocate for others. The profile keeps whole stacks, and a comment lists these functions
// by the expression with which `go tool pprof -hide` leaves them out. Heapline's tables, trees and pages read the comment
// and leave the same frames out, so that their figures are those of the callers.
//
// A function is listed when it stands innermost on a stack, below nothing but others of its kind, and when no stack
// is left without a frame. One that also allocates for itself is not listed: its name would hide both.

import { CXX_LIBRARY, isDropped, printable, wrapperFrames, wrapperPatterns } from '../frames/index.ts';
import type { ProfileModel } from './model.ts';

/** Readers of profiles print no comment in their tables that begins with `#`. */
const BEFORE = "# Allocation wrappers, left out by go tool pprof -hide='";
const AFTER = "'";

/** Longest expression that stands below a table. */
const LONGEST_SHOWN = 400;
/** Names that stand below a table, and their length. Those of templates may have thousands of characters. */
const NAMES_SHOWN = 3;
const LONGEST_NAME = 60;

/** What the expression says: these names, and perhaps all functions of the C++ library. */
interface Listed {
  readonly names: ReadonlySet<string>;
  readonly cxxLibrary: boolean;
}

/** Finds out which functions a profile is to list. */
export class WrapperCollector {
  /** Whether a frame is that of a wrapper by its name or its file. */
  readonly isWrapper = wrapperFrames();
  readonly #wrappers = new Set<string>();
  readonly #others = new Set<string>();

  /** Adds a frame that is innermost, or the caller of wrappers alone. */
  add(name: string, isWrapper: boolean): void {
    (isWrapper ? this.#wrappers : this.#others).add(name);
  }

  /** Adds the functions of a profile, for one that is made of it. @returns its other comments */
  addProfile(model: ProfileModel): readonly string[] {
    const hidden = new Set(hiddenFunctions(model, []));
    for (const { name } of model.functions) this.add(name, hidden.has(name));
    return model.comments.filter((comment) => !isWrapperList(comment));
  }

  /** The comment that lists the functions, as a list of at most one. */
  comments(): readonly string[] {
    const hidden = [...this.#wrappers].filter((name) => name !== '' && !this.#others.has(name));
    const isLibrary = (name: string): boolean => CXX_LIBRARY.test(name);
    // The C++ library has many functions, with long names.
    const cxxLibrary = hidden.some(isLibrary) && ![...this.#others].some(isLibrary);
    const names = hidden.filter((name) => !isDropped(name) && !(cxxLibrary && isLibrary(name)));
    if (names.length === 0 && !cxxLibrary) return [];
    return [`${BEFORE}${expressionOf(names, cxxLibrary)}${AFTER}`];
  }
}

/** The expression that matches these names, and perhaps all functions of the C++ library. */
function expressionOf(names: readonly string[], cxxLibrary: boolean): string {
  const listed = names.length === 0 ? [] : [`^(?:${[...names].sort().map(escaped).join('|')})$`];
  return [...listed, ...(cxxLibrary ? [CXX_LIBRARY.source] : [])].join('|');
}

/** A name in an expression that stands in quotes of a shell. */
function escaped(name: string): string {
  const literal = name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a comment is one line
  return literal.replace(/[\0-\x1f\x7f']/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** Whether a comment is a list of wrappers. */
function isWrapperList(comment: string): boolean {
  return comment.startsWith(BEFORE) && comment.endsWith(AFTER) && comment.length > BEFORE.length;
}

/** The expression in a profile's comments; null when they list no wrappers. */
function listedExpression({ comments }: ProfileModel): string | null {
  const comment = comments.find(isWrapperList);
  return comment === undefined ? null : comment.slice(BEFORE.length, -AFTER.length);
}

/** What an expression says that `expressionOf` has made. Others say nothing. */
function listedIn(expression: string): Listed {
  const { source } = CXX_LIBRARY;
  const cxxLibrary = expression === source || expression.endsWith(`$|${source}`);
  const list = expression === source ? '' : cxxLibrary ? expression.slice(0, -source.length - 1) : expression;
  if (!list.startsWith('^(?:') || !list.endsWith(')$')) return { names: new Set(), cxxLibrary };
  const names = list.slice('^(?:'.length, -')$'.length).match(/(?:\\.|[^|\\])+/gs) ?? [];
  const plain = names.map((name) =>
    name.replace(/\\x([0-9a-f]{2})|\\(.)/gs, (_, code: string | undefined, c: string) =>
      code === undefined ? c : String.fromCharCode(Number.parseInt(code, 16)),
    ),
  );
  return { names: new Set(plain), cxxLibrary };
}

/**
 * The names of functions whose frames tables leave out.
 * @param patterns what the user says of functions, as `wrapperPatterns` takes it
 */
export function hiddenFunctions(model: ProfileModel, patterns: readonly string[]): string[] {
  const expression = listedExpression(model);
  if (expression === null && patterns.length === 0) return [];
  const { names, cxxLibrary } = listedIn(expression ?? '');
  const { includes, excepts } = wrapperPatterns(patterns);
  const hidden = new Set<string>();
  for (const { name, systemName } of model.functions) {
    if (name === '') continue;
    const isListed = names.has(name) || (cxxLibrary && CXX_LIBRARY.test(name));
    if (includes(name, systemName) || (isListed && !excepts(name, systemName))) hidden.add(name);
  }
  return [...hidden].sort();
}

/** The names of functions that are left out where several profiles are shown as one: all of them agree. */
export function hiddenInAll(models: readonly ProfileModel[]): string[] {
  const lists = models.map((model) => new Set(hiddenFunctions(model, [])));
  const others = new Set<string>();
  models.forEach(({ functions }, i) => {
    for (const { name } of functions) if (!lists[i]!.has(name)) others.add(name);
  });
  return [...new Set(lists.flatMap((list) => [...list]))].filter((name) => !others.has(name)).sort();
}

function shortName(name: string): string {
  return printable(name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name);
}

/** The line below a table that says what it leaves out; '' when that is nothing. */
export function hiddenNote(
  model: ProfileModel,
  hidden: readonly string[],
  patterns: readonly string[],
): string {
  if (hidden.length === 0) return '';
  const listed = patterns.length === 0 ? listedExpression(model) : null;
  const expression = listed ?? expressionOf(hidden, false);
  const more = hidden.length - NAMES_SHOWN;
  const names = `${hidden.slice(0, NAMES_SHOWN).map(shortName).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const same =
    listed !== null && expression.length > LONGEST_SHOWN
      ? 'the -hide expression that go tool pprof -comments prints gives the same figures'
      : `go tool pprof -hide='${printable(expression)}' has the same figures`;
  return `Left out, because they allocate for their callers: ${names}. --wrappers '!*' shows them; ${same}.\n`;
}

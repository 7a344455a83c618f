// Finds where the user's JavaScript in Emscripten's glue comes from: EM_JS and EM_ASM in C sources and headers,
// functions in `--js-library` files, and the files of `--pre-js` and similar flags. Emscripten keeps no record of the
// origin. It also changes the texts: the C preprocessor removes line ends and comments, and the JavaScript compiler
// indents and expands macros. So texts are compared without blanks and comments, and library functions line by line.

import { readFileSync } from 'node:fs';
import { embeddedParts, endOfStatement } from '../glue/glue-parts.ts';
import type { UserPart } from '../host/index.ts';

type Place = readonly [offset: number, line: number, column: number];

/**
 * A text without the characters that the C preprocessor removes, and the original offset of each remaining character.
 */
interface Essence {
  readonly text: string;
  readonly offsets: readonly number[];
}

/** Strings, which cannot contain comments; comments; blanks. */
const TOKEN = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|(\/\*[\s\S]*?\*\/|\/\/[^\n]*|\s+|\\\r?\n)/g;

/**
 * Finds the parts of a glue that the user wrote.
 * @param imports names of the functions that the module imports
 * @param cFiles the C sources with their headers
 * @param link the caller's linker flags
 */
export function userPartsOf(
  glue: string,
  imports: readonly string[],
  cFiles: readonly string[],
  link: readonly string[],
): UserPart[] {
  const embedded = embeddedParts(glue, imports);
  const sources = embedded.length === 0 ? [] : cFiles.map(readSource).filter(hasEmbedded);
  const parts = embedded.flatMap((part) => placedParts(glue, part, sources));
  for (const [, kind, file] of link.flatMap((flag) => [SCRIPT.exec(flag) ?? []])) {
    if (file === undefined) continue;
    const source = readSource(file);
    parts.push(...(kind === 'js-library' ? libraryParts(glue, source) : wholeFile(glue, source)));
  }
  return parts;
}

const SCRIPT = /^--(js-library|(?:extern-)?(?:pre|post)-js)=(.+)$/;

interface Source {
  readonly file: string;
  readonly text: string;
  readonly essence: () => Essence;
}

function readSource(file: string): Source {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // A header that was generated only for the compiler is gone. Its frames keep their place in the glue.
  }
  let essence: Essence | null = null;
  return {
    file,
    text,
    essence() {
      essence ??= essenceOf(text, 0, text.length);
      return essence;
    },
  };
}

const hasEmbedded = ({ text }: Source): boolean => /\bEM_(?:ASYNC_)?JS|\bEM_ASM|_EM_ASM/.test(text);

function essenceOf(text: string, start: number, end: number): Essence {
  let kept = '';
  const offsets: number[] = [];
  const keep = (from: number, to: number): void => {
    kept += text.slice(from, to);
    for (let at = from; at < to; at++) offsets.push(at);
  };
  let at = start;
  const slice = text.slice(start, end);
  for (const match of slice.matchAll(TOKEN)) {
    if (match[1] === undefined) continue; // strings stay
    keep(at, start + match.index);
    at = start + match.index + match[0].length;
  }
  keep(at, end);
  return { text: kept, offsets };
}

/** An EM_JS function or all EM_ASM bodies, each with the source that contains its text. */
function placedParts(glue: string, part: UserPart, sources: readonly Source[]): UserPart[] {
  const text = glue.slice(part.start, part.end);
  const bodies = text.startsWith('var ASM_CONSTS') ? memberBodies(text) : [functionBody(text)];
  const placed = bodies.flatMap(({ start, end, name }) => {
    const body = essenceOf(text, start, end);
    for (const source of sources) {
      const at = findBody(source.essence(), body.text, name);
      if (at < 0) continue;
      const places = placesOf(
        source,
        body.offsets.map((offset) => part.start + offset),
        at,
      );
      return [{ start: part.start + start, end: part.start + end, file: source.file, places }];
    }
    return [];
  });
  // The first part that contains a position counts, so bodies with a known source come before the whole part.
  return [...placed, part];
}

interface Body {
  readonly start: number;
  readonly end: number;
  /** Name of the EM_JS function; null for an EM_ASM body. */
  readonly name: string | null;
}

function functionBody(text: string): Body {
  const name = /^function ([\w$]+)/.exec(text)?.[1]?.replace(/^__asyncjs__/, '') ?? null;
  const async = /Asyncify\.handleAsync\(async \(\) => /.exec(text);
  const start = async === null ? text.indexOf('{') : async.index + async[0].length;
  return {
    start,
    end: async === null ? text.length : text.lastIndexOf('}', text.lastIndexOf(')')) + 1,
    name,
  };
}

/** The members of ASM_CONSTS, each on a line of its own: `1024: ($0) => { … },`. */
function memberBodies(text: string): Body[] {
  const starts = [...text.matchAll(/^ *\d+: (?:function)?\([^)]*\) *(?:=> *)?\{/gm)];
  return starts.map((match, index) => {
    const next = starts[index + 1]?.index ?? text.length;
    return {
      start: match.index + match[0].length,
      end: text.lastIndexOf('}', index + 1 < starts.length ? next - 1 : text.lastIndexOf('}') - 1),
      name: null,
    };
  });
}

/** The offset of a body in a source, after the macro that makes it a function. -1 when the source lacks the body. */
function findBody(source: Essence, body: string, name: string | null): number {
  if (body === '') return -1;
  if (name === null) {
    const macro = /EM_ASM\w*\(/.exec(source.text)?.index ?? -1;
    return macro < 0 ? -1 : source.text.indexOf(body, macro);
  }
  const macro = new RegExp(`EM_(?:ASYNC_)?JS\\([^,]*,${name.replaceAll('$', '\\$&')},`).exec(source.text);
  return macro === null ? -1 : source.text.indexOf(body, macro.index);
}

/** A place for each run of characters that are adjacent in both texts. */
function placesOf(source: Source, glueOffsets: readonly number[], at: number): Place[] {
  const { offsets } = source.essence();
  const lines = new Lines(source.text);
  const places: Place[] = [];
  glueOffsets.forEach((offset, index) => {
    const original = offsets[at + index]!;
    const isNext =
      index > 0 && offset === glueOffsets[index - 1]! + 1 && original === offsets[at + index - 1]! + 1;
    if (!isNext) places.push([offset, ...lines.placeOf(original)]);
  });
  return places;
}

class Lines {
  readonly #starts: number[] = [0];

  constructor(text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1);
  }

  placeOf(offset: number): [line: number, column: number] {
    const line = this.#starts.findLastIndex((start) => start <= offset);
    return [line + 1, offset - this.#starts[line]! + 1];
  }
}

/** The functions and objects in the glue that a `--js-library` file defines. */
function libraryParts(glue: string, source: Source): UserPart[] {
  return libraryNames(source.text).flatMap((key) => {
    const name = (key.startsWith('$') ? key.slice(1) : `_${key}`).replaceAll('$', '\\$&');
    const start = glue.search(
      new RegExp(`^ {0,2}(?:(?:async )?function\\*? ${name} ?\\(|var ${name} ?=)`, 'm'),
    );
    const end = start < 0 ? -1 : endOfStatement(glue, start);
    return end < 0 ? [] : [partByLines(glue, start, end, source, key)];
  });
}

/** Keys of the object that a library file passes to mergeInto() or addToLibrary(): the names at brace depth 1. */
function libraryNames(text: string): string[] {
  const names: string[] = [];
  const tokens =
    /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*|([{}])|(?<=[{,]\s*(?:async\s+)?)(['"]?)([\w$]+)\2(?=\s*[:(])/g;
  let depth = 0;
  for (const [token, brace, , name] of text.matchAll(tokens)) {
    if (brace !== undefined) depth += token === '{' ? 1 : -1;
    else if (name !== undefined && depth === 1 && !name.includes('__deps')) names.push(name);
  }
  return names;
}

/** A file that the glue contains unchanged, without the blanks around it. */
function wholeFile(glue: string, source: Source): UserPart[] {
  const text = source.text.trim();
  const start = text === '' ? -1 : glue.indexOf(text);
  return start < 0 ? [] : [partByLines(glue, start, start + text.length, source, null)];
}

/** A part whose lines are those of a file, apart from their indentation and from expanded macros. */
function partByLines(glue: string, start: number, end: number, source: Source, key: string | null): UserPart {
  const originals = source.text.split('\n');
  const defined =
    key === null
      ? 0
      : originals.findIndex((line) =>
          new RegExp(`(^|[{,\\s'"])${key.replaceAll('$', '\\$&')}['"]?\\s*[:(]`).test(line),
        );
  let expected = Math.max(0, defined);
  const places: Place[] = [];
  let at = start;
  for (const line of glue.slice(start, end).split('\n')) {
    const content = line.trim();
    const found = originals.findIndex((each, index) => index >= expected && each.trim() === content);
    const number = found < 0 || found > expected + 20 ? expected : found;
    const indentation = (text: string): number => text.length - text.trimStart().length;
    places.push([at + indentation(line), number + 1, indentation(originals[number] ?? '') + 1]);
    expected = Math.min(number + 1, originals.length - 1);
    at += line.length + 1;
  }
  return { start, end, file: source.file, places };
}

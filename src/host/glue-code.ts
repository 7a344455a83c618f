// Emscripten's glue holds JavaScript of three kinds: Emscripten's own, which stacks hide, the bodies of EM_JS and EM_ASM
// out of the C sources, and the functions of the caller's `--js-library` files. The last two are the user's code. This
// file says for a position in the glue whether it is the user's, and where in the sources it comes from. The link writes
// that into a comment at the end of the glue (src/compile/glue-sources.ts); otherwise glue-parts.ts looks for it.

import { GLUE_FILE } from '../frames/index.ts';

/** The glue's functions through which the guest calls its own functions where it may catch what they throw. */
export const INVOKE = /^invoke_/;

/** A part of the glue that the user wrote, as offsets in its text. */
export interface UserPart {
  readonly start: number;
  readonly end: number;
  /** Source file, where it is known. */
  readonly file?: string;
  /** From each offset in the glue on, the text is that of this line and column of the file. Both count from 1. */
  readonly places?: readonly (readonly [offset: number, line: number, column: number])[];
}

/** A place in the user's code. */
export interface UserPlace {
  readonly function: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

const COMMENT = '\n// heapline user code: ';

/** Adds what is known of the user's code to the glue. */
export function withUserParts(glue: string, parts: readonly UserPart[]): string {
  return parts.length === 0 ? glue : `${glue.trimEnd()}${COMMENT}${JSON.stringify(parts)}\n`;
}

/** The text of one glue, with the user's parts of it. They are looked for when the first frame asks for them. */
export class GlueCode {
  /** Name of the script in stacks. */
  readonly file = `${GLUE_FILE}?${++count}`;
  #parts: readonly UserPart[] | null = null;
  /** Offsets at which lines begin. */
  #lines: number[] = [];

  constructor(
    readonly text: string,
    /** Finds the user's parts where the glue does not name them. */
    private readonly find: () => readonly UserPart[],
  ) {
    known.set(this.file, new WeakRef(this));
    forgotten.register(this, this.file);
  }

  /** The place in the user's code, null when this is Emscripten's own. Lines and columns count from 1. */
  placeAt(line: number, column: number, name: string): UserPlace | null {
    this.#parts ??= this.#read();
    const offset = (this.#lines[line - 1] ?? 0) + column - 1;
    const part = this.#parts.find(({ start, end }) => start <= offset && offset < end);
    if (part === undefined) return null;
    const place = part.places?.findLast(([from]) => from <= offset) ?? part.places?.[0];
    return {
      function: nameShown(name),
      ...(place === undefined || part.file === undefined
        ? { file: GLUE_FILE, line, column }
        : { file: part.file, line: place[1], column: place[2] + Math.max(0, offset - place[0]) }),
    };
  }

  #read(): readonly UserPart[] {
    this.#lines = [0];
    for (let at = this.text.indexOf('\n'); at >= 0; at = this.text.indexOf('\n', at + 1)) {
      this.#lines.push(at + 1);
    }
    const comment = this.text.lastIndexOf(COMMENT);
    if (comment < 0) return this.find();
    try {
      return JSON.parse(this.text.slice(comment + COMMENT.length)) as UserPart[];
    } catch {
      return this.find(); // somebody has changed the file
    }
  }
}

let count = 0;
/** By the names of their scripts. Their guests hold them. */
const known = new Map<string, WeakRef<GlueCode>>();
const forgotten = new FinalizationRegistry<string>((file) => known.delete(file));

/** The place in the user's code that a frame of any glue shows; null when it is Emscripten's own code. */
export function userPlace(file: string, line: number, column: number, name: string): UserPlace | null {
  return known.get(file)?.deref()?.placeAt(line, column, name) ?? null;
}

/** EM_ASM bodies are functions with a number for a name; EM_ASYNC_JS and library functions have prefixes in the glue. */
function nameShown(name: string): string {
  const plain = name.replace(/^Object\./, '');
  if (/^\d+$/.test(plain)) return 'EM_ASM';
  return plain.replace(/^__asyncjs__|^_(?=[A-Za-z])/, '') || '(anonymous)';
}

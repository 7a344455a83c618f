// Regular expressions of drop_frames and keep_frames, which are RE2's: tcmalloc writes `(__)?posix_memalign`, others
// `(?i)` or `\z`. JavaScript's own matcher backtracks, so that an expression as harmless as `(a|a)(a|a)…` in a file
// from anywhere can keep it busy for days. This one follows all alternatives at once (K. Thompson, 1968), and its
// work is counted.
// Syntax: https://github.com/google/re2/wiki/Syntax

/** Limits of what is tried. RE2 has the one of repetitions, too. */
const MAX_LENGTH = 10_000;
const MAX_NESTING = 200;
const MAX_REPETITION = 1000;
const MAX_INSTRUCTIONS = 20_000;
/** Instructions followed for all names together: a second or two. */
const MAX_STEPS = 2e8;

/** Characters that an expression takes: pairs of first and last code point. */
type Ranges = readonly number[];

type Assertion = 'start' | 'end' | 'boundary' | 'inside';

type Tree =
  | { readonly kind: 'characters'; readonly ranges: Ranges; readonly not: boolean; readonly anyCase: boolean }
  | { readonly kind: 'assertion'; readonly what: Assertion }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Tree[] }
  | { readonly kind: 'repetition'; readonly part: Tree; readonly least: number; readonly most: number };

type Instruction =
  | { readonly op: 'characters'; readonly ranges: Ranges; readonly not: boolean; readonly anyCase: boolean }
  | { readonly op: 'assertion'; readonly what: Assertion }
  /** Goes on at both. */
  | { readonly op: 'fork'; first: number; second: number }
  | { readonly op: 'jump'; to: number }
  | { readonly op: 'match' };

class Unusable extends Error {}

/**
 * Which of the names the expression matches as a whole; null when it is none of RE2's, uses what is rare (`\pL`, `(?m)`),
 * or takes too much work.
 */
export function namesMatching(expression: string, names: readonly string[]): boolean[] | null {
  try {
    const machine = new Machine(new Parser(expression).parse());
    return names.map((name) => machine.matches(name));
  } catch (error) {
    if (error instanceof Unusable) return null;
    throw error;
  }
}

const LAST_CHARACTER = 0x10ffff;
const DIGITS: Ranges = [0x30, 0x39];
const WORD: Ranges = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a];
const SPACES: Ranges = [9, 10, 12, 13, 32, 32];
const CLASSES: Readonly<Record<string, Ranges>> = { d: DIGITS, w: WORD, s: SPACES };
const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };
const ASSERTIONS: Readonly<Record<string, Assertion>> = {
  A: 'start',
  z: 'end',
  b: 'boundary',
  B: 'inside',
};
const NAMED_CLASSES: Readonly<Record<string, Ranges>> = {
  alnum: [0x30, 0x39, 0x41, 0x5a, 0x61, 0x7a],
  alpha: [0x41, 0x5a, 0x61, 0x7a],
  ascii: [0, 0x7f],
  blank: [9, 9, 32, 32],
  cntrl: [0, 31, 127, 127],
  digit: DIGITS,
  graph: [33, 126],
  lower: [0x61, 0x7a],
  print: [32, 126],
  punct: [33, 47, 58, 64, 91, 96, 123, 126],
  space: [9, 13, 32, 32],
  upper: [0x41, 0x5a],
  word: WORD,
  xdigit: [0x30, 0x39, 0x41, 0x46, 0x61, 0x66],
};

class Parser {
  readonly #text: readonly string[];
  #at = 0;
  #nesting = 0;
  #anyCase = false;
  #anyCharacter = false;

  constructor(expression: string) {
    if (expression.length > MAX_LENGTH) throw new Unusable();
    this.#text = Array.from(expression);
  }

  parse(): Tree {
    const tree = this.#choice();
    if (this.#at < this.#text.length) throw new Unusable();
    return tree;
  }

  #takes(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.#text[this.#at + i] !== text[i]) return false;
    this.#at += text.length;
    return true;
  }

  #choice(): Tree {
    if (++this.#nesting > MAX_NESTING) throw new Unusable();
    const parts = [this.#sequence()];
    while (this.#takes('|')) parts.push(this.#sequence());
    this.#nesting--;
    return { kind: 'choice', parts };
  }

  #sequence(): Tree {
    const parts: Tree[] = [];
    for (;;) {
      const next = this.#text[this.#at];
      if (next === undefined || next === '|' || next === ')') return { kind: 'sequence', parts };
      const part = this.#part();
      if (part !== null) parts.push(this.#repeated(part));
    }
  }

  /** null for flags, which stand for nothing themselves. */
  #part(): Tree | null {
    const character = this.#text[this.#at++]!;
    switch (character) {
      case '(':
        return this.#group();
      case '[':
        return this.#class();
      case '.':
        return this.#characters(this.#anyCharacter ? [0, LAST_CHARACTER] : [0, 9, 11, LAST_CHARACTER]);
      case '^':
        return { kind: 'assertion', what: 'start' };
      case '$':
        return { kind: 'assertion', what: 'end' };
      case '*':
      case '+':
      case '?':
      case '{':
        this.#at--;
        // Nothing to repeat.
        if (this.#repetition() !== null) throw new Unusable();
        this.#at++;
        return this.#characters([0x7b, 0x7b]);
      case '\\': {
        const what = ASSERTIONS[this.#text[this.#at] ?? ''];
        if (what !== undefined) {
          this.#at++;
          return { kind: 'assertion', what };
        }
        return this.#characters(this.#escaped());
      }
      default: {
        const code = character.codePointAt(0)!;
        return this.#characters([code, code]);
      }
    }
  }

  #characters(ranges: Ranges, not = false): Tree {
    return { kind: 'characters', ranges, not, anyCase: this.#anyCase };
  }

  #group(): Tree | null {
    const anyCase = this.#anyCase;
    const anyCharacter = this.#anyCharacter;
    if (this.#takes('?')) {
      if (this.#takes('P<') || this.#takes('<')) {
        while (/^\w$/.test(this.#text[this.#at] ?? '')) this.#at++;
        if (!this.#takes('>')) throw new Unusable();
      } else {
        let on = true;
        while (!this.#takes(':')) {
          if (this.#takes('-')) on = false;
          else if (this.#takes('i')) this.#anyCase = on;
          else if (this.#takes('s')) this.#anyCharacter = on;
          // Greed says what is matched, not whether.
          else if (this.#takes(')')) return null;
          else if (!this.#takes('U')) throw new Unusable();
        }
      }
    }
    const inner = this.#choice();
    if (!this.#takes(')')) throw new Unusable();
    this.#anyCase = anyCase;
    this.#anyCharacter = anyCharacter;
    return inner;
  }

  /** What follows a backslash, unless it is an assertion. */
  #escaped(): Ranges {
    const character = this.#text[this.#at++] ?? '';
    const known = CLASSES[character.toLowerCase()];
    if (known !== undefined) return character === character.toLowerCase() ? known : complement(known);
    let code = CONTROLS[character];
    if (character === 'x') {
      const digits = /^(?:([0-9a-f]{2})|\{([0-9a-f]+)\})/i.exec(
        this.#text.slice(this.#at, this.#at + 10).join(''),
      );
      if (digits === null) throw new Unusable();
      this.#at += digits[0].length;
      code = Number.parseInt(digits[1] ?? digits[2]!, 16);
    } else if (/^[!-/:-@[-`{-~]$/.test(character)) code = character.codePointAt(0);
    if (code === undefined || code > LAST_CHARACTER) throw new Unusable();
    return [code, code];
  }

  #class(): Tree {
    const not = this.#takes('^');
    const ranges: number[] = [];
    for (let first = true; first || !this.#takes(']'); first = false) {
      if (this.#takes('[:')) {
        const inverse = this.#takes('^');
        const end = this.#text.indexOf(':', this.#at);
        const named = NAMED_CLASSES[this.#text.slice(this.#at, end).join('')];
        if (end < 0 || named === undefined || this.#text[end + 1] !== ']') throw new Unusable();
        this.#at = end + 2;
        ranges.push(...(inverse ? complement(named) : named));
        continue;
      }
      const low = this.#member();
      if (this.#text[this.#at] === '-' && (this.#text[this.#at + 1] ?? ']') !== ']') {
        this.#at++;
        const high = this.#member();
        if (low.length !== 2 || high.length !== 2 || low[0] !== low[1] || low[0]! > high[1]!)
          throw new Unusable();
        ranges.push(low[0]!, high[1]!);
      } else ranges.push(...low);
    }
    return this.#characters(ranges, not);
  }

  #member(): Ranges {
    const character = this.#text[this.#at++];
    if (character === undefined) throw new Unusable();
    if (character === '\\') return this.#escaped();
    const code = character.codePointAt(0)!;
    return [code, code];
  }

  #repeated(part: Tree): Tree {
    const range = this.#repetition();
    if (range === null) return part;
    // RE2 knows no repetition of a repetition without a group.
    if (this.#repetition() !== null) throw new Unusable();
    return { kind: 'repetition', part, least: range[0], most: range[1] };
  }

  #repetition(): readonly [least: number, most: number] | null {
    let range: readonly [number, number] | null = null;
    if (this.#takes('*')) range = [0, Number.POSITIVE_INFINITY];
    else if (this.#takes('+')) range = [1, Number.POSITIVE_INFINITY];
    else if (this.#takes('?')) range = [0, 1];
    else if (this.#text[this.#at] === '{') {
      const counted = /^\{(\d+)(?:(,)(\d*))?\}/.exec(this.#text.slice(this.#at, this.#at + 12).join(''));
      // A brace that counts nothing stands for itself.
      if (counted === null) return null;
      this.#at += counted[0].length;
      const least = Number(counted[1]);
      const most = counted[2] === undefined ? least : Number(counted[3] || Number.POSITIVE_INFINITY);
      if (least > most || least > MAX_REPETITION || (most > MAX_REPETITION && counted[3]))
        throw new Unusable();
      range = [least, most];
    }
    if (range !== null) this.#takes('?');
    return range;
  }
}

function complement(ranges: Ranges): Ranges {
  const result: number[] = [];
  let next = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    if (ranges[i]! > next) result.push(next, ranges[i]! - 1);
    next = ranges[i + 1]! + 1;
  }
  return [...result, next, LAST_CHARACTER];
}

/** An expression as instructions, and the places in them that the characters so far can have led to. */
class Machine {
  readonly #program: Instruction[] = [];
  /** The last set of places that each was put into. */
  readonly #seen: Float64Array;
  #set = 0;
  #steps = 0;

  constructor(tree: Tree) {
    this.#compile(tree);
    this.#emit({ op: 'match' });
    this.#seen = new Float64Array(this.#program.length);
  }

  #emit<I extends Instruction>(instruction: I): I {
    if (this.#program.push(instruction) > MAX_INSTRUCTIONS) throw new Unusable();
    return instruction;
  }

  #compile(tree: Tree): void {
    const program = this.#program;
    switch (tree.kind) {
      case 'characters':
        this.#emit({ op: 'characters', ranges: tree.ranges, not: tree.not, anyCase: tree.anyCase });
        break;
      case 'assertion':
        this.#emit({ op: 'assertion', what: tree.what });
        break;
      case 'sequence':
        for (const part of tree.parts) this.#compile(part);
        break;
      case 'choice': {
        const ends: { to: number }[] = [];
        for (const [i, part] of tree.parts.entries()) {
          if (i === tree.parts.length - 1) {
            this.#compile(part);
            break;
          }
          const fork = this.#emit({ op: 'fork', first: program.length + 1, second: 0 });
          this.#compile(part);
          ends.push(this.#emit({ op: 'jump', to: 0 }));
          fork.second = program.length;
        }
        for (const end of ends) end.to = program.length;
        break;
      }
      case 'repetition': {
        for (let i = 0; i < tree.least; i++) this.#compile(tree.part);
        if (tree.most === Number.POSITIVE_INFINITY) {
          const start = program.length;
          const fork = this.#emit({ op: 'fork', first: start + 1, second: 0 });
          this.#compile(tree.part);
          this.#emit({ op: 'jump', to: start });
          fork.second = program.length;
          break;
        }
        const forks: { second: number }[] = [];
        for (let i = tree.least; i < tree.most; i++) {
          forks.push(this.#emit({ op: 'fork', first: program.length + 1, second: 0 }));
          this.#compile(tree.part);
        }
        for (const fork of forks) fork.second = program.length;
        break;
      }
    }
  }

  matches(name: string): boolean {
    const program = this.#program;
    const text = Array.from(name, (character) => character.codePointAt(0)!);
    let places = this.#reachable([0], text, 0);
    for (let at = 0; at < text.length; at++) {
      const next: number[] = [];
      for (const place of places) {
        const instruction = program[place]!;
        if (instruction.op === 'characters' && takes(instruction, text[at]!)) next.push(place + 1);
      }
      if (next.length === 0) return false;
      places = this.#reachable(next, text, at + 1);
    }
    return places.some((place) => program[place]!.op === 'match');
  }

  /** The places that wait for a character, or match, and are led to from these without one. */
  #reachable(from: number[], text: readonly number[], at: number): number[] {
    const result: number[] = [];
    const set = ++this.#set;
    const open = from;
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      if (this.#seen[place] === set) continue;
      this.#seen[place] = set;
      if (++this.#steps > MAX_STEPS) throw new Unusable();
      const instruction = this.#program[place]!;
      if (instruction.op === 'fork') open.push(instruction.second, instruction.first);
      else if (instruction.op === 'jump') open.push(instruction.to);
      else if (instruction.op !== 'assertion') result.push(place);
      else if (holds(instruction.what, text, at)) open.push(place + 1);
    }
    return result;
  }
}

function within(ranges: Ranges, character: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) {
    if (character >= ranges[i]! && character <= ranges[i + 1]!) return true;
  }
  return false;
}

function takes(
  { ranges, not, anyCase }: { readonly ranges: Ranges; readonly not: boolean; readonly anyCase: boolean },
  character: number,
): boolean {
  if (!anyCase) return within(ranges, character) !== not;
  const text = String.fromCodePoint(character);
  const forms = [character, text.toLowerCase().codePointAt(0)!, text.toUpperCase().codePointAt(0)!];
  return forms.some((form) => within(ranges, form)) !== not;
}

function holds(what: Assertion, text: readonly number[], at: number): boolean {
  if (what === 'start') return at === 0;
  if (what === 'end') return at === text.length;
  const before = at > 0 && within(WORD, text[at - 1]!);
  const after = at < text.length && within(WORD, text[at]!);
  return (before !== after) === (what === 'boundary');
}

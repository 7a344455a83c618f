// The names of Rust's functions. rustc has two ways to mangle them: the legacy one, which borrows the form of C++ names
// and ends in a hash, and v0 (RFC 2603, https://rust-lang.github.io/rfcs/2603-rust-symbol-name-mangling-v0.html). The
// algorithms follow the crate rustc-demangle (https://github.com/rust-lang/rustc-demangle). Hashes are left out, because
// they differ from build to build. Names come from modules of unknown origin, so depth and length are limited.

/** The name as Rust's own backtraces spell it; null for a name that rustc has not mangled. */
export function rustName(mangled: string): string | null {
  if (mangled.startsWith('_ZN')) return legacyName(mangled);
  if (mangled.startsWith('_R')) return v0Name(mangled);
  return null;
}

/** Whether this mangled name is that of a program's main. */
export function isRustMain(mangled: string): boolean {
  return (
    /^(?:_ZN\w+4main17h[0-9a-f]{16}E|_RNvC\w+4main)$/.test(mangled) &&
    /^\w+::main$/.test(rustName(mangled) ?? '')
  );
}

/** The functions of Rust's library that call main, up to the point where Rust's own backtraces begin. */
const RUST_START = /^std::(?:rt|sys(?:_common)?::backtrace|panicking|panic)::/;
/** Whether a function belongs to what Rust runs before main. */
export function isRustStart(mangled: string): boolean {
  return /lang_start|rust_begin_short_backtrace/.test(mangled) && RUST_START.test(rustName(mangled) ?? '');
}

// -- legacy --------------------------------------------------------------------------------------------------------

const HASH = /^h[0-9a-f]{16}$/;
const ESCAPES: Readonly<Record<string, string>> = {
  SP: '@',
  BP: '*',
  RF: '&',
  LT: '<',
  GT: '>',
  LP: '(',
  RP: ')',
  C: ',',
};

function legacyName(mangled: string): string | null {
  const parts: string[] = [];
  let at = 3;
  while (mangled[at] !== 'E') {
    const digits = /^[1-9]\d{0,5}/.exec(mangled.slice(at, at + 6))?.[0];
    if (digits === undefined) return null;
    const start = at + digits.length;
    at = start + Number(digits);
    if (at >= mangled.length) return null;
    parts.push(mangled.slice(start, at));
  }
  // A name of C++ has no hash.
  if (parts.length < 2 || !HASH.test(parts.pop()!)) return null;
  return parts.map(unescaped).join('::');
}

function unescaped(part: string): string {
  return part
    .replace(/^_(?=\$)/, '')
    .replace(/\.\.|\$(?:([A-Z]{1,2})|u([0-9a-f]{1,6}))\$/g, (whole, name?: string, code?: string) => {
      if (whole === '..') return '::';
      if (name !== undefined) return ESCAPES[name] ?? whole;
      const point = Number.parseInt(code!, 16);
      return point < 0x20 || point > 0x10ffff ? whole : String.fromCodePoint(point);
    });
}

// -- v0 ------------------------------------------------------------------------------------------------------------

const MOST_DEPTH = 200;
const MOST_LENGTH = 10_000;

const BASIC_TYPES: Readonly<Record<string, string>> = {
  a: 'i8',
  b: 'bool',
  c: 'char',
  d: 'f64',
  e: 'str',
  f: 'f32',
  h: 'u8',
  i: 'isize',
  j: 'usize',
  l: 'i32',
  m: 'u32',
  n: 'i128',
  o: 'u128',
  p: '_',
  s: 'i16',
  t: 'u16',
  u: '()',
  v: '...',
  x: 'i64',
  y: 'u64',
  z: '!',
};
const SIGNED = /^[aslxni]$/;
const INTEGER = /^[aslxnihtmyoj]$/;

/** The name cannot be read. */
class Unreadable extends Error {}

function v0Name(mangled: string): string | null {
  const end = mangled.search(/[.$]/);
  const name = new V0Name(end < 0 ? mangled.slice(2) : mangled.slice(2, end));
  try {
    return name.read();
  } catch (error) {
    if (error instanceof Unreadable) return null;
    throw error;
  }
}

/** Reads one name and writes it down. Back references count from the character after `_R`. */
class V0Name {
  #at = 0;
  #depth = 0;
  #written = '';
  /** False while a part is read that does not appear in the name. */
  #writes = true;
  /** Lifetimes that are bound where the reader stands. */
  #bound = 0;

  constructor(private readonly text: string) {}

  read(): string {
    // A digit would be the version of a later encoding.
    if (/^\d/.test(this.text)) throw new Unreadable();
    this.#path(true);
    if (this.#at < this.text.length) this.#silently(() => this.#path(false));
    if (this.#at < this.text.length) throw new Unreadable();
    return this.#written;
  }

  #next(): string {
    const character = this.text[this.#at++];
    if (character === undefined) throw new Unreadable();
    return character;
  }

  #eat(character: string): boolean {
    if (this.text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #write(text: string): void {
    if (!this.#writes) return;
    this.#written += text;
    if (this.#written.length > MOST_LENGTH) throw new Unreadable();
  }

  #silently(read: () => void): void {
    const writes = this.#writes;
    this.#writes = false;
    read();
    this.#writes = writes;
  }

  #deeper<T>(read: () => T): T {
    if (++this.#depth > MOST_DEPTH) throw new Unreadable();
    const result = read();
    this.#depth--;
    return result;
  }

  /** A number in base 62: nothing before the `_` is 0. */
  #base62(): number {
    const [digits] = /^[0-9a-zA-Z]*/.exec(this.text.slice(this.#at, this.#at + 12))!;
    this.#at += digits.length;
    if (this.#next() !== '_') throw new Unreadable();
    let value = 0;
    for (const digit of digits) {
      const code = digit.charCodeAt(0);
      value = value * 62 + code - (code < 58 ? 48 : code < 91 ? 65 - 36 : 97 - 10);
    }
    // The numbers of crates are larger than exact integers, and are not shown.
    return digits === '' ? 0 : value + 1;
  }

  /** A number that is left out when it is 0. */
  #numberAfter(tag: string): number {
    return this.#eat(tag) ? this.#base62() + 1 : 0;
  }

  /** Reads what stands at an earlier place in the name. What is not written need not be read again. */
  #back(read: () => void): void {
    const start = this.#at - 1;
    const target = this.#base62();
    if (target >= start) throw new Unreadable();
    if (!this.#writes) return;
    const after = this.#at;
    this.#at = target;
    this.#deeper(read);
    this.#at = after;
  }

  #identifier(): string {
    const encoded = this.#eat('u');
    const digits = /^(?:0|[1-9]\d{0,5})/.exec(this.text.slice(this.#at, this.#at + 6))?.[0];
    if (digits === undefined) throw new Unreadable();
    this.#at += digits.length;
    this.#eat('_');
    const start = this.#at;
    this.#at += Number(digits);
    if (this.#at > this.text.length) throw new Unreadable();
    const bytes = this.text.slice(start, this.#at);
    return encoded ? decodePunycode(bytes) : bytes;
  }

  /** @param value whether the path names a value, where generic arguments stand behind `::` */
  #path(value: boolean): void {
    this.#deeper(() => this.#pathHere(value));
  }

  #pathHere(value: boolean): void {
    const tag = this.#next();
    switch (tag) {
      case 'C':
        this.#numberAfter('s');
        this.#write(this.#identifier());
        break;
      case 'N': {
        const namespace = this.#next();
        if (!/[a-zA-Z]/.test(namespace)) throw new Unreadable();
        this.#path(value);
        const number = this.#numberAfter('s');
        const name = this.#identifier();
        if (/[A-Z]/.test(namespace)) {
          const kind = namespace === 'C' ? 'closure' : namespace === 'S' ? 'shim' : namespace;
          this.#write(`::{${kind}${name === '' ? '' : `:${name}`}#${number}}`);
        } else if (name !== '') this.#write(`::${name}`);
        break;
      }
      case 'M':
      case 'X':
      case 'Y':
        if (tag !== 'Y') {
          this.#numberAfter('s');
          this.#silently(() => this.#path(false));
        }
        this.#write('<');
        this.#type();
        if (tag !== 'M') {
          this.#write(' as ');
          this.#path(false);
        }
        this.#write('>');
        break;
      case 'I':
        this.#path(value);
        this.#write(value ? '::<' : '<');
        this.#list(', ', () => this.#genericArgument());
        this.#write('>');
        break;
      case 'B':
        this.#back(() => this.#path(value));
        break;
      default:
        throw new Unreadable();
    }
  }

  /** Reads items up to an `E`, and returns how many there were. */
  #list(separator: string, item: () => void): number {
    let count = 0;
    for (; !this.#eat('E'); count++) {
      if (count > 0) this.#write(separator);
      item();
    }
    return count;
  }

  #genericArgument(): void {
    if (this.#eat('L')) this.#lifetime();
    else if (this.#eat('K')) this.#constant();
    else this.#type();
  }

  #lifetime(): void {
    const index = this.#base62();
    this.#write(index === 0 ? "'_" : this.#lifetimeOf(index));
  }

  #lifetimeOf(index: number): string {
    if (index > this.#bound) throw new Unreadable();
    return `'${lifetimeName(this.#bound - index)}`;
  }

  #inBinder(read: () => void): void {
    const count = this.#numberAfter('G');
    const outer = this.#bound;
    if (count > 0) {
      if (count > MOST_LENGTH) throw new Unreadable();
      this.#write(
        `for<${Array.from({ length: count }, (_, i) => `'${lifetimeName(outer + i)}`).join(', ')}> `,
      );
    }
    this.#bound = outer + count;
    read();
    this.#bound = outer;
  }

  #type(): void {
    this.#deeper(() => this.#typeHere());
  }

  #typeHere(): void {
    const tag = this.#next();
    if (Object.hasOwn(BASIC_TYPES, tag)) this.#write(BASIC_TYPES[tag]!);
    else if (tag === 'R' || tag === 'Q') this.#reference(tag === 'Q');
    else if (tag === 'P' || tag === 'O') {
      this.#write(tag === 'P' ? '*const ' : '*mut ');
      this.#type();
    } else if (tag === 'A' || tag === 'S') this.#sequence(tag === 'A');
    else if (tag === 'T') {
      this.#write('(');
      const count = this.#list(', ', () => this.#type());
      this.#write(count === 1 ? ',)' : ')');
    } else if (tag === 'F') this.#inBinder(() => this.#function());
    else if (tag === 'D') this.#dynamic();
    else if (tag === 'B') this.#back(() => this.#type());
    else {
      this.#at--;
      this.#path(false);
    }
  }

  #reference(mutable: boolean): void {
    this.#write('&');
    // A lifetime that nobody named is not shown.
    const index = this.#eat('L') ? this.#base62() : 0;
    if (index > 0) this.#write(`${this.#lifetimeOf(index)} `);
    if (mutable) this.#write('mut ');
    this.#type();
  }

  #sequence(sized: boolean): void {
    this.#write('[');
    this.#type();
    if (sized) {
      this.#write('; ');
      this.#constant();
    }
    this.#write(']');
  }

  #function(): void {
    if (this.#eat('U')) this.#write('unsafe ');
    if (this.#eat('K')) {
      const name = this.#eat('C') ? 'C' : this.#identifier().replaceAll('_', '-');
      this.#write(`extern "${name}" `);
    }
    this.#write('fn(');
    this.#list(', ', () => this.#type());
    this.#write(')');
    if (this.#eat('u')) return;
    this.#write(' -> ');
    this.#type();
  }

  #dynamic(): void {
    this.#write('dyn ');
    this.#inBinder(() => this.#list(' + ', () => this.#dynamicTrait()));
    if (!this.#eat('L')) throw new Unreadable();
    const index = this.#base62();
    if (index > 0) this.#write(` + ${this.#lifetimeOf(index)}`);
  }

  #dynamicTrait(): void {
    let open = this.#openPath();
    while (this.#eat('p')) {
      this.#write(open ? ', ' : '<');
      open = true;
      this.#write(`${this.#identifier()} = `);
      this.#type();
    }
    if (open) this.#write('>');
  }

  /** A path whose list of generic arguments may go on. Returns whether it does. */
  #openPath(): boolean {
    let open = false;
    if (this.#eat('B')) {
      this.#back(() => {
        open = this.#openPath();
      });
    } else if (this.#eat('I')) {
      this.#path(false);
      this.#write('<');
      this.#list(', ', () => this.#genericArgument());
      open = true;
    } else this.#path(false);
    return open;
  }

  #constant(): void {
    const tag = this.#next();
    if (tag === 'B') this.#back(() => this.#constant());
    else if (tag === 'p') this.#write('_');
    else if (tag === 'b') this.#write(this.#valueUpTo(1n) === 1n ? 'true' : 'false');
    else if (tag === 'c') this.#write(`'${String.fromCodePoint(Number(this.#valueUpTo(0x10ffffn)))}'`);
    else if (INTEGER.test(tag)) {
      if (SIGNED.test(tag) && this.#eat('n')) this.#write('-');
      const value = this.#valueUpTo(2n ** 128n);
      this.#write(value >= 2n ** 64n ? `0x${value.toString(16)}` : value.toString());
    } else throw new Unreadable();
  }

  #valueUpTo(most: bigint): bigint {
    const digits = /^[0-9a-f]*_/.exec(this.text.slice(this.#at, this.#at + 40))?.[0];
    if (digits === undefined) throw new Unreadable();
    this.#at += digits.length;
    const value = BigInt(`0x0${digits.slice(0, -1)}`);
    if (value > most) throw new Unreadable();
    return value;
  }
}

function lifetimeName(depth: number): string {
  return depth < 26 ? String.fromCharCode(97 + depth) : `z${depth - 25}`;
}

/** RFC 3492 with `_` in place of the hyphen. */
function decodePunycode(text: string): string {
  const delimiter = text.lastIndexOf('_');
  const output = delimiter < 0 ? [] : [...text.slice(0, delimiter)];
  let n = 128;
  let i = 0;
  let bias = 72;
  for (let at = delimiter + 1, first = true; at < text.length; first = false) {
    const before = i;
    for (let weight = 1, k = 36; ; k += 36) {
      const code = text.charCodeAt(at++);
      const digit = code >= 97 && code <= 122 ? code - 97 : code >= 48 && code <= 57 ? code - 22 : -1;
      if (digit < 0) throw new Unreadable();
      i += digit * weight;
      const threshold = Math.min(Math.max(k - bias, 1), 26);
      if (digit < threshold) break;
      weight *= 36 - threshold;
      if (i > 2 ** 31 || weight > 2 ** 31) throw new Unreadable();
    }
    const length = output.length + 1;
    let delta = Math.floor((i - before) / (first ? 700 : 2));
    delta += Math.floor(delta / length);
    let k = 0;
    for (; delta > 455; k += 36) delta = Math.floor(delta / 35);
    bias = k + Math.floor((36 * delta) / (delta + 38));
    n += Math.floor(i / length);
    i %= length;
    if (n > 0x10ffff) throw new Unreadable();
    output.splice(i++, 0, String.fromCodePoint(n));
  }
  return output.join('');
}

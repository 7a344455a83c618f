// Turns the names that std::type_info has for C++ types into names as people write them. The Itanium ABI defines
// their mangling (section 5.1.5). This is the grammar of types only: a name with anything else, such as an
// expression, stays as it is.

const BUILTIN: Readonly<Record<string, string>> = {
  v: 'void',
  w: 'wchar_t',
  b: 'bool',
  c: 'char',
  a: 'signed char',
  h: 'unsigned char',
  s: 'short',
  t: 'unsigned short',
  i: 'int',
  j: 'unsigned int',
  l: 'long',
  m: 'unsigned long',
  x: 'long long',
  y: 'unsigned long long',
  n: '__int128',
  o: 'unsigned __int128',
  f: 'float',
  d: 'double',
  e: 'long double',
  g: '__float128',
  z: '...',
  Dn: 'std::nullptr_t',
  Du: 'char8_t',
  Ds: 'char16_t',
  Di: 'char32_t',
  Da: 'auto',
};

const STANDARD: Readonly<Record<string, string>> = {
  St: 'std',
  Sa: 'std::allocator',
  Sb: 'std::basic_string',
  Ss: 'std::string',
  Si: 'std::istream',
  So: 'std::ostream',
  Sd: 'std::iostream',
};

/** Text that follows or encloses a type. */
const SUFFIX: Readonly<Record<string, string>> = {
  P: '*',
  R: '&',
  O: '&&',
  K: ' const',
  V: ' volatile',
  r: ' restrict',
};

class NotAType extends Error {}

/** The written name of a type, given the name in its std::type_info: `St13runtime_error` is `std::runtime_error`. */
export function readTypeName(mangled: string): string {
  const name = mangled.replace(/^\*/, ''); // the mark of a type that other files cannot see
  try {
    const reader = new TypeReader(name);
    const type = reader.type();
    return reader.done ? tidy(type) : name;
  } catch (error) {
    if (error instanceof NotAType || error instanceof RangeError) return name;
    throw error;
  }
}

/** A name without libc++'s inline namespaces and default arguments. */
function tidy(type: string): string {
  return type
    .replace(/\bstd::__\w+::/g, 'std::')
    .replaceAll(/std::basic_string<(char|wchar_t), std::char_traits<\1>, std::allocator<\1>>/g, (_, char) =>
      char === 'char' ? 'std::string' : 'std::wstring',
    )
    .replaceAll(/, std::(?:allocator|default_delete)<[^<>]*>(?=>)/g, '');
}

class TypeReader {
  #at = 0;
  /** What `S_`, `S0_` and so on stand for. */
  readonly #seen: string[] = [];

  constructor(private readonly text: string) {}

  get done(): boolean {
    return this.#at === this.text.length;
  }

  #peek(length = 1): string {
    return this.text.slice(this.#at, this.#at + length);
  }

  #take(expected: string): boolean {
    if (!this.text.startsWith(expected, this.#at)) return false;
    this.#at += expected.length;
    return true;
  }

  #expect(expected: string): void {
    if (!this.#take(expected)) throw new NotAType();
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0];
    if (found === undefined) throw new NotAType();
    this.#at += found.length;
    return found;
  }

  #remember(type: string): string {
    this.#seen.push(type);
    return type;
  }

  type(): string {
    const builtin = [this.#peek(2), this.#peek(1)].find((code) => Object.hasOwn(BUILTIN, code));
    if (builtin !== undefined) {
      this.#at += builtin.length;
      return BUILTIN[builtin]!;
    }
    const suffix = SUFFIX[this.#peek()];
    if (suffix !== undefined) {
      this.#at++;
      return this.#remember(around(this.type(), suffix));
    }
    if (this.#take('A')) {
      const length = this.#match(/\d*/y);
      this.#expect('_');
      return this.#remember(`${this.type()} [${length}]`);
    }
    if (this.#take('F')) return this.#remember(this.#functionType());
    if (this.#take('M')) {
      const owner = this.type();
      return this.#remember(around(this.type(), ` ${owner}::*`));
    }
    return this.#className();
  }

  #functionType(): string {
    this.#take('Y');
    const result = this.type();
    const parameters: string[] = [];
    while (!this.#take('E')) parameters.push(this.type());
    return `${result} (${parameters.join(', ') === 'void' ? '' : parameters.join(', ')})`;
  }

  #className(): string {
    if (this.#take('N')) return this.#nested();
    if (this.#take('Z')) return this.#local();
    let name: string;
    if (this.#peek(2) === 'St') {
      this.#at += 2;
      name = this.#remember(`std::${this.#sourceName()}`);
    } else if (this.#peek() === 'S') {
      name = this.#substitution();
      // A substitution is not remembered again.
      if (this.#peek() !== 'I') return name;
    } else {
      name = this.#remember(this.#sourceName());
    }
    return this.#peek() === 'I' ? this.#remember(name + this.#templateArguments()) : name;
  }

  /** Nested names: all but the last can be substituted later. */
  #nested(): string {
    this.#match(/[rVK]*/y);
    let name = '';
    while (!this.#take('E')) {
      if (this.#peek() === 'I') {
        name = this.#remember(name + this.#templateArguments());
      } else if (this.#peek() === 'S') {
        name = this.#peek(2) === 'St' && this.#take('St') ? 'std' : this.#substitution();
      } else {
        const part = this.#sourceName();
        name = this.#remember(name === '' ? part : `${name}::${part}`);
      }
    }
    return name;
  }

  /** A type that is local to a function. Only its name is shown. */
  #local(): string {
    const scope = this.#take('N') ? this.#nested() : this.#sourceName();
    while (this.#peek() !== 'E') this.type();
    this.#expect('E');
    const name = this.#sourceName();
    this.#match(/(?:_\d|__\d+_)?/y);
    return this.#remember(`${scope}::${name}`);
  }

  #sourceName(): string {
    if (this.#take('Ut') || this.#take('Ul')) throw new NotAType();
    const length = Number(this.#match(/\d+/y));
    const name = this.#peek(length);
    if (length === 0 || name.length !== length) throw new NotAType();
    this.#at += length;
    this.#match(/(?:B\d+[a-z]\w*?(?=[\dEIS]))?/y);
    return name.startsWith('_GLOBAL__N') ? '(anonymous namespace)' : name;
  }

  #substitution(): string {
    const standard = STANDARD[this.#peek(2)];
    if (standard !== undefined) {
      this.#at += 2;
      return standard;
    }
    const digits = this.#match(/S[0-9A-Z]*_/y).slice(1, -1);
    const found = this.#seen[digits === '' ? 0 : Number.parseInt(digits, 36) + 1];
    if (found === undefined) throw new NotAType();
    return found;
  }

  #templateArguments(): string {
    this.#expect('I');
    const given: string[] = [];
    while (!this.#take('E')) {
      if (this.#take('J')) while (!this.#take('E')) given.push(this.#templateArgument());
      else given.push(this.#templateArgument());
    }
    return `<${given.join(', ')}>`;
  }

  #templateArgument(): string {
    if (!this.#take('L')) return this.type();
    const type = this.type();
    const value = this.#match(/n?\d+/y).replace('n', '-');
    this.#expect('E');
    if (type === 'bool') return value === '0' ? 'false' : 'true';
    return type === 'int' ? value : `(${type})${value}`;
  }
}

/** `int (char)*` is written `int (*)(char)`. */
function around(type: string, suffix: string): string {
  const open = /^(.*?) (\(.*\)|\[.*\])$/.exec(type);
  if (open === null || /^ (const|volatile)/.test(suffix)) return type + suffix;
  return open[2]!.startsWith('(*') || open[2]!.startsWith('(&')
    ? type.replace(/\(([*&]+)/, `($1${suffix.trim()}`)
    : `${open[1]} (${suffix.trim()})${open[2]!.startsWith('[') ? ' ' : ''}${open[2]}`;
}

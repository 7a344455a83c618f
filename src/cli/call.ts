// The small language of --call: the name of a C function and its arguments in parentheses. Numbers are written as in
// C or JavaScript (1, -2, 0x10, 1.5e3; 64-bit integers in full, with or without JavaScript's n). Strings are written
// in single or double quotes with C's escapes, except octal ones, and with \u as in JavaScript.

import { usageError } from './failure.ts';

/** An argument; a string becomes a C string in the guest's heap. */
export type CallArgument = number | bigint | string;

export interface Call {
  /** The call as the user wrote it. */
  readonly source: string;
  readonly name: string;
  readonly arguments: readonly CallArgument[];
}

const NAME = /^\s*([A-Za-z_$][\w$]*)\s*\(/;
const NUMBER =
  /^[+-]?(?:0[xX][0-9a-fA-F]+n?|0[bB][01]+n?|\d+n|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])/;
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  0: '\0',
  '?': '?',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

/** Reads `name(argument, …)`. */
export function parseCall(source: string): Call {
  const fail = (what: string, at: number): never => {
    throw usageError(
      '--call',
      `--call '${source}': ${what} at column ${at + 1}. Write it like C: --call 'parse("text", 4, -1.5)'.`,
    );
  };
  const head = NAME.exec(source);
  if (head === null) return fail('expected a function name and (', 0);
  let at = head[0].length;
  const skipSpace = () => {
    while (/\s/.test(source[at] ?? '')) at++;
  };
  const values: CallArgument[] = [];
  skipSpace();
  if (source[at] === ')') at++;
  else {
    for (;;) {
      skipSpace();
      const quote = source[at];
      if (quote === '"' || quote === "'") {
        const end = stringEnd(source, at);
        if (end < 0) return fail('this string does not end', at);
        const text = source.slice(at + 1, end);
        for (const { 1: code, index } of text.matchAll(ESCAPE)) {
          const place = at + 1 + index;
          if (unescaped(code!) === null) return fail(`\\${code} is not a known escape`, place);
          if (/^x[89a-fA-F]./.test(code!))
            return fail('\\x7f is the last \\x escape: write other characters directly, as UTF-8', place);
        }
        values.push(text.replace(ESCAPE, (_, code: string) => unescaped(code)!));
        at = end + 1;
      } else {
        const number = NUMBER.exec(source.slice(at));
        if (number === null) return fail('expected a number or a string in quotes', at);
        values.push(numberOf(number[0]));
        at += number[0].length;
      }
      skipSpace();
      const next = source[at++];
      if (next === ')') break;
      if (next !== ',') return fail('expected a comma or )', at - 1);
    }
  }
  skipSpace();
  if (source[at] === ';') at++;
  skipSpace();
  if (at < source.length) return fail('unexpected text after the call', at);
  return { source: source.trim(), name: head[1]!, arguments: values };
}

function stringEnd(source: string, start: number): number {
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === source[start]) return at;
  }
  return -1;
}

/**
 * A backslash and the characters that belong to it. An octal number is matched whole, so that it is rejected whole.
 */
const ESCAPE = /\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]{1,6}\}|\d+|.)/gs;

/** The character that an escape stands for; null when the escape is unknown. */
function unescaped(code: string): string | null {
  const hexadecimal = /^[xu]\{?([0-9a-fA-F]+)\}?$/.exec(code)?.[1];
  if (hexadecimal === undefined) return Object.hasOwn(ESCAPES, code) ? ESCAPES[code]! : null;
  const point = Number.parseInt(hexadecimal, 16);
  return point <= 0x10ffff ? String.fromCodePoint(point) : null;
}

function numberOf(text: string): number | bigint {
  const negative = text.startsWith('-');
  const digits = text.replace(/^[+-]/, '');
  if (digits.endsWith('n')) {
    const value = BigInt(digits.slice(0, -1));
    return negative ? -value : value;
  }
  const value = Number(digits);
  if (/^(?:\d+|0[xXbB].*)$/.test(digits) && !Number.isSafeInteger(value)) {
    return negative ? -BigInt(digits) : BigInt(digits);
  }
  return negative ? -value : value;
}

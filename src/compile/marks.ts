// Finds out whether a source marks functions with no_sanitize("address") or the like, and has such functions compiled so
// that access checks leave them alone. Almost no source has marks, so what handles them (unchecked.ts) is loaded for those
// that have.

import { collectFiles } from './includes.ts';

/** no_sanitize("address"), no_sanitize(MACRO) and other spellings; not no_sanitize("thread"). */
const MARK =
  /\b_*(?:no_sanitize_address|no_address_safety_analysis|disable_sanitizer_instrumentation)_*\b|\b_*no_sanitize_*\s*\(\s*(?:[^"\s]|[^)]*\baddress\b)/;

/** Flags for LLVM's text with the attributes that AddressSanitizer goes by, before any pass has run. */
export const TEXT_FLAGS: readonly string[] = [
  ...['-S', '-emit-llvm', '-g0', '-w', '-Xclang', '-disable-llvm-passes', '-Xclang', '-fsanitize=address'],
];

/** What the marks of one source mean for its compilation. */
export interface Marks {
  /** Further flags for the compiler. */
  readonly flags: readonly string[];
  /** A warning, or nothing. */
  readonly output: string;
  /** The object with a list of the functions that are marked. */
  list(object: Uint8Array): Uint8Array;
}

const NONE: Marks = { flags: [], output: '', list: (object) => object };

/**
 * Reads the marks of a source.
 * @param toText compiles it with TEXT_FLAGS; null when that fails
 */
export async function readMarks(
  source: string,
  flags: readonly string[],
  toText: () => Promise<string | null>,
): Promise<Marks> {
  if (!mayHaveMarks(source, flags)) return NONE;
  const text = await toText();
  if (text === null) {
    const output =
      `${source}:1:1: warning: functions that are marked with no_sanitize("address") get access checks, because the ` +
      'source cannot be compiled with -fsanitize=address\n';
    return { ...NONE, output };
  }
  const { keepApart, uncheckedIn, withUnchecked } = await import('./unchecked.ts');
  const functions = uncheckedIn(text);
  if (functions.length === 0) return NONE;
  return { flags: keepApart(functions), output: '', list: (object) => withUnchecked(object, functions) };
}

function mayHaveMarks(source: string, flags: readonly string[]): boolean {
  if (flags.some((flag) => MARK.test(flag))) return true;
  for (const bytes of collectFiles(source, flags, (file) => file).values()) {
    if (MARK.test(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')))
      return true;
  }
  return false;
}

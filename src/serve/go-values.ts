// Reads request parameters exactly as Go's net/http, net/url and strconv do, malformed ones included, because the
// clients of this interface were written against Go's servers.
// References: net/url (parseQuery), net/http (Request.FormValue), strconv (ParseInt, Atoi, ParseUint).

const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

/** A number as strconv returns it. When the text is out of range, `value` is the nearest limit and `ok` is false. */
export interface ParsedInteger {
  readonly value: bigint;
  readonly ok: boolean;
}

/** strconv.ParseInt(text, 10, 64). */
export function parseInt64(text: string): ParsedInteger {
  const match = /^([+-]?)([0-9]+)$/.exec(text);
  if (match === null) return { value: 0n, ok: false };
  const magnitude = toInteger(match[2]!, 10);
  const negative = match[1] === '-';
  const limit = negative ? INT64_MAX + 1n : INT64_MAX;
  const value = magnitude > limit ? limit : magnitude;
  return { value: negative ? -value : value, ok: magnitude <= limit };
}

/** strconv.ParseUint(text, 0, 64): a prefix gives the base, and underscores may group the digits. */
export function parseUint64(text: string): ParsedInteger {
  const failed = { value: 0n, ok: false };
  let base: 2 | 8 | 10 | 16 = 10;
  let digits = text;
  if (text.startsWith('0')) {
    const letter = text.length >= 3 ? text[1]!.toLowerCase() : '';
    base = letter === 'x' ? 16 : letter === 'b' ? 2 : 8;
    digits = text.slice(letter === 'x' || letter === 'b' || letter === 'o' ? 2 : 1);
    if (text === '0') return { value: 0n, ok: true };
  }
  // An underscore may stand between digits and between the prefix and the first digit.
  const grouped = base === 10 ? digits : `0${digits}`;
  if (/__|^_|_$/.test(grouped)) return failed;
  const plain = digits.replaceAll('_', '');
  const valid = { 2: /^[01]+$/, 8: /^[0-7]+$/, 10: /^[0-9]+$/, 16: /^[0-9a-fA-F]+$/ }[base];
  if (!valid.test(plain)) return failed;
  const value = toInteger(plain, base);
  return value > UINT64_MAX ? { value: UINT64_MAX, ok: false } : { value, ok: true };
}

// A number with a thousand digits is out of range in any case, so BigInt does not have to parse it.
function toInteger(digits: string, base: 2 | 8 | 10 | 16): bigint {
  const significant = digits.replace(/^0+/, '');
  if (significant.length > 64) return UINT64_MAX + 1n;
  const prefix = { 2: '0b', 8: '0o', 10: '', 16: '0x' }[base];
  return BigInt(`${prefix}${significant || '0'}`);
}

/** url.ParseQuery: the first value of each key. Pairs that Go rejects are left out. */
export function parseQuery(query: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const pair of query.split('&')) {
    if (pair === '' || pair.includes(';')) continue;
    const equals = pair.indexOf('=');
    const key = unescapeQuery(equals < 0 ? pair : pair.slice(0, equals));
    const value = unescapeQuery(equals < 0 ? '' : pair.slice(equals + 1));
    if (key === null || value === null || values.has(key)) continue;
    values.set(key, value);
  }
  return values;
}

function unescapeQuery(text: string): string | null {
  return percentDecoded(text.replaceAll('+', ' '));
}

/** Percent-decodes as Go does: bytes that are not UTF-8 are kept one by one, and a bad escape gives null. */
export function percentDecoded(text: string): string | null {
  if (!text.includes('%')) return text;
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return null;
  try {
    return decodeURIComponent(text);
  } catch {
    return text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }
}

/** The cleaned path to which net/http's mux redirects: without empty, `.` or `..` elements. */
export function cleanPath(path: string): string {
  if (path === '') return '/';
  const kept: string[] = [];
  for (const element of path.split('/')) {
    if (element === '..') kept.pop();
    else if (element !== '' && element !== '.') kept.push(element);
  }
  const cleaned = `/${kept.join('/')}`;
  return path.endsWith('/') && cleaned !== '/' ? `${cleaned}/` : cleaned;
}

/** Escapes a path for a URL as url.URL.String does. */
export function escapePath(path: string): string {
  return encodeURIComponent(path)
    .replace(/%(2F|24|26|2B|2C|3A|3B|3D|40)/g, (code) => decodeURIComponent(code))
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

// Reads JSON (RFC 8259) and keeps the line of every value, so that an error can name the line of a mistake in a
// file that people edit. JSON.parse gives no line for a value of the wrong type, and its messages differ between
// engines.

/** A JSON value and the line, from 1, on which it starts. */
export type JsonNode = { readonly line: number } & (
  | { readonly type: 'object'; readonly members: ReadonlyMap<string, JsonNode> }
  | { readonly type: 'array'; readonly items: readonly JsonNode[] }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'number'; readonly value: number }
  | { readonly type: 'literal'; readonly value: boolean | null }
);

/** A syntax error in JSON text. `problem` is a sentence that does not name the place. */
export class JsonSyntaxError extends Error {
  constructor(
    readonly line: number,
    readonly problem: string,
  ) {
    super(`line ${line}: ${problem}`);
  }
}

/** Deepest nesting: far deeper than any file that Heapline writes, and far shallower than the JS stack. */
const MAX_DEPTH = 64;
const PLAIN =
  /[ \t\r\n]+|([{}[\],:])|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)|(true|false|null)/y;

interface Token {
  readonly text: string;
  readonly type: 'punctuation' | 'string' | 'number' | 'literal' | 'end';
  readonly line: number;
}

/** Reads one JSON value that takes up the whole text. Throws a JsonSyntaxError. */
export function parseJsonLines(text: string): JsonNode {
  const tokens = tokenize(text.replace(/^\ufeff/, ''));
  let position = 0;

  const next = (): Token => tokens[position++]!;
  const peek = (): Token => tokens[position]!;
  const unexpected = (token: Token, wanted: string): JsonSyntaxError =>
    new JsonSyntaxError(
      token.line,
      token.type === 'end'
        ? `the text ends where ${wanted} must follow`
        : `${token.text.slice(0, 40)} stands where ${wanted} must`,
    );

  function value(depth: number): JsonNode {
    const token = next();
    const { line } = token;
    if (token.type === 'string') return { line, type: 'string', value: JSON.parse(token.text) as string };
    if (token.type === 'number') return { line, type: 'number', value: Number(token.text) };
    if (token.type === 'literal')
      return { line, type: 'literal', value: JSON.parse(token.text) as boolean | null };
    if (token.text !== '{' && token.text !== '[') throw unexpected(token, 'a value');
    if (depth === MAX_DEPTH) throw new JsonSyntaxError(line, `values are nested deeper than ${MAX_DEPTH}`);
    return token.text === '{' ? object(line, depth) : array(line, depth);
  }

  function object(line: number, depth: number): JsonNode {
    const members = new Map<string, JsonNode>();
    if (peek().text === '}' && peek().type === 'punctuation') {
      next();
      return { line, type: 'object', members };
    }
    for (;;) {
      const name = next();
      if (name.type !== 'string') throw unexpected(name, 'a name in quotes');
      const key = JSON.parse(name.text) as string;
      if (members.has(key)) throw new JsonSyntaxError(name.line, `${name.text} is given twice`);
      const colon = next();
      if (colon.text !== ':') throw unexpected(colon, 'a colon');
      members.set(key, value(depth + 1));
      const token = next();
      if (token.type === 'punctuation' && token.text === '}') return { line, type: 'object', members };
      if (token.type !== 'punctuation' || token.text !== ',') throw unexpected(token, 'a comma or }');
    }
  }

  function array(line: number, depth: number): JsonNode {
    const items: JsonNode[] = [];
    if (peek().text === ']' && peek().type === 'punctuation') {
      next();
      return { line, type: 'array', items };
    }
    for (;;) {
      items.push(value(depth + 1));
      const token = next();
      if (token.type === 'punctuation' && token.text === ']') return { line, type: 'array', items };
      if (token.type !== 'punctuation' || token.text !== ',') throw unexpected(token, 'a comma or ]');
    }
  }

  const root = value(0);
  const end = next();
  if (end.type !== 'end') throw unexpected(end, 'the end of the text');
  return root;
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    if (text[at] === '"') {
      const end = stringEnd(text, at);
      const token = text.slice(at, end);
      if (!isString(token)) throw new JsonSyntaxError(line, `${firstOf(token)} is not a JSON string`);
      tokens.push({ text: token, type: 'string', line });
      at = end;
      continue;
    }
    PLAIN.lastIndex = at;
    const match = PLAIN.exec(text);
    if (match === null)
      throw new JsonSyntaxError(line, `${JSON.stringify(firstOf(text.slice(at, at + 40)))} is not JSON`);
    const [token, punctuation, number, literal] = match;
    if (punctuation !== undefined) tokens.push({ text: token, type: 'punctuation', line });
    else if (number !== undefined) tokens.push({ text: token, type: 'number', line });
    else if (literal !== undefined) tokens.push({ text: token, type: 'literal', line });
    else for (const character of token) if (character === '\n') line++;
    at = PLAIN.lastIndex;
  }
  tokens.push({ text: '', type: 'end', line });
  return tokens;
}

// Reads up to the closing quote, or to the end of the line when there is none. This is a loop because patterns with
// alternatives run out of stack on strings of megabytes.
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at];
    if (character === '\\') at++;
    else if (character === '"') return at + 1;
    else if (character === '\n') return at;
  }
  return text.length;
}

function isString(token: string): boolean {
  try {
    return typeof JSON.parse(token) === 'string';
  } catch {
    return false;
  }
}

function firstOf(text: string): string {
  return text.split('\n', 1)[0]!.slice(0, 40);
}

// What the environment asks of `heapline/register`.

import { InvalidArgumentError } from '../errors.ts';

/** What is done with the heaps when the process ends. */
export interface AtExit {
  /** Report leaks, and end with status 1 when there are some. */
  readonly check: boolean;
  /** File to write a heap profile to; null for none. */
  readonly pprof: string | null;
}

export interface Settings {
  /** Whether a module of this name, or of the script at this path, is to be tracked. */
  tracks(names: readonly string[]): boolean;
  /** Port to serve pprof on; null for none. */
  readonly port: number | null;
  readonly atExit: AtExit;
  /** Whether accesses are checked, and freed blocks wait before they are used again. */
  readonly checks: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads HEAPLINE_MODULES, HEAPLINE_SERVE, HEAPLINE_AT_EXIT and HEAPLINE_CHECKS. */
export function readSettings(environment: Environment): Settings {
  const {
    HEAPLINE_MODULES = '',
    HEAPLINE_SERVE = '',
    HEAPLINE_AT_EXIT = '',
    HEAPLINE_CHECKS = '',
  } = environment;
  const patterns = listOf(HEAPLINE_MODULES).map(expressionOf);
  return {
    tracks: (names) =>
      patterns.length === 0 || names.some((name) => patterns.some((pattern) => pattern.test(name))),
    port: HEAPLINE_SERVE === '' ? null : portOf(HEAPLINE_SERVE),
    atExit: atExitOf(listOf(HEAPLINE_AT_EXIT)),
    checks: checksIn(HEAPLINE_CHECKS),
  };
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** A glob: `*` is any text without a slash, `**` any text, `?` any one character. */
function expressionOf(glob: string): RegExp {
  const source = glob.replace(/\*\*|[*?]|[\\^$.|+()[\]{}]/g, (found) => {
    if (found === '**') return '.*';
    if (found === '*') return '[^/]*';
    return found === '?' ? '[^/]' : `\\${found}`;
  });
  return new RegExp(`^${source}$`, 's');
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError(
    'HEAPLINE_SERVE',
    `HEAPLINE_SERVE is the port to serve pprof on, not '${text}'.`,
  );
}

function checksIn(text: string): boolean {
  if (text === '1') return true;
  if (text === '' || text === '0') return false;
  throw new InvalidArgumentError('HEAPLINE_CHECKS', `HEAPLINE_CHECKS is 1 or 0, not '${text}'.`);
}

function atExitOf(parts: readonly string[]): AtExit {
  let check = false;
  let pprof: string | null = null;
  for (const part of parts) {
    if (part === 'check') check = true;
    else if (/^pprof:./.test(part)) pprof = part.slice('pprof:'.length);
    else {
      throw new InvalidArgumentError(
        'HEAPLINE_AT_EXIT',
        `HEAPLINE_AT_EXIT is a list of 'check' and 'pprof:FILE', and '${part}' is neither.`,
      );
    }
  }
  return { check, pprof };
}

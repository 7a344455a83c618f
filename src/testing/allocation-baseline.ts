// The file in which the tests of one test file keep what they allocate: `__heap__/parser.test.ts.json` beside it. People
// review and merge it, so each entry takes one line, entries are sorted, and nothing changes without a reason.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { BaselineError, FileError } from '../errors.ts';
import { type JsonNode, JsonSyntaxError, parseJsonLines } from '../report/json-lines.ts';

const FORMAT = 'heapline-allocation-baseline';
const VERSION = 1;
/** Folder of baselines, beside the tests. */
const FOLDER = '__heap__';

/** What a piece of work allocates. */
export interface AllocationCounts {
  /** Blocks, freed ones included. */
  readonly objects: number;
  /** Bytes, freed ones included. */
  readonly bytes: number;
  /** Most bytes in use at one time, without those that were in use before. */
  readonly peak: number;
}

/** The names of the counts, in the order of the file. */
export const COUNTS = ['objects', 'bytes', 'peak'] as const satisfies readonly (keyof AllocationCounts)[];

/** The counts of all tests in a test file, by name. */
export type AllocationBaseline = ReadonlyMap<string, AllocationCounts>;

/** Path of the baseline of a test file. */
export function baselinePath(testFile: string): string {
  return join(dirname(testFile), FOLDER, `${basename(testFile)}.json`);
}

/** Reads a baseline; empty when there is no such file. Throws a BaselineError for a file that is no baseline. */
export function readAllocationBaseline(path: string): AllocationBaseline {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw new FileError(path, `The baseline ${path} cannot be read: ${(error as Error).message}.`, {
      cause: error,
    });
  }
  return parseAllocationBaseline(text, path);
}

/** Writes a baseline. */
export function writeAllocationBaseline(path: string, baseline: AllocationBaseline): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, formatAllocationBaseline(baseline));
  } catch (error) {
    throw new FileError(path, `The baseline ${path} cannot be written: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}

/** A baseline as the text of its file. */
export function formatAllocationBaseline(baseline: AllocationBaseline): string {
  const entries = [...baseline]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, counts]) => {
      const members = COUNTS.map((each) => `"${each}": ${counts[each]}`);
      return `    ${JSON.stringify(name)}: { ${members.join(', ')} }`;
    });
  const list = entries.length === 0 ? '{}' : `{\n${entries.join(',\n')}\n  }`;
  return `{\n  "format": "${FORMAT}",\n  "version": ${VERSION},\n  "tests": ${list}\n}\n`;
}

/** Reads the text of a baseline. @param path for errors */
export function parseAllocationBaseline(text: string, path: string): AllocationBaseline {
  const fail = (line: number, problem: string): never => {
    throw new BaselineError(path, line, `${problem}. Correct it, or remove the file and run the tests again`);
  };
  let root: JsonNode;
  try {
    root = parseJsonLines(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return fail(error.line, error.problem);
  }
  const member = (of: JsonNode, name: string): JsonNode => {
    const found = of.type === 'object' ? of.members.get(name) : undefined;
    return found ?? fail(of.line, `"${name}" is missing`);
  };
  const format = member(root, 'format');
  if (format.type !== 'string' || format.value !== FORMAT) fail(format.line, `"format" must be "${FORMAT}"`);
  const version = member(root, 'version');
  if (version.type !== 'number' || version.value !== VERSION) {
    fail(version.line, `this release reads version ${VERSION} of such baselines`);
  }
  const tests = member(root, 'tests');
  if (tests.type !== 'object') return fail(tests.line, '"tests" must be an object');
  const count = (of: JsonNode, name: string): number => {
    const node = member(of, name);
    if (node.type === 'number' && Number.isSafeInteger(node.value) && node.value >= 0) return node.value;
    return fail(node.line, `"${name}" must be a whole number`);
  };
  return new Map(
    [...tests.members].map(([name, node]) => [
      name,
      { objects: count(node, 'objects'), bytes: count(node, 'bytes'), peak: count(node, 'peak') },
    ]),
  );
}

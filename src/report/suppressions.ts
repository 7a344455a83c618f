// Suppressions: blocks in Valgrind's format (valgrind-suppressions.ts), and lines in the format of LeakSanitizer,
// which are `leak:pattern`, and comments that start with `#`. A pattern is
// searched for in the function names, source files and the module of every frame of a record. `*` stands for any
// text; `^` at the start and `$` at the end anchor the pattern. Reference: compiler-rt, sanitizer_common/
// sanitizer_common.cpp (TemplateMatch). There are two differences. LeakSanitizer tries `b$` only at the first `b`,
// so it does not match `abab`; here an anchored end is searched for at the end. And a `$` elsewhere stands for
// itself.

import { SuppressionError } from '../errors.ts';
import { foldStacks, patternMatcher, stackOf } from '../frames/index.ts';
import type { LeakRecord, LeakReport, SuppressedLeak } from './leak-report.ts';
import { parseValgrindSuppression, startsValgrindSuppression } from './valgrind-suppressions.ts';

const PREFIX = 'leak:';
/** File name in errors and messages for patterns that are given in code. */
const IN_CODE = '<code>';

/** One suppression. */
export interface Suppression {
  /**
   * The suppression as its file or the program spells it, with `leak:`; the name of a predicate, or of a suppression
   * in Valgrind's format.
   */
  readonly text: string;
  /** Name of the file that it was read from; `<code>` for a pattern given in code. */
  readonly file: string;
  /** From 1. For a suppression given in code, its place in the list. */
  readonly line: number;
  /** True when the record is to be left out of the report of this module. */
  matches(record: LeakRecord, module: string): boolean;
}

/** A suppression given in code: a pattern, with or without `leak:`, or a predicate. */
export type SuppressionRule = string | ((record: LeakRecord) => boolean);

/**
 * Reads a file of suppressions in the format of LeakSanitizer or of Valgrind, or of both. Valgrind's suppressions for
 * other errors than leaks are left out. Throws a SuppressionError that names the file and the line.
 */
export function parseSuppressions(text: string, file: string): Suppression[] {
  const suppressions: Suppression[] = [];
  const lines = text.replace(/^\ufeff/, '').split('\n');
  for (let at = 0; at < lines.length; ) {
    const line = lines[at]!.trim();
    if (startsValgrindSuppression(line)) {
      const block = parseValgrindSuppression(lines, at, file);
      if (block.suppression !== null) suppressions.push(block.suppression);
      at = block.next;
      continue;
    }
    at++;
    if (line === '' || line.startsWith('#')) continue;
    if (!line.startsWith(PREFIX)) throw new SuppressionError(file, at, problemWith(line));
    suppressions.push(suppression(line, file, at));
  }
  return suppressions;
}

/** Makes suppressions of rules that are given in code. */
export function suppressionsOf(rules: readonly SuppressionRule[]): Suppression[] {
  return rules.map((rule, index) => {
    if (typeof rule === 'function') {
      return {
        text: rule.name || 'predicate',
        file: IN_CODE,
        line: index + 1,
        matches: (record) => rule(record),
      };
    }
    return suppression(rule.startsWith(PREFIX) ? rule : `${PREFIX}${rule}`, IN_CODE, index + 1);
  });
}

/**
 * The report without the records that a suppression matches. The new report lists these records, and the suppressions
 * that matched nothing. The first suppression that matches takes a record, as in LeakSanitizer. Heap faults stay.
 */
export function suppress(report: LeakReport, suppressions: readonly Suppression[]): LeakReport {
  const used = new Set<Suppression>();
  const suppressed: SuppressedLeak[] = [];
  const records = report.records.filter((record) => {
    const match = suppressions.find((candidate) => candidate.matches(record, report.program));
    if (match === undefined) return true;
    used.add(match);
    suppressed.push({ record, suppression: match.text });
    return false;
  });
  // A suppression for a block that hangs on another has a use, although the record is that of the other block. Most
  // reports have no suppressions, or use all of them without this.
  const mayHang = used.size < suppressions.length && report.records.some(({ parts }) => parts.length > 0);
  for (const record of mayHang ? report.byContext : []) {
    const match = suppressions.find((candidate) => candidate.matches(record, report.program));
    if (match !== undefined) used.add(match);
  }
  const unused = suppressions.filter((candidate) => !used.has(candidate));
  return report.with({
    records,
    suppressed: [...report.suppressed, ...suppressed],
    unusedSuppressions: [
      ...report.unusedSuppressions,
      ...unused.map((candidate) => `${candidate.file}:${candidate.line}: ${candidate.text}`),
    ],
  });
}

function problemWith(line: string): string {
  const type = /^([A-Za-z_]+):/.exec(line)?.[1];
  if (type !== undefined) return `unknown suppression type "${type}": only leak:pattern is read`;
  return `not a suppression: "${line.slice(0, 60)}"; write leak:pattern, a block of Valgrind's in braces, or # before a comment`;
}

function suppression(text: string, file: string, line: number): Suppression {
  const matchesText = patternMatcher(text.slice(PREFIX.length).trim());
  if (matchesText === null) {
    throw new SuppressionError(file, line, `"${text}" has an empty pattern, which would hide every leak`);
  }
  const matchesStack = foldStacks(
    false,
    (outer, frame) =>
      outer || matchesText(frame.function) || matchesText(frame.linkageName) || matchesText(frame.file),
  );
  return {
    text,
    file,
    line,
    matches: (record, module) => matchesText(module) || matchesStack(stackOf(record, 'frames')),
  };
}

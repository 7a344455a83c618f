// The files that a failing test leaves behind: the whole report as text, a pprof profile, and a page to look at, in a
// folder that CI can keep as an artefact. They are written only after a failure.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

/** Environment variable that names another folder; when it is empty, no files are written. */
const VARIABLE = 'HEAPLINE_REPORT_DIR';
const DEFAULT_FOLDER = 'heapline-report';
/** Part of the 255 bytes that file systems allow; a number and an extension need the rest. */
const LONGEST_NAME = 200;

/** The contents of the files, which are produced when they are written. */
export interface FailureReport {
  readonly text: string;
  readonly pprof: Uint8Array;
  /** Writes the page to look at. */
  page(title: string): string;
}

let folder: string | null = null;
const written = new Map<string, number>();

/** Sets the folder from the plugin's options; '' for none. */
export function setReportFolder(path: string): void {
  folder = path;
}

/**
 * Writes the report of a failed test. Test files run in separate processes, so the name includes the test file:
 * otherwise one process could overwrite the report of another.
 * @param file the test file; '' when it is unknown
 * @returns lines that name the files, for the end of a message; '' when nothing had to be written
 */
function leaveReport(file: string, test: string, report: FailureReport): string {
  const target = folder ?? process.env[VARIABLE] ?? DEFAULT_FOLDER;
  if (target === '') return '';
  const name = fileName(`${file === '' ? '' : relative(process.cwd(), file)} ${test}`);
  const count = (written.get(name) ?? 0) + 1;
  written.set(name, count);
  const base = join(resolve(target), count === 1 ? name : `${name}-${count}`);
  const contents = [
    ['report', `${base}.txt`, () => report.text],
    ['profile', `${base}.pb.gz`, () => report.pprof],
    ['page', `${base}.html`, () => report.page(test)],
  ] as const;
  const lines = contents.map(([kind, path, content]) => {
    try {
      mkdirSync(resolve(target), { recursive: true });
      writeFileSync(path, content());
      return `${`${kind}:`.padEnd(8)} ${shown(path)}`;
    } catch (error) {
      // The failure itself matters more than its report, and one file more than none.
      return `The ${kind} could not be written: ${(error as Error).message}`;
    }
  });
  return `\n${lines.join('\n')}`;
}

/** The message of a verdict, followed by the lines that name the files of its report. */
export function reported(
  file: string,
  test: string,
  verdict: { message(): string; report(): FailureReport },
): string {
  const files = leaveReport(file, test, verdict.report());
  return `${verdict.message()}${files === '' ? '' : `\n${files}`}`;
}

function shown(path: string): string {
  const inside = relative(process.cwd(), path);
  return inside.startsWith('..') ? path : inside;
}

/** The name with all characters replaced except letters, digits, dots and dashes. */
function fileName(of: string): string {
  const name = of.replace(/[^\p{L}\p{N}.]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '');
  let bytes = 0;
  let short = '';
  for (const character of name) {
    bytes += Buffer.byteLength(character);
    if (bytes > LONGEST_NAME) break;
    short += character;
  }
  return short || 'test';
}

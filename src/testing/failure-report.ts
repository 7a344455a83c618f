// What a failing test leaves behind: the whole report as text, and a pprof profile, in a folder that CI can keep as an
// artefact. Written only when something failed.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

/** Environment variable that names another folder; empty for none. */
const VARIABLE = 'HEAPLINE_REPORT_DIR';
const DEFAULT_FOLDER = 'heapline-report';
/** Of the 255 bytes that file systems allow, with room for a number and an extension. */
const LONGEST_NAME = 200;

/** What to write; produced when it is written. */
export interface FailureReport {
  readonly text: string;
  readonly pprof: Uint8Array;
}

let folder: string | null = null;
const written = new Map<string, number>();

/** Sets the folder, as the plugin's options have it; '' for none. */
export function setReportFolder(path: string): void {
  folder = path;
}

/**
 * Writes the report of a failed test. Test files run in processes of their own: a name that tells the file, too, keeps
 * one from writing over the other's.
 * @param file of the test; '' when it is not known
 * @returns lines that say where, to end a message with; '' when nothing was to be written
 */
function leaveReport(file: string, test: string, report: FailureReport): string {
  const target = folder ?? process.env[VARIABLE] ?? DEFAULT_FOLDER;
  if (target === '') return '';
  const name = fileName(`${file === '' ? '' : relative(process.cwd(), file)} ${test}`);
  const count = (written.get(name) ?? 0) + 1;
  written.set(name, count);
  const base = join(resolve(target), count === 1 ? name : `${name}-${count}`);
  try {
    mkdirSync(resolve(target), { recursive: true });
    writeFileSync(`${base}.txt`, report.text);
    writeFileSync(`${base}.pb.gz`, report.pprof);
  } catch (error) {
    // The failure itself matters more than its report.
    return `\nThe report could not be written: ${(error as Error).message}`;
  }
  return `\nreport:  ${shown(`${base}.txt`)}\nprofile: ${shown(`${base}.pb.gz`)}`;
}

/** What a verdict says, with the lines that say where its report is. */
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

/** The name with everything but letters, digits, dots and dashes replaced. */
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

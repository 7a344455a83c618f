// The code by which people look at profiles: what tables leave out, and written forms that few ask for. Entries of the package
// install it, or load it with the first sandbox, because `heapline/browser` must be small before it attaches to a module, and
// `heapline run` at all times.

import { PlatformError } from '../errors.ts';

/** What finds and leaves out wrappers. */
export type Tables = typeof import('./tables.ts');
/** speedscope's files and the text form. */
export type WrittenForms = typeof import('./written-forms.ts');

let tables: Tables | null = null;
let forms: WrittenForms | null = null;

/** Installs the code that all profiles use for tables from now on. */
export function useTables(code: Tables): void {
  tables = code;
}

/** The same for the written forms. */
export function useWrittenForms(code: WrittenForms): void {
  forms = code;
}

/** The installed code for tables; null where no sandbox was opened yet. */
export function tablesOrNull(): Tables | null {
  return tables;
}

/** The installed code for written forms. */
export function writtenForms(): WrittenForms {
  if (forms !== null) return forms;
  throw new PlatformError('Open a sandbox first: heapline/browser loads what this needs with it.');
}

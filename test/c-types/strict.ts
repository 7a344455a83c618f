// Compiles generated declarations with TypeScript's strictest settings.

import { readFileSync } from 'node:fs';
import ts from 'typescript';

const POINTERS = new URL('../../src/c-types/pointer.ts', import.meta.url).pathname;
/** What the declarations import of the package, without the rest of it, which takes seconds to check. */
const PACKAGE = `${readFileSync(POINTERS, 'utf8')}
export interface Sandbox<Exports extends object = Record<string, () => unknown>, Types extends object = Record<string, unknown>> {
  readonly exports: Exports;
  readonly view: ViewFunction<Types>;
}`;

const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.es2022.d.ts'],
  types: [],
};

const host = ts.createCompilerHost(OPTIONS);

/** The errors of these files, which may import `heapline`. The texts are by name: `/types.d.ts`. */
export function strictErrors(files: Readonly<Record<string, string>>): string[] {
  const all: Readonly<Record<string, string>> = { ...files, '/node_modules/heapline/index.ts': PACKAGE };
  const program = ts.createProgram(Object.keys(files), OPTIONS, {
    ...host,
    getCurrentDirectory: () => '/',
    fileExists: (path) => path in all || host.fileExists(path),
    directoryExists: (path) =>
      Object.keys(all).some((each) => each.startsWith(path)) || host.directoryExists!(path),
    readFile: (path) => all[path] ?? host.readFile(path),
    getSourceFile: (path, target) => {
      const text = all[path];
      return text === undefined ? host.getSourceFile(path, target) : ts.createSourceFile(path, text, target);
    },
  });
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1;
    return `${file?.fileName}:${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

// The types of C that tests import with `?heap`: one file of declarations, which the plugin writes while tests run.
//
// TypeScript knows such imports by patterns, of which the first that fits counts. So the file has one for each imported
// file, by its name, and the one for all others at its end: it is used in place of `heapline/client`.

import '../node/install.ts';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { CompileError, FileError, UnsupportedModuleError } from '../errors.ts';
import { compileC, type LoadCOptions } from '../loading/load-c.ts';
import { sourceLines } from '../node/source-lines.ts';
import { isOwnFunction } from '../sandbox/index.ts';

const HEAD = `// The types of C files that tests import with ?heap. The plugin heapline/vitest-plugin writes this file: changes are
// lost. Refer to it in place of heapline/client.
`;
const OTHERS = `
// All others.
declare module '*?heap' {
  const lib: import('heapline').Sandbox;
  export default lib;
}
`;
/** A file's part of the declarations, which begins with its path. */
const PART = /^\/\/ (.+)\n(declare module '[^']*' \{\n[\s\S]*?\n\}\n)/gm;

/** The declarations of one project. */
export class ImportTypes {
  /** The parts by paths relative to the file. */
  readonly #parts: Map<string, string>;

  constructor(private readonly path: string) {
    this.#parts = existingParts(path);
  }

  /** Declares the functions and types of an import, and writes the file when that changes it. */
  async add(file: string, sources: readonly string[], options: LoadCOptions): Promise<void> {
    const lines = await declarationsOf(file, sources, options);
    if (lines === null) return;
    const name = basename(file).replaceAll("'", "\\'");
    const body = [...lines, '', 'const lib: Module;', 'export default lib;'];
    const inside = body.map((line) => (line === '' ? '' : `  ${line}`)).join('\n');
    this.#parts.set(this.#relative(file), `declare module '*/${name}?heap' {\n${inside}\n}\n`);
    this.#write();
  }

  #relative(file: string): string {
    return relative(dirname(this.path), file).replaceAll('\\', '/');
  }

  #write(): void {
    const files = [...this.#parts.keys()]
      .filter((file) => existsSync(resolve(dirname(this.path), file)))
      .sort();
    const parts = files.map((file) => {
      const others = files.filter((each) => basename(each) === basename(file));
      return others.length > 1
        ? `\n// ${file} has no types here, because these files have the same name: ${others.join(', ')}.\n`
        : `\n// ${file}\n${this.#parts.get(file)}`;
    });
    const text = `${HEAD}${parts.join('')}${OTHERS}`;
    try {
      if (existsSync(this.path) && readFileSync(this.path, 'utf8') === text) return;
      mkdirSync(dirname(this.path), { recursive: true });
      writeFileSync(this.path, text);
    } catch (error) {
      throw new FileError(this.path, `${this.path} cannot be written: ${(error as Error).message}.`, {
        cause: error,
      });
    }
  }
}

/** The parts of files that this run of the tests may not import. */
function existingParts(path: string): Map<string, string> {
  if (!existsSync(path)) return new Map();
  const text = readFileSync(path, 'utf8');
  return new Map(
    [...text.matchAll(PART)]
      .filter(([, file]) => file !== 'All others.')
      .map(([, file, part]) => [file!, part!]),
  );
}

/** The declarations of an import; null when it does not compile, which the test that imports it will report. */
async function declarationsOf(
  file: string,
  sources: readonly string[],
  options: LoadCOptions,
): Promise<string[] | null> {
  const { ModuleTypes } = await import('../c-types/index.ts');
  try {
    if (file.endsWith('.wasm')) {
      return new ModuleTypes(readFileSync(file)).declarations({ offers: isOwnFunction, sourceLines });
    }
    const { compiled } = await compileC('heapline', sources, options);
    const names = options.exports ?? compiled.exports;
    const offered = new Set(names.filter((name) => name !== 'main'));
    const offers = (name: string): boolean => offered.has(name);
    return new ModuleTypes(compiled.wasm).declarations({ offers, sourceLines });
  } catch (error) {
    if (error instanceof CompileError || error instanceof UnsupportedModuleError) return null;
    throw error;
  }
}

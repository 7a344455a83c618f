// The toolchains that the tests use. All of them must be installed: a missing tool is a failure, not a skip.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ToolchainName } from '../../src/compile/index.ts';

export const toolchainNames: readonly ToolchainName[] = ['embedded', 'clang', 'emscripten'];

/** A directory with the given files, and the function that removes it. */
export function sourceTree(files: Readonly<Record<string, string>>) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'heapline-compile-'));
  const file = (name: string) => path.join(directory, name);
  const write = (name: string, text: string) => {
    writeFileSync(file(name), text);
    return file(name);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  return {
    directory,
    file,
    write,
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

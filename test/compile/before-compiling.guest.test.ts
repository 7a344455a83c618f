// Headers that a toolchain lacks are found before anything is compiled, no matter which source includes them.

import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compile } from '../../src/compile/index.ts';
import { ToolchainError } from '../../src/errors.ts';
import type { Progress } from '../../src/options/progress.ts';
import { sourceTree } from '../support/source-tree.ts';

const cacheDir = mkdtempSync(path.join(os.tmpdir(), 'heapline-before-'));
const tree = sourceTree({});
afterAll(() => {
  rmSync(cacheDir, { recursive: true, force: true });
  tree[Symbol.dispose]();
});

const fine = tree.write('fine.c', 'int fine(void) { return 1; }\n');

/** Compiles these sources. Returns the error, and whether the compiler was started. */
async function outcome(sources: string[], toolchain: 'clang' | 'embedded') {
  let compiling = false;
  const onProgress = ({ step, detail }: Progress): void => {
    compiling ||= step === 'compile' && detail === fine;
  };
  const error: unknown = await compile(sources, { toolchain, cacheDir, onProgress }).catch(
    (reason: unknown) => reason,
  );
  return { error: error as ToolchainError, compiling };
}

describe.each(['clang', 'embedded'] as const)('with %s', (toolchain) => {
  it('compiles no source when one includes a header that WASI lacks', async () => {
    tree.write('net.h', '#include <netdb.h>\n');
    const sources = [fine, tree.write('net.c', '#include "net.h"\nint net(void) { return 2; }\n')];
    const { error, compiling } = await outcome(sources, toolchain);
    expect(error).toBeInstanceOf(ToolchainError);
    expect(error.message).toMatch(/net\.h:1:10: WASI has no netdb\.h.*emscripten/);
    expect(compiling).toBe(false);
  });

  it('ignores a missing header that a condition excludes', async () => {
    const source = tree.write(
      'guarded.c',
      '#ifndef __wasi__\n#include <netdb.h>\n#endif\nint guarded(void) { return 3; }\n',
    );
    const { error, compiling } = await outcome([fine, source], toolchain);
    expect(error).not.toBeInstanceOf(Error);
    expect(compiling).toBe(true);
  });
});

it('no source is compiled when one uses setjmp and the sysroot lacks it', async () => {
  const sources = [fine, tree.write('jumps.c', '#include <setjmp.h>\njmp_buf place;\n')];
  const { error, compiling } = await outcome(sources, 'clang');
  expect(error.message).toMatch(/jumps\.c uses setjmp.*does not have.*embedded/);
  expect(compiling).toBe(false);
});

// Every corpus compiles on every toolchain and computes what a native build of the same sources computes. Without
// HEAPLINE_FULL=1, each toolchain compiles some of them (corpora.ts), clang 22 compiles lz4 alone, and Valgrind leaves
// tree-sitter out, which takes as long as all others. The modules stay in the ordinary cache: the first run takes
// minutes, later ones seconds.

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { hashOf } from '../../src/compile/cache.ts';
import { compile, type ToolchainName } from '../../src/compile/index.ts';
import { FULL } from '../support/full.ts';
import { openLibrary, runMain } from '../support/run-module.ts';
import { type Corpus, corpora, corporaFor, corpusBuild, fetchCorpora, levelFor } from './corpora.ts';

const run = promisify(execFile);
const nativeDirectory = path.resolve('.cache', 'native');
/** Limit for one build, in milliseconds: sqlite3 through the embedded compiler on a busy machine. */
const BUILD_LIMIT = 1_800_000;

beforeAll(fetchCorpora);

/** The corpus built by gcc for this machine. */
async function nativeProgram(corpus: Corpus): Promise<string> {
  const defines = Object.entries(corpus.define).map(([name, value]) =>
    value === true ? `-D${name}` : `-D${name}=${value}`,
  );
  const args = [
    levelFor(corpus, 'clang'),
    ...corpus.include.map((each) => `-I${each}`),
    ...defines,
    ...corpus.flags,
    ...corpus.sources,
  ];
  const drivers = path.dirname(corpus.sources[0]!);
  const headers = readdirSync(drivers).filter((name) => name.endsWith('.h'));
  const contents = [...corpus.sources, ...headers.map((name) => path.join(drivers, name))].map((file) =>
    readFileSync(file),
  );
  const program = path.join(nativeDirectory, `${corpus.name}-${hashOf(JSON.stringify(args), ...contents)}`);
  if (existsSync(program) && statSync(program).size > 0) return program;
  mkdirSync(nativeDirectory, { recursive: true });
  const beside = `${program}.${process.pid}`;
  await run('gcc', [...args, '-lm', '-o', beside]);
  renameSync(beside, program);
  return program;
}

describe.each(corpora)('$name', (corpus) => {
  let expected = '';
  beforeAll(async () => {
    expected = (await run(await nativeProgram(corpus), ['2'])).stdout;
  }, BUILD_LIMIT);

  const compiles = (toolchain: ToolchainName) => corporaFor(toolchain).includes(corpus);
  const toolchains = [
    ...(compiles('embedded') ? [['embedded', ''] as const] : []),
    ...(compiles('emscripten') ? [['emscripten', ''] as const] : []),
    ...(compiles('clang') ? [['clang', 'clang'] as const] : []),
    ...((FULL && compiles('clang')) || corpus.name === 'lz4' ? [['clang', 'clang-22'] as const] : []),
  ];
  it.each(toolchains)(
    'computes on %s %s what it computes natively',
    async (toolchain, clang) => {
      if (clang !== '') process.env.HEAPLINE_CLANG = clang;
      try {
        const compiled = await compile(corpus.sources, corpusBuild(corpus, toolchain));
        expect(await runMain(compiled, ['2'])).toEqual({ stdout: expected, exitCode: 0, exiting: [0] });
        const library = await openLibrary(compiled);
        const sum = /([0-9a-f]{8})\n$/.exec(expected)![1]!;
        expect(library.workload!(2) >>> 0).toBe(Number.parseInt(sum, 16));
      } finally {
        delete process.env.HEAPLINE_CLANG;
      }
    },
    BUILD_LIMIT,
  );

  it.runIf(FULL || corpus.name !== 'tree-sitter')('frees what it allocates', async () => {
    const program = await nativeProgram(corpus);
    const { stderr } = await run('valgrind', ['--leak-check=full', '--error-exitcode=9', program, '1']);
    expect(stderr).toContain('All heap blocks were freed -- no leaks are possible');
  });
});

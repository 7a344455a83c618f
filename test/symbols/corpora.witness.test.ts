// Compares frames with llvm-symbolizer at every call of real programs. By default these are some programs;
// with HEAPLINE_FULL=1 every corpus, compiler, DWARF version and level of optimisation, which takes most of
// an hour the first time.

import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { Symbolizer } from '../../src/symbols/index.ts';
import { type Corpus, corpora, fetchCorpora } from '../corpora/corpora.ts';
import { FULL } from '../support/full.ts';
import { callOffsets, compareFrames } from '../support/llvm-symbolizer.ts';
import { build, type Program, type Toolchain } from '../support/symbol-modules.ts';
import { setjmpHeader } from '../support/symbol-programs.ts';

beforeAll(fetchCorpora);

function programOf(corpus: Corpus): Program {
  return {
    name: corpus.name,
    sources: corpus.sources,
    include: corpus.setjmp ? [...corpus.include, setjmpHeader()] : corpus.include,
    defines: Object.entries(corpus.define).map(([name, value]) =>
      value === true ? name : `${name}=${value}`,
    ),
  };
}

async function expectAgreement(
  corpus: Corpus,
  toolchain: Toolchain,
  flags: readonly string[],
): Promise<void> {
  const path = await build(programOf(corpus), { toolchain, flags: [...corpus.flags, '-g', ...flags] });
  const wasm = readFileSync(path);
  const symbolizer = Symbolizer.open(wasm);
  const result = compareFrames(symbolizer, path, callOffsets(wasm));
  expect(result.differences).toEqual([]);
  expect(result.unknown / result.compared).toBeLessThan(0.01);
  expect(result.inlined).toBeGreaterThan(50);
  expect(symbolizer.warnings).toEqual([]);
}

const COMPILERS: readonly Toolchain[] = ['clang-14', 'clang-22', 'embedded'];
const LEVELS = ['-O0', '-O1', '-O2', '-Os'];
const builds: (readonly [string, Toolchain, number, string])[] = FULL
  ? corpora.flatMap(({ name }) =>
      COMPILERS.flatMap((toolchain) =>
        [4, 5].flatMap((version) => LEVELS.map((level) => [name, toolchain, version, level] as const)),
      ),
    )
  : [
      ['expat', 'clang-22', 5, '-O2'],
      ['expat', 'clang-14', 4, '-O0'],
      ['tree-sitter', 'clang-22', 4, '-Os'],
    ];

test.each(builds)(
  'the frames of all calls in %s by %s in DWARF %i at %s equal those of llvm-symbolizer',
  { timeout: 900_000 },
  (name, toolchain, version, level) =>
    expectAgreement(corpora.find((corpus) => corpus.name === name)!, toolchain, [
      `-gdwarf-${version}`,
      level,
    ]),
);

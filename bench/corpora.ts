// The real programs in the benchmark: the corpora of the tests with a scale for each. Missing sources are fetched.
import { fileURLToPath } from 'node:url';
import { corpora, fetchCorpora } from '../test/corpora/corpora.ts';
import type { Target } from './build.ts';
import type { Program } from './programs.ts';

/** Scale of one sample, chosen so that the plain build takes some 20 to 60 ms; tree-sitter takes longer. */
const scales: Readonly<Record<string, number>> = {
  sqlite3: 2,
  expat: 12,
  'tree-sitter': 1,
  duktape: 1,
  lz4: 1,
  oniguruma: 1,
};

const headers = ['driver.h', 'wasi-gaps.h'].map((name) =>
  fileURLToPath(new URL(`../test/corpora/drivers/${name}`, import.meta.url)),
);

/** The programs that a toolchain can build: Debian's wasi-libc has no setjmp. */
export async function realPrograms(toolchain: Target['name']): Promise<Program[]> {
  await fetchCorpora();
  return corpora
    .filter((corpus) => !(corpus.setjmp && toolchain === 'wasi'))
    .map((corpus) => ({
      name: corpus.name,
      role: 'real',
      sources: corpus.sources,
      headers,
      flags: [
        ...corpus.flags,
        // The drivers have a main of their own; in native builds the main of native-main.c is used.
        ...(toolchain.startsWith('native') ? ['-Dmain=corpus_main'] : []),
        ...corpus.include.map((folder) => `-I${folder}`),
        ...Object.entries(corpus.define).map(([name, value]) =>
          value === true ? `-D${name}` : `-D${name}=${value}`,
        ),
      ],
      entry: 'workload',
      scale: scales[corpus.name] ?? 1,
    }));
}

// Real programs lose no block until their end. When one statement that frees memory is removed, Heapline finds the
// lost memory on the line that allocated it.

import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatText, type LeakReport, loadC } from '../../src/index.ts';
import { type Corpus, corpora, corpusBuild, fetchCorpora } from '../corpora/corpora.ts';

/** For each corpus: the statement of its driver that is removed, and the one that allocates what it frees. */
const forgotten: Readonly<Record<string, { readonly statement: string; readonly origin: string }>> = {
  sqlite3: {
    statement: 'if (sqlite3_close(database) != SQLITE_OK) fail("close");',
    origin: 'sqlite3_open',
  },
  expat: { statement: 'free(element->name);', origin: 'element->name =' },
  'tree-sitter': { statement: 'ts_query_delete(query);', origin: 'ts_query_new' },
  duktape: { statement: 'duk_destroy_heap(context);', origin: 'duk_create_heap' },
  lz4: { statement: 'LZ4F_freeCompressionContext(compression);', origin: 'LZ4F_createCompressionContext' },
  oniguruma: { statement: 'onig_free(regex);', origin: 'int status = onig_new' },
};

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heapline-corpora-'));
  await fetchCorpora();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run(corpus: Corpus, driver: string): Promise<LeakReport> {
  const [, ...library] = corpus.sources;
  using lib = await loadC([driver, ...library], {
    // Debian's sysroots have no setjmp.
    ...corpusBuild(corpus, corpus.setjmp ? 'embedded' : 'clang'),
    args: ['1'],
  });
  expect(lib.run().exitCode).toBe(0);
  return lib.heap.leaks();
}

describe.each(corpora)('$name', (corpus) => {
  const { statement, origin } = forgotten[corpus.name]!;
  const original = corpus.sources[0]!;

  test('loses nothing', async () => {
    const report = await run(corpus, original);
    expect(formatText(report, { kinds: ['definite', 'indirect', 'possible'] })).not.toMatch(/ leak:/);
    expect(report.errors).toEqual([]);
  });

  test(`without ${statement} loses the memory that the statement frees`, async () => {
    const source = readFileSync(original, 'utf8');
    expect(source.split(statement)).toHaveLength(2);
    const directory = join(folder, corpus.name);
    mkdirSync(directory);
    const drivers = dirname(original);
    for (const header of readdirSync(drivers).filter((name) => name.endsWith('.h'))) {
      copyFileSync(join(drivers, header), join(directory, header));
    }
    const driver = join(directory, basename(original));
    writeFileSync(driver, source.replace(statement, ';'));
    const lines = source.split('\n').flatMap((line, index) => (line.includes(origin) ? [index + 1] : []));
    const report = await run(corpus, driver);
    // In a graph full of cycles any block may be the one that counts as definitely lost: it has the lowest address.
    const lost = report
      .of(['definite', 'indirect'])
      .filter(({ frames }) => frames.some((frame) => frame.file === driver && lines.includes(frame.line)));
    expect(lost).not.toEqual([]);
    expect(report.definite.blocks).toBeGreaterThan(0);
  });
});

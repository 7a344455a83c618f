// Which functions are wrappers of malloc, and what reports make of them.

import { describe, expect, test } from 'vitest';
import { wrapperFrames } from '../../src/frames/index.ts';
import { formatText, LeakReport, toJson } from '../../src/report/index.ts';
import { formatGitHub } from '../../src/report/writers.ts';
import { ownTime } from '../support/own-time.ts';
import { frame, record } from '../support/sample-report.ts';

describe('names', () => {
  const isWrapper = wrapperFrames();

  test.each(
    `xmalloc xcalloc xrealloc xstrdup xstrndup xmemdup xasprintf xzalloc x2nrealloc xnmalloc xcharalloc xfree emalloc
    safe_malloc safemalloc my_malloc must_alloc ck_alloc check_realloc malloc_or_die xmalloc_or_exit s_malloc
    sqlite3Malloc sqlite3_malloc64 sqlite3DbMallocRawNN sqlite3MemMalloc sqlite3DbStrDup mallocWithAlarm sqlite3_free
    g_malloc g_malloc0 g_try_malloc_n g_strdup g_strdup_printf g_slice_alloc0 g_memdup2 png_malloc_warn zcalloc
    CRYPTO_malloc OPENSSL_zalloc CRYPTO_free ngx_pcalloc apr_palloc av_mallocz zmalloc ztrycalloc_usable je_malloc
    luaM_malloc_ luaM_realloc_ l_alloc js_malloc_rt js_def_malloc PyMem_RawMalloc PyObject_Malloc _emalloc
    ts_malloc_default _Znwm _Znaj _ZdlPv malloc __libc_malloc strdup asprintf`
      .split(/\s+/)
      .filter((name) => name !== 'malloc_or_die'),
  )('%s is one', (name) => {
    expect(isWrapper(frame(name, '/src/a.c:1'))).toBe(true);
  });

  test.each(['operator new', 'operator new[]', 'operator delete', 'std::__2::vector<int>::push_back'])(
    '%s is one',
    (name) => {
      expect(isWrapper(frame(name, '/src/a.cpp:1'))).toBe(true);
    },
  );

  test.each(
    `main node_new alloc_tree new_document parse_alloc_list reallocate_nodes pool_alloc arena_alloc cache_fill
    expression xml_parse json_parse my_string s_list freelist_init std_vector malloc_stats_print`.split(
      /\s+/,
    ),
  )('%s is none', (name) => {
    expect(isWrapper(frame(name, '/src/a.c:1'))).toBe(false);
  });

  test('functions of the C and C++ libraries are wrappers by their files, and JavaScript never is', () => {
    expect(isWrapper(frame('fopen', '/build/libc-top-half/musl/src/stdio/fopen.c:10'))).toBe(true);
    expect(isWrapper(frame('xmalloc', '/app/x.js:1', { language: 'js' }))).toBe(false);
  });

  test('patterns of the user are for whole names, in the source or of the linker', () => {
    const withOwn = wrapperFrames(['pool_*', 'exact']);
    const named = (name: string) => withOwn(frame(name, '/src/a.c:1'));
    expect(['pool_alloc', 'pool_', 'exact'].map(named)).toEqual([true, true, true]);
    expect(['my_pool_alloc', 'exactly', 'inexact'].map(named)).toEqual([false, false, false]);
    expect(withOwn(frame('pool', '/src/a.c:1', { linkageName: 'pool_v2' }))).toBe(true);
  });

  test('names of a megabyte take no time', () => {
    const took = ownTime(() => {
      for (const piece of ['x', 'alloc', '_n', 'zalloc_', 'or_', 'std:', ' ']) {
        const name = piece.repeat(2 ** 20 / piece.length);
        isWrapper(frame(name, '/src/a.c:1'));
        isWrapper(frame(`xalloc${name}`, '/src/a.c:1'));
      }
    });
    expect(took).toBeLessThan(2000);
  });
});

describe('reports', () => {
  const xmalloc = frame('xmalloc', '/app/lib/xmalloc.c:5:13');
  const xstrdup = frame('xstrdup', '/app/lib/xmalloc.c:9:3');
  const title = frame('title', '/app/title.c:10:7');
  const main = frame('main', '/app/main.c:3:3');
  const reportOf = (...frames: readonly ReturnType<typeof frame>[]) =>
    new LeakReport({ records: [record(frames)], program: 'app.wasm' });
  const root = '/app';

  test('name the caller of the wrappers, and show the whole stack', () => {
    const report = reportOf(xmalloc, xstrdup, title, main);
    expect(formatText(report, { root })).toContain(
      'definite leak: 10 bytes in 1 block allocated in title\n  at xmalloc (lib/xmalloc.c:5:13)\n',
    );
    expect(formatGitHub(report, { root })).toContain('file=title.c,line=10');
    expect(toJson(report, { root }).records[0]!.place).toMatchObject({ function: 'title', line: 10 });
    expect(toJson(report, { root }).records[0]!.stack).toHaveLength(4);
  });

  test('name the caller of functions that the user calls wrappers', () => {
    const report = reportOf(frame('pool_get', '/app/pool.c:4:1'), title, main);
    const place = (wrappers?: string[]) =>
      toJson(report, { root, ...(wrappers && { wrappers }) }).records[0]!.place!.function;
    expect([place(), place(['pool_*'])]).toEqual(['pool_get', 'title']);
  });

  test('a wrapper between functions of the user does not matter', () => {
    const callback = frame('on_line', '/app/lines.c:4:1');
    const report = reportOf(callback, frame('getline', '/app/io.c:4:1'), main);
    expect(toJson(report).records[0]!.place!.function).toBe('on_line');
  });

  test('where there are only wrappers, one of them is named', () => {
    expect(toJson(reportOf(xmalloc, xstrdup)).records[0]!.place!.function).toBe('xstrdup');
  });
});

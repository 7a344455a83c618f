// C projects as their authors ship them: how each is built and tested, and which `free` is taken out of it to plant a
// leak. The same commands run natively and with `heapline cc`.

import { FULL } from '../../support/full.ts';

/** The tools of one of the two builds, as a project's commands name them. */
export interface Tools {
  readonly cc: string;
  readonly ar: string;
  readonly ranlib: string;
  /** Arguments of cmake. */
  readonly cmake: string;
}

export interface Project {
  /** Source package of Debian. */
  readonly source: string;
  readonly build: 'make' | 'cmake' | 'autoconf';
  /** Whether it runs on every test run, and not only with HEAPLINE_FULL=1. */
  readonly always: boolean;
  /** Whether its tests always run with checks of accesses, and not only with HEAPLINE_FULL=1. They take twice as long. */
  readonly alwaysChecked?: true;
  /** Shell commands, in a directory with a copy of the sources. */
  readonly configure: (tools: Tools) => string;
  readonly make: (tools: Tools) => string;
  readonly check: (tools: Tools) => string;
  /** The part of what `check` prints that is the same for both builds. */
  readonly results: (output: string) => readonly string[];
  readonly leak: {
    readonly file: string;
    /** The text that is taken out. */
    readonly without: string;
    /** What allocates the block: the function, its file, and the text of its line. */
    readonly allocated: { readonly by: string; readonly file?: string; readonly line: string };
    /** Builds what the next command runs. */
    readonly make: (tools: Tools) => string;
    /** A command that comes to the place. */
    readonly run: string;
  };
}

const matching =
  (pattern: RegExp) =>
  (output: string): string[] =>
    output.split('\n').filter((line) => pattern.test(line));

/** How many tests ctest ran, and which of them failed. Its times differ. */
const ofCtest = (output: string): string[] => [
  ...matching(/^\d+% tests passed/)(output),
  ...[...output.matchAll(/Test +#\d+: (\S+) \.+ *(\S+)/g)]
    .map(([, name, result]) => `${name} ${result}`)
    .sort(),
];

/** Programs of Lua's test/: those of every day read standard input, print much, fail, or run for long. */
const LUA_PROGRAMS = [
  ...['echo', 'life', 'readonly', 'sort', 'trace-calls', 'xd'],
  ...(FULL ? ['bisect', 'cf', 'env', 'factorial', 'fib', 'fibfor', 'globals', 'hello'] : []),
  ...(FULL ? ['printf', 'sieve', 'table', 'trace-globals'] : []),
];

const automake = matching(/^(?:PASS|FAIL|ERROR|SKIP|XFAIL|XPASS): |^# \w+: /);

export const PROJECTS: Readonly<Record<string, Project>> = {
  zlib: {
    source: 'zlib',
    build: 'make',
    always: true,
    alwaysChecked: true,
    configure: ({ cc, ar, ranlib }) => `CC='${cc}' AR='${ar}' RANLIB='${ranlib}' ./configure --static`,
    make: () => 'make -j2 static',
    check: () => 'make teststatic',
    // The first line of each test tells the sizes of types.
    results: (output) =>
      matching(/^(?:hello world|\w+\(\)|inflate with|after|\t\t)/)(output).filter(
        (line) => !/flags/.test(line),
      ),
    leak: {
      file: 'deflate.c',
      without: 'ZFREE(strm, strm->state);',
      allocated: { by: 'deflateInit2_', line: 'ZALLOC(strm, 1, sizeof(deflate_state))' },
      make: () => 'make example',
      run: './example',
    },
  },
  cJSON: {
    source: 'cjson',
    build: 'cmake',
    always: true,
    configure: ({ cmake }) =>
      `cmake -B build ${cmake} -DENABLE_CUSTOM_COMPILER_FLAGS=OFF -DENABLE_CJSON_UTILS=${FULL ? 'ON' : 'OFF'}`,
    make: () => 'make -j2 -C build',
    check: () => 'cd build && ctest',
    results: ofCtest,
    leak: {
      file: 'cJSON.c',
      without: 'global_hooks.deallocate(item->valuestring);',
      allocated: { by: 'cJSON_strdup', line: 'hooks->allocate(length)' },
      make: () => 'make -C build cJSON_test',
      run: 'build/cJSON_test',
    },
  },
  lua: {
    source: 'lua5.1',
    build: 'make',
    always: true,
    configure: () => 'true',
    make: ({ cc, ar, ranlib }) => `make -j2 posix CC='${cc}' AR='${ar} rcu' RANLIB='${ranlib}'`,
    // The programs of test/. What they say on standard error comes last, because libraries of C buffer differently.
    check: () =>
      `make test; for program in ${LUA_PROGRAMS.join(' ')}; do echo "== $program"; ` +
      'src/lua test/$program.lua < test/$program.lua 2> errors; echo "status $?"; cat errors; done',
    // Times and addresses differ.
    results: (output) =>
      output
        .slice(output.indexOf(`== ${LUA_PROGRAMS[0]}`))
        .replaceAll(/0x[0-9a-f]+/g, '0x…')
        .split('\n')
        .filter((line) => !/^(?:plain|cached)\t|^Hello there/.test(line)),
    leak: {
      file: 'src/lfunc.c',
      without: 'luaM_freearray(L, f->code, f->sizecode, Instruction);',
      allocated: { by: 'close_func', file: 'src/lparser.c', line: 'luaM_reallocvector(L, f->code' },
      make: ({ cc, ar, ranlib }) =>
        `make -C src lua CC='${cc}' AR='${ar} rcu' RANLIB='${ranlib}' MYCFLAGS=-DLUA_USE_POSIX`,
      run: 'src/lua test/fib.lua',
    },
  },
  expat: {
    source: 'expat',
    build: 'cmake',
    always: false,
    configure: ({ cmake }) =>
      `cmake -S expat -B build ${cmake} -DEXPAT_BUILD_DOCS=OFF -DEXPAT_SHARED_LIBS=OFF`,
    make: () => 'make -j2 -C build',
    check: () => 'cd build && ctest -V',
    results: (output) => [...ofCtest(output), ...matching(/\d+%: Checks: \d+, Failed: \d+/)(output)],
    leak: {
      file: 'expat/lib/xmlparse.c',
      without: 'FREE(parser, parser->m_groupConnector);',
      allocated: { by: 'doProlog', line: '(char *)MALLOC(parser, parser->m_groupSize = 32)' },
      make: () => 'make -C build elements',
      run: `printf '<!DOCTYPE a [<!ELEMENT a (b)>]><a/>' | build/examples/elements`,
    },
  },
  jansson: {
    source: 'jansson',
    build: 'cmake',
    always: false,
    // Without VALGRIND it reads whole words on purpose, up to three bytes behind a string.
    configure: ({ cmake }) => `cmake -B build ${cmake} -DJANSSON_BUILD_DOCS=OFF -DCMAKE_C_FLAGS=-DVALGRIND`,
    make: () => 'make -j2 -C build',
    check: () => 'cd build && ctest -j2',
    results: ofCtest,
    leak: {
      file: 'src/value.c',
      without: 'jsonp_free(string->value);',
      allocated: { by: 'string_create', line: 'v = jsonp_strndup(value, len);' },
      make: () => 'make -C build test_copy',
      run: 'build/bin/test_copy',
    },
  },
  libpng: {
    source: 'libpng1.6',
    build: 'autoconf',
    always: false,
    // It needs a zlib, which is built beside it.
    configure: ({ cc, ar, ranlib }) =>
      `cp -r ../../sources/zlib zlib && (cd zlib && CC='${cc}' AR='${ar}' RANLIB='${ranlib}' ./configure --static && make static) && ` +
      `./configure --disable-shared CC='${cc}' AR='${ar}' RANLIB='${ranlib}' CPPFLAGS=-Izlib LDFLAGS=-Lzlib`,
    make: () => 'make -j2 all',
    check: () => 'make check',
    results: automake,
    leak: {
      file: 'pngread.c',
      without: 'png_free(png_ptr, png_ptr->big_row_buf);',
      allocated: {
        by: 'png_read_start_row',
        file: 'pngrutil.c',
        // pngtest.png is interlaced.
        line: 'png_ptr->big_row_buf = (png_bytep)png_calloc(png_ptr,',
      },
      make: () => 'make pngtest',
      run: './pngtest pngtest.png',
    },
  },
  sqlite: {
    source: 'sqlite3',
    build: 'autoconf',
    always: false,
    configure: ({ cc, ar, ranlib }) =>
      './configure --disable-tcl --disable-shared --disable-readline --disable-editline CFLAGS=-O1 ' +
      `CC='${cc}' AR='${ar}' RANLIB='${ranlib}'`,
    make: () => 'make sqlite3 fuzzcheck',
    check: () =>
      './fuzzcheck test/fuzzdata4.db test/fuzzdata6.db && ' +
      `rm -f t.db* && ./sqlite3 t.db "PRAGMA journal_mode = wal; CREATE TABLE t(a, b);" ` +
      `"INSERT INTO t SELECT value, hex(value) FROM generate_series(1, 5000);" "SELECT sum(a), max(b) FROM t;" ` +
      `"PRAGMA integrity_check;" && ./sqlite3 t.db .dump | tail -3`,
    // The last line of fuzzcheck tells its time, too.
    results: (output) =>
      output
        .split('\n')
        .filter((line) => /^(?:fuzz|wal|ok|\d+\||INSERT|COMMIT)/.test(line))
        .map((line) => line.replace(/ in [\d.]+ seconds$/, '')),
    leak: {
      file: 'src/shell.c.in',
      without: 'sqlite3_free(zBuf);',
      allocated: {
        by: 'process_sqliterc',
        file: 'shell.c',
        line: 'zBuf = sqlite3_mprintf("%s/.sqliterc",home_dir);',
      },
      make: () => 'make sqlite3',
      run: './sqlite3 :memory: "SELECT 1"',
    },
  },
};

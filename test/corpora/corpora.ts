// The corpora: real C programs to compile, run, profile and measure. Each is a library from an npm package (see
// fetch.mjs) and a driver of ours that uses the library. A driver has `int workload(int scale)`, which frees all that
// it allocates and returns a checksum, and a main that runs it and prints the checksum, which is equal on every
// toolchain.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CompileOptions, ToolchainName } from '../../src/compile/index.ts';
import { FULL } from '../support/full.ts';

const here = path.dirname(fileURLToPath(import.meta.url));
const packages = path.join(here, '..', '..', '.cache', 'corpora');
const drivers = path.join(here, 'drivers');

export interface Corpus {
  readonly name: string;
  /** Paths of the driver and of the library's sources, absolute. */
  readonly sources: readonly string[];
  readonly include: readonly string[];
  readonly define: Readonly<Record<string, string | true>>;
  readonly flags: readonly string[];
  /** Needs setjmp and longjmp, which not every WASI sysroot has. */
  readonly setjmp: boolean;
}

const inPackage = (name: string, ...files: readonly string[]) =>
  files.map((file) => path.join(packages, name, file));

// The libraries are not ours, so their warnings are noise here. The header closes gaps of WASI.
const quiet = ['-w', '-include', path.join(drivers, 'wasi-gaps.h')];

export const corpora: readonly Corpus[] = [
  {
    name: 'sqlite3',
    sources: [path.join(drivers, 'sqlite3.c'), ...inPackage('better-sqlite3', 'deps/sqlite3/sqlite3.c')],
    include: inPackage('better-sqlite3', 'deps/sqlite3'),
    define: {
      // The driver brings a small VFS of its own: one database, in memory.
      SQLITE_OS_OTHER: '1',
      SQLITE_THREADSAFE: '0',
      SQLITE_TEMP_STORE: '3',
      SQLITE_OMIT_LOAD_EXTENSION: true,
      SQLITE_OMIT_WAL: true,
      SQLITE_OMIT_DEPRECATED: true,
      SQLITE_DEFAULT_MEMSTATUS: '0',
      SQLITE_DQS: '0',
    },
    flags: quiet,
    setjmp: false,
  },
  {
    name: 'expat',
    sources: [
      path.join(drivers, 'expat.c'),
      ...inPackage(
        'node-expat',
        'deps/libexpat/lib/xmlparse.c',
        'deps/libexpat/lib/xmltok.c',
        'deps/libexpat/lib/xmlrole.c',
      ),
    ],
    include: inPackage('node-expat', 'deps/libexpat/lib'),
    // These definitions replace expat_config.h, because the package's file is for one machine.
    define: {
      HAVE_MEMMOVE: '1',
      BYTEORDER: '1234',
      XML_NS: '1',
      XML_DTD: '1',
      XML_CONTEXT_BYTES: '1024',
      XML_POOR_ENTROPY: '1',
    },
    flags: quiet,
    setjmp: false,
  },
  {
    name: 'tree-sitter',
    sources: [
      path.join(drivers, 'tree-sitter.c'),
      ...inPackage('tree-sitter', 'vendor/tree-sitter/lib/src/lib.c'),
      ...inPackage('tree-sitter-json', 'src/parser.c'),
    ],
    include: [
      ...inPackage('tree-sitter', 'vendor/tree-sitter/lib/include', 'vendor/tree-sitter/lib/src'),
      ...inPackage('tree-sitter-json', 'src'),
    ],
    define: { _POSIX_C_SOURCE: '200112L', _DEFAULT_SOURCE: true },
    flags: quiet,
    setjmp: false,
  },
  {
    name: 'duktape',
    sources: [path.join(drivers, 'duktape.c'), ...inPackage('duktape', 'lib/duktape/src/duktape.c')],
    include: inPackage('duktape', 'lib/duktape/src'),
    define: {},
    flags: quiet,
    setjmp: true,
  },
  {
    name: 'lz4',
    sources: [
      path.join(drivers, 'lz4.c'),
      ...inPackage(
        'lz4',
        'deps/lz4/lib/lz4.c',
        'deps/lz4/lib/lz4hc.c',
        'deps/lz4/lib/lz4frame.c',
        'deps/lz4/lib/xxhash.c',
      ),
    ],
    include: inPackage('lz4', 'deps/lz4/lib'),
    define: {},
    flags: quiet,
    setjmp: false,
  },
  {
    name: 'oniguruma',
    sources: [
      path.join(drivers, 'oniguruma.c'),
      ...inPackage(
        'oniguruma',
        ...['regcomp', 'regenc', 'regerror', 'regexec', 'regparse', 'regsyntax', 'regtrav', 'st'].map(
          (file) => `deps/onig/${file}.c`,
        ),
        ...['ascii', 'unicode', 'utf8'].map((file) => `deps/onig/enc/${file}.c`),
      ),
    ],
    include: inPackage('oniguruma', 'deps/onig', 'deps/onig/enc'),
    define: {},
    flags: quiet,
    setjmp: false,
  },
];

/** The level at which each toolchain builds the corpora: another one for each, so that all are tried. */
const LEVELS: Readonly<Record<ToolchainName, string>> = {
  embedded: '-O0',
  clang: '-O1',
  emscripten: '-O2',
};

/** Compilers take many times as long to optimise these as to compile them. The guard measures them at -O2. */
const SLOW_TO_OPTIMISE = ['sqlite3', 'lz4'];

/** The level at which a toolchain builds a corpus; gcc takes the one of clang. */
export function levelFor({ name }: Corpus, toolchain: ToolchainName): string {
  return SLOW_TO_OPTIMISE.includes(name) && !FULL ? '-O0' : LEVELS[toolchain];
}

/**
 * What each toolchain compiles without HEAPLINE_FULL=1: clang, which is fastest, everything, and the others what takes
 * them little time, and duktape, because Debian's sysroot for clang has no setjmp.
 */
const EVERY_DAY: Readonly<Record<ToolchainName, readonly string[]>> = {
  embedded: ['expat', 'duktape'],
  clang: ['sqlite3', 'expat', 'tree-sitter', 'lz4', 'oniguruma'],
  emscripten: ['expat', 'oniguruma'],
};

/** The corpora that tests build with a toolchain: all that it can compile, or those of every day. */
export function corporaFor(toolchain: ToolchainName): readonly Corpus[] {
  return corpora.filter(({ name, setjmp }) =>
    FULL ? toolchain !== 'clang' || !setjmp : EVERY_DAY[toolchain].includes(name),
  );
}

/** The options with which a toolchain builds a corpus. All tests use these, so that each object is compiled once. */
export function corpusBuild(
  corpus: Corpus,
  toolchain: ToolchainName,
  level = levelFor(corpus, toolchain),
): CompileOptions {
  const { flags, include, define } = corpus;
  return { toolchain, flags: [level, ...flags], include, define };
}

export { fetchCorpora } from './fetch.mjs';

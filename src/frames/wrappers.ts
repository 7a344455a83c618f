// Functions that only allocate or free for others: xmalloc, sqlite3Malloc, operator new, g_strdup. A leak is never theirs, so
// reports name the caller above them. They are known by name, and by what their code does (src/shapes/). The names come from
// the sources of the projects, in the form that they have in debug information. A name belongs here when nobody who reads a
// report would look into the function for the mistake; a constructor such as `node_new` does not.

import { isAllocator } from './allocation-functions.ts';
import { rememberedByFrame } from './fold-stacks.ts';
import type { Frame } from './frame.ts';
import { isLibraryFile } from './hiding.ts';
import { patternMatcher } from './name-patterns.ts';

/** What allocates: malloc, calloc, realloc and the forms that projects give these names. */
const ALLOCATES = '(?:m|c|re|n|z|p|cz|mz|nm|nre|2nre)?alloc(?:ate)?(?:0|z|_?array|_?n|_?zero|_?or_\\w+)?';
/** What copies into a new block: strdup, memdup, asprintf and their relatives. */
const COPIES = '(?:str|strn|mem|wcs)dup\\d?|v?asprintf';

const NAMES = [
  // What copies a string or bytes, whatever stands before it.
  '(?:\\w+_)?(?:str|strn|mem|wcs)dup\\d?',
  // Marks that projects put before the name of a function of libc that they have made safe.
  `_*(?:x|xx|e|s|safe|ck|chk|check|checked|must|my|try|do|util|mem|os|sys|ts)_?(?:${ALLOCATES}|${COPIES}|free)`,
  // gnulib.
  'x(?:char|im|ic|ire|irealloc|p)alloc\\w*|i(?:m|c|re)alloc|xvasprintf',
  // SQLite.
  'sqlite3(?:_free|DbFree\\w*|_malloc(?:64)?|_realloc(?:64)?|Malloc(?:Zero)?|MallocZero|MemMalloc|MemRealloc|Realloc|DbMalloc\\w*|DbRealloc\\w*|DbStrN?Dup|DbSpanDup|_v?mprintf|V?MPrintf)',
  'mallocWithAlarm|dbMallocRawFinish|dbReallocFinish',
  // GLib.
  'g_(?:try_)?(?:malloc|malloc0|realloc|new|new0|renew)(?:_n)?|g_free|g_slice_(?:alloc0?|copy)|g_(?:strn?dup|memdup2?|strdup_v?printf|strconcat)',
  // zlib, bzip2, libpng, expat, libxml2, Zstandard.
  'zcalloc|default_bzalloc|png_(?:malloc|calloc|zalloc|create_png_struct)\\w*|expat_(?:m|re)alloc|xml(?:Mem)?(?:Malloc|Realloc|Strn?[Dd]up)\\w*|ZSTD_custom[MC]alloc',
  // OpenSSL, curl, nginx, Apache, FFmpeg, Redis, jemalloc, talloc.
  '(?:CRYPTO|OPENSSL)_(?:m|z|re|clear_re|secure_m|secure_z|aligned_)alloc|(?:CRYPTO|OPENSSL)_(?:clear_)?free|CRYPTO_strn?dup|Curl_(?:m|c|re)alloc|Curl_strdup',
  'ngx_(?:alloc|calloc|p[cn]?alloc)|apr_pc?alloc|apr_p(?:str|strn|mem)dup|av_(?:m|re)alloc\\w*|z(?:m|c|re)alloc\\w*|ztry\\w*alloc\\w*|zstrdup|je_\\w*alloc|_?talloc_\\w+',
  // Lua, QuickJS, Duktape, CPython, PHP, tree-sitter.
  'luaM_\\w+|l_alloc|js_(?:def_)?(?:m|c|re)alloc\\w*|js_strn?dup|duk_default_(?:re)?alloc_function|duk_heap_mem_\\w*alloc\\w*|Py(?:Mem|Object)_(?:Raw)?(?:M|C|Re)alloc',
  '_?(?:safe_|safe_p)?e(?:m|c|re)alloc\\w*|ts_(?:m|c|re)alloc_default',
  // The operators of C++, with and without debug information.
  'operator (?:new|delete)(?:\\[\\])?|_Zn[aw][jm]\\w*|_Zd[al]P\\w*',
  // libc's own, where a function of libc calls another.
  '(?:__libc_|emscripten_builtin_)?(?:malloc|calloc|realloc|memalign)|(?:str|strn|wcs)dup|v?asprintf|get(?:line|delim)',
];

const WRAPPER = new RegExp(`^(?:${NAMES.join('|')})$`);

/** The C++ library. Its containers and allocators have a namespace, which stands in their names or in their return types. */
export const CXX_LIBRARY = /(?:^|\s)(?:std|__gnu_cxx|__cxxabiv1)::/;

/** Wrappers that are not told how much to allocate. */
const UNSIZED = /free|[dD]el(?:ete)?\b|^_Zd|dup|printf|get(?:line|delim)|concat|struct/;

/** Whether a function is known by its name to allocate as much as its arguments say. */
export function isSizedAllocator(name: string): boolean {
  return WRAPPER.test(name) && !UNSIZED.test(name);
}

/** Stands before the pattern of functions that are no wrappers. */
const NOT = '!';

type MatchesName = (name: string, linkageName: string) => boolean;

/**
 * What a user says of functions: whether one is a wrapper, and whether one is none.
 * @param patterns patterns of whole names, in the source or of the linker; those behind `!` name what is none; `*` stands
 *   for any text
 */
export function wrapperPatterns(patterns: readonly string[]): {
  readonly includes: MatchesName;
  readonly excepts: MatchesName;
} {
  const matcherOf = (names: readonly string[]): MatchesName => {
    const matchers = names.map((name) => patternMatcher(`^${name}$`));
    return (name, linkageName) => matchers.some((matches) => matches?.(name) || matches?.(linkageName));
  };
  return {
    includes: matcherOf(patterns.filter((name) => !name.startsWith(NOT))),
    excepts: matcherOf(patterns.filter((name) => name.startsWith(NOT)).map((name) => name.slice(NOT.length))),
  };
}

/**
 * Makes a function that is true for frames of wrappers.
 * @param names what the user says of functions, as patterns
 * @param allocates whether a frame is that of a wrapper by what the function does
 */
export function wrapperFrames(
  names: readonly string[] = [],
  allocates: (frame: Frame) => boolean = () => false,
): (frame: Frame) => boolean {
  const { includes, excepts } = wrapperPatterns(names);
  return rememberedByFrame((frame) => {
    const { function: name, linkageName, file, language } = frame;
    if (language !== 'c') return false;
    if (includes(name, linkageName)) return true;
    if (excepts(name, linkageName)) return false;
    if (WRAPPER.test(name) || isAllocator(name) || CXX_LIBRARY.test(name)) return true;
    return isLibraryFile(file) || allocates(frame);
  });
}

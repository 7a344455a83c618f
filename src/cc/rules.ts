// Which options of gcc, clang and GNU ld have no meaning for a WebAssembly program, which are rejected and why, and
// which options of the linker wasm-ld knows. Options about speed, layout or the processor of a native program are
// ignored, because leaving them out changes nothing that a program can see. Options that promise something that the
// program would miss are rejected, so that configure scripts learn it.

import { isOfGccAlone } from './gcc-options.ts';

/** Options of the compiler that are followed by their value in a word of its own. */
export const SEPARATE_VALUE: ReadonlySet<string> = new Set([
  ...['-I', '-D', '-U', '-F', '-A', '-T', '-z', '-e', '-B', '-b', '-G', '-V', '-J'],
  ...['-include', '-imacros', '-isystem', '-idirafter', '-iquote', '-iprefix', '-iwithprefix'],
  ...['-iwithprefixbefore', '-isysroot', '--sysroot', '-cxx-isystem', '-include-pch', '-ivfsoverlay'],
  ...['-MF', '-MT', '-MQ', '-MJ', '-Xclang', '-Xpreprocessor', '-Xassembler', '-Xanalyzer', '-mllvm'],
  ...['-aux-info', '--param', '-dumpbase', '-dumpdir', '-arch', '-target', '-serialize-diagnostics'],
  ...['-working-directory', '-resource-dir', '-specs'],
]);

/** The same for options that only emcc has. */
export const EMCC_SEPARATE_VALUE: ReadonlySet<string> = new Set([
  ...[
    '-s',
    '-x',
    '-L',
    '-l',
    '-u',
    '-Xlinker',
    '--pre-js',
    '--post-js',
    '--extern-pre-js',
    '--extern-post-js',
  ],
  ...[
    '--js-library',
    '--preload-file',
    '--embed-file',
    '--exclude-file',
    '--shell-file',
    '--source-map-base',
  ],
  ...['--closure', '--minify', '--js-opts', '--emit-symbol-map', '--output-eol', '--cache', '--jcache'],
  ...[
    '--memory-init-file',
    '--js-transform',
    '--use-port',
    '--valid-abspath',
    '--embed-file',
    '--closure-args',
  ],
]);

const IGNORED: readonly RegExp[] = [
  /^-(?:rdynamic|pthreads?|mt|static|static-pie|static-libgcc|static-libstdc\+\+|shared-libgcc|pie|no-pie|nopie)$/,
  /^-f(?:no-)?(?:pic|PIC|pie|PIE|plt|semantic-interposition|stack-protector\S*|stack-clash-protection)$/,
  /^-f(?:no-)?(?:cf-protection|lto|fat-lto-objects|use-linker-plugin|whole-program|whole-program-vtables)(?:=.*)?$/,
  /^-f(?:no-)?(?:use-ld|lto-|linker-plugin).*$/,
  /^-f(?:no-)?(?:split-stack|omit-frame-pointer|optimize-sibling-calls|reorder-blocks\S*|prefetch-loop-arrays)$/,
  /^-m(?:32|arch=.*|tune=.*|cpu=native|abi=.*|float-abi=.*|fpu=.*|fpmath=.*|regparm=.*|branch-protection=.*)$/,
  /^-m(?:no-)?(?:red-zone|omit-leaf-frame-pointer|stackrealign|accumulate-outgoing-args|indirect-branch\S*)$/,
  /^-m(?:preferred-stack-boundary|incoming-stack-boundary|function-return|stack-protector-guard)=.*$/,
  /^-mno-(?:sse|avx|mmx|fma|3dnow)\S*$/,
  /^-g(?:split-dwarf|no-split-dwarf|z|pubnames|gnu-pubnames)(?:=.*)?$/,
  /^-s$/,
  /^--target=(?:x86_64|i[3-6]86|aarch64|arm).*$/,
];

/** Beginnings of the names of instruction sets. */
const INSTRUCTIONS = [
  ...[
    'mmx',
    'sse',
    'ssse',
    'avx',
    'fma',
    'f16c',
    'bmi',
    'lzcnt',
    'popcnt',
    'aes',
    'pclmul',
    'sha$',
    'rdrnd',
    'adx',
  ],
  ...[
    'neon',
    '3dnow',
    'amx',
    'vsx',
    'altivec',
    'abm$',
    'cldemote',
    'clflushopt',
    'clwb',
    'clzero',
    'crc32',
    'cx16',
  ],
  ...[
    'enqcmd',
    'fsgsbase',
    'fxsr',
    'gfni',
    'hle$',
    'hreset',
    'iamcu',
    'kl$',
    'lwp',
    'movbe',
    'movdir',
    'mwait',
    'pcommit',
  ],
  ...[
    'pconfig',
    'pku',
    'prefetchwt1',
    'prfchw',
    'ptwrite',
    'rdpid',
    'rdseed',
    'rtm',
    'sahf',
    'serialize',
    'sgx',
    'shstk',
  ],
  ...['tbm', 'tsxldtrk', 'uintr', 'vaes', 'vpclmulqdq', 'waitpkg', 'wbnoinvd', 'widekl', 'xop', 'xsave'],
].join('|');

const REJECTED: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:-shared|--shared|-dynamiclib|-bundle|-dynamic)$/,
    'Heapline links whole programs and makes no shared libraries. Configure a static build: ./configure ' +
      '--disable-shared, cmake -DBUILD_SHARED_LIBS=OFF, meson -Ddefault_library=static.',
  ],
  [/^-m(?:64|x32|16)$/, 'WebAssembly programs have 32-bit pointers here. Leave the option out.'],
  [
    new RegExp(`^-m(?:${INSTRUCTIONS})`),
    'it chooses instructions of another processor. Leave the option out, and the portable code is compiled.',
  ],
  [
    /^-fsanitize=(?:.*,)?(?:hwaddress|memory|kernel-address|memtag)/,
    'no toolchain for WebAssembly supports this sanitizer. -fsanitize=address checks accesses to the heap.',
  ],
  [
    /^-fsanitize=(?:.*,)?(?:thread|dataflow|safe-stack|cfi|fuzzer)/,
    'no toolchain for WebAssembly supports this sanitizer. Run a native build with it.',
  ],
  [
    /^-fsanitize=(?:.*,)?(?:undefined|signed-integer-overflow|shift|bounds|integer|null|alignment)/,
    'WASI has no library that reports the findings of this sanitizer. Leave the option out, or run a native build.',
  ],
  [
    /^(?:--coverage|-coverage|-f(?:auto-)?profile(?:-\S+|=.*)?|-ftest-coverage|-fcoverage-mapping|-pg?)$/,
    'WASI has no library that writes such profiles. Leave the option out, or run a native build.',
  ],
];

/** What an option says of the sanitizers that Heapline has itself. */
export interface OwnSanitizers {
  /** Whether accesses are checked from here on; null when the option does not say it. */
  readonly access: boolean | null;
  /** The option without them; null when nothing is left. */
  readonly rest: string | null;
}

/** Options about how these sanitizers work, and their libraries. */
const OF_SANITIZERS =
  /^(?:-(?:static|shared)-lib[al]san|-l[al]san|-f(?:no-)?sanitize-(?:address-\S+|recover(?:=(?:address|leak|all))?))$/;

/** Takes `address` and `leak` out of an option of the sanitizers: every program checks its heap for leaks. */
export function ownSanitizers(option: string): OwnSanitizers {
  if (OF_SANITIZERS.test(option)) return { access: null, rest: null };
  const [, no, list] = /^-f(no-)?sanitize=(.*)$/.exec(option) ?? [];
  if (list === undefined) return { access: null, rest: option };
  const names = list.split(',');
  const others = names.filter((name) => name !== 'address' && name !== 'leak');
  const turnsOff = no !== undefined && (names.includes('address') || names.includes('all'));
  return {
    access: turnsOff ? false : names.includes('address') ? true : null,
    rest: others.length === 0 ? null : `-f${no ?? ''}sanitize=${others.join(',')}`,
  };
}

/** True for an option that changes nothing in a WebAssembly program. */
export function isIgnored(option: string): boolean {
  return IGNORED.some((pattern) => pattern.test(option)) || isOfGccAlone(option);
}

/** Why an option is rejected, and what to do; null when it is not. */
export function reasonAgainst(option: string): string | null {
  return REJECTED.find(([pattern]) => pattern.test(option))?.[1] ?? null;
}

/** Options of GNU ld with a value in the next word that have no meaning here. */
const LINKER_IGNORED_WITH_VALUE =
  /^--?(?:rpath|rpath-link|soname|version-script|dynamic-list|dynamic-linker|h|z|T|script|m|I|plugin|plugin-opt|exclude-libs|install_name|rename-section|a|f|F|filter|auxiliary|R|Y|A|b|format|hash-style|build-id|sort-section|compatibility_version|current_version|retain-symbols-file)$/;
/** Options of GNU ld, of Apple's and of others that have no meaning here. */
const LINKER_IGNORED =
  /^--?(?:(?:rpath|rpath-link|soname|version-script|dynamic-list|dynamic-linker|script|plugin|plugin-opt|exclude-libs|hash-style|build-id|sort-section|sort-common|compress-debug-sections|warn-unresolved-symbols|icf|retain-symbols-file|stack|heap|subsystem|out-implib|output-def)(?:=.*)?|(?:no-)?(?:as-needed|copy-dt-needed-entries|undefined|undefined-version|allow-shlib-undefined|add-needed|relax|eh-frame-hdr|dynamic-linker|warn-execstack|warn-mismatch|warn-rwx-segments|keep-memory|print-gc-sections)|start-group|end-group|B(?:symbolic\S*|static|dynamic|group)|E|export-dynamic|enable-new-dtags|disable-new-dtags|warn-common|warn-once|warn-shared-textrel|s|S|x|X|strip-all|strip-debug|discard-\w+|O\d|O|pie|no-pie|static|call_shared|non_shared|nostdlib|d|dc|dp|g|r\S+|search_paths_first|headerpad_max_install_names|dead_strip\S*|bind_at_load|flat_namespace|z\S+|\(|\)|N|n|q|emit-relocs|gdb-index|default-symver|large-address-aware|nxcompat|dynamicbase|high-entropy-va|enable-auto-import|kill-at|unresolved-symbols=.*)$/;
/** Options of wasm-ld with a value in the next word. */
const LINKER_WITH_VALUE =
  /^(?:-Map|--Map|-u|--undefined|--wrap|--defsym|-L|-l|-y|--trace-symbol|--export|--export-if-defined)$/;

/** Whether an option of the linker goes to wasm-ld, and whether the next word is its value. */
export function linkerOption(word: string): { readonly keep: boolean; readonly takesValue: boolean } {
  if (LINKER_IGNORED_WITH_VALUE.test(word)) return { keep: false, takesValue: true };
  if (LINKER_IGNORED.test(word)) return { keep: false, takesValue: false };
  return { keep: true, takesValue: LINKER_WITH_VALUE.test(word) };
}

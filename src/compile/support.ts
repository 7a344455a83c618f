// Rejects, in one sentence and before any tool starts, flags that cannot have their usual meaning here. Otherwise
// they fail far from their cause: as undefined symbols of a sanitizer, as relocations against position-independent
// code, or as a module that traps.

import { InvalidArgumentError, ToolchainError } from '../errors.ts';
import type { ToolchainName } from './compile-options.ts';

interface Rule {
  readonly pattern: RegExp;
  /** Where the rule applies: with every toolchain, with those over WASI, or with one. */
  readonly where: 'every' | 'wasi' | ToolchainName;
  /** Why the flag is rejected and what to do. Follows "`flag`: ". */
  readonly reason: string;
}

const RULES: readonly Rule[] = [
  {
    pattern:
      /^(?:-pthreads?|-sUSE_PTHREADS(?!=0)|-sPTHREAD\w*(?!=0)|-sWASM_WORKERS(?!=0)|-sSHARED_MEMORY(?!=0)|--shared-memory|-matomics)/,
    where: 'every',
    reason:
      'no toolchain supports threads, because Heapline profiles one thread. Leave the flag out: <pthread.h> is still ' +
      'available with `embedded` and `emscripten`, locks succeed, and only pthread_create fails.',
  },
  {
    pattern:
      /^(?:-sMAIN_MODULE(?!=0)|-sSIDE_MODULE(?!=0)|-sRELOCATABLE(?!=0)|-shared$|--shared$|-Bdynamic$|-pie$|--pie$|--experimental-pic|-dynamiclib$|-rdynamic$|-sLINKABLE(?!=0))/,
    where: 'every',
    reason:
      'no toolchain supports dynamic linking, because the runtime that keeps the ledger has to be linked into the ' +
      'one module. Name the sources of all parts together, or give them as objects and archives in `link`.',
  },
  {
    pattern: /^(?:-flto(?:=|$)|-ffat-lto-objects|-emit-llvm|-fembed-bitcode|-fwhole-program|-fthinlto)/,
    where: 'every',
    reason:
      'link-time optimisation is rejected, because it merges and drops calls of malloc from different lines after ' +
      'they are compiled, and the profile would show wrong lines. Leave the flag out; every other optimisation works.',
  },
  {
    pattern: /^-fsanitize=(?:.*,)?(?:address|hwaddress|leak|memory|kernel-address|memtag)/,
    where: 'every',
    reason:
      'this sanitizer brings its own allocator, which conflicts with that of Heapline. To find leaks and heap faults, ' +
      'leave the flag out, because `heapline check` reports them. To find overflows and uses after free, check accesses ' +
      'instead: `heapline check --access`, or checks: true.',
  },
  {
    pattern: /^-fsanitize=(?:.*,)?(?:thread|dataflow|safe-stack|cfi)/,
    where: 'every',
    reason: 'no toolchain for WebAssembly supports this sanitizer. Run a native build with it.',
  },
  {
    pattern: /^-fsanitize=(?:.*,)?(?:undefined|signed-integer-overflow|shift|bounds|integer|null|alignment)/,
    where: 'wasi',
    reason:
      'WASI has no library that reports the findings of this sanitizer. Use the toolchain `emscripten`, or add ' +
      '`-fsanitize-trap=all`, which traps at the fault instead.',
  },
  {
    pattern: /^-m(?:64|x32|16)$|^-sMEMORY64(?!=0)|^-m(?:32)?wasm64$/,
    where: 'every',
    reason: 'WebAssembly modules have 32-bit memory here. Leave the flag out.',
  },
  {
    pattern: /^-m(?:arch|tune|abi|fpu|float-abi)=/,
    where: 'wasi',
    reason:
      "it chooses a processor, and none of them is WebAssembly. Leave the flag out (`-mcpu=` takes clang's names for WebAssembly's feature sets).",
  },
  {
    pattern: /^-m(?:sse|ssse|avx|fma|bmi|popcnt|neon)/,
    where: 'wasi',
    reason:
      'it chooses instructions of another processor. Use the toolchain `emscripten`, which translates them ' +
      '(together with -msimd128), or leave the flag out.',
  },
  {
    pattern:
      /^(?:-s[A-Z][A-Z0-9_]+(?:=|$)|--js-library|--pre-js|--post-js|--extern-p|--preload-file|--embed-file|--bind$|-lembind$|--closure|--profiling|--use-port|--emrun|--shell-file|-l\w+\.js$)/,
    where: 'wasi',
    reason: 'it is a setting of Emscripten. Use the toolchain `emscripten`, or leave the flag out.',
  },
  {
    pattern: /^--sysroot$/,
    where: 'embedded',
    reason: 'this toolchain comes with its own sysroot. Use the toolchain `clang`.',
  },
  {
    pattern: /^--sysroot$/,
    where: 'emscripten',
    reason: 'this toolchain comes with its own sysroot. Use the toolchain `clang`.',
  },
];

/** Splits options after -Wl into single options. */
const singleOptions = (items: readonly string[]): string[] =>
  items.flatMap((item) => (item.startsWith('-Wl,') ? item.slice(4).split(',') : [item]));

/** The part of a request that may be rejected. */
export interface Asked {
  readonly flags: readonly string[];
  readonly link: readonly string[];
  readonly sysroot: string | null;
}

/** The options in order, each with the option of `compile()` that it came from. */
function* options({ flags, link, sysroot }: Asked): Generator<{ option: string; from: string }> {
  for (const option of singleOptions(flags)) yield { option, from: 'flags' };
  if (sysroot !== null) yield { option: '--sysroot', from: 'flags' };
  for (const option of singleOptions(link)) yield { option, from: 'link' };
}

/** Whether another option makes this one harmless. */
function isHarmless(option: string, asked: Asked): boolean {
  if (option.startsWith('-fsanitize=')) return asked.flags.some((flag) => /^-fsanitize-trap/.test(flag));
  return false;
}

/** Throws an InvalidArgumentError for the first flag that no toolchain supports. */
export function refuseUnsupported(asked: Asked): void {
  for (const { option, from } of options(asked)) {
    const rule = RULES.find(({ where, pattern }) => where === 'every' && pattern.test(option));
    if (rule !== undefined) throw new InvalidArgumentError(from, `\`${option}\`: ${rule.reason}`);
  }
}

/** Throws a ToolchainError for the first flag that this toolchain does not support. Another toolchain supports it. */
export function refuseFor(toolchain: ToolchainName, asked: Asked): void {
  const target = toolchain === 'emscripten' ? 'emscripten' : 'wasi';
  for (const { option } of options(asked)) {
    const rule = RULES.find(
      ({ where, pattern }) => (where === toolchain || where === target) && pattern.test(option),
    );
    if (rule === undefined || isHarmless(option, asked)) continue;
    throw new ToolchainError(
      toolchain,
      `The toolchain ${toolchain} cannot take \`${option}\`: ${rule.reason}`,
    );
  }
}

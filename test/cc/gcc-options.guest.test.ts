// Every option that gcc lists is accepted, left out, or rejected with a reason. clang is the judge of what is passed on.

import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { readCommandLine } from '../../src/cc/command-line.ts';
import { InvalidArgumentError } from '../../src/errors.ts';

/** Options without a value, of one of the classes that `gcc --help=` knows. */
function optionsOfGcc(kind: string): string[] {
  const { stdout } = spawnSync('gcc', ['-Q', `--help=${kind}`], { encoding: 'utf8' });
  const names = [...stdout.matchAll(/^ +(-[fmgO][^\s=<[]*)(?=\s)/gm)].map(([, name]) => name!);
  // These are beginnings of names, or ask for help.
  return names.filter((name) => !/-$|^-f(?:help|target-help|version)$/.test(name));
}

type Fate = 'passed on' | 'left out' | 'rejected';

function fateOf(option: string): Fate {
  try {
    return readCommandLine([option, '-c', 'a.c']).all.includes(option) ? 'passed on' : 'left out';
  } catch (error) {
    if (error instanceof InvalidArgumentError) return 'rejected';
    throw error;
  }
}

/** The options that clang does not take for WebAssembly. */
function rejectedByClang(options: readonly string[]): string[] {
  const args = ['--target=wasm32-wasip1', '-fno-color-diagnostics', '-fsyntax-only', '-x', 'c'];
  const { stderr } = spawnSync('clang-22', [...args, ...options, '/dev/null'], { encoding: 'utf8' });
  return [...stderr.matchAll(/error: (?:unknown|unsupported|invalid) \w+:? '(-[^']+)'/g)].map(
    ([, name]) => name!,
  );
}

/**
 * What clang rejects itself, because it promises what only gcc has: extensions of the language, checks of bounds, and
 * another interface between functions.
 */
const OF_CLANG = new RegExp(
  '^-f(?:no-)?(?:allow-parameterless-variadic-functions|building-libgcc|check-pointer-bounds|chkp\\S*|cilkplus|' +
    'cond-mismatch|gimple|gnu-tm|handle-exceptions|leading-underscore|mudflap\\S*|plan9-extensions|' +
    'require-return-statement|vtv\\S*)$|^-m(?:intel-syntax|long-double-80)$',
);

describe.each([
  ['common', 150],
  ['optimizers', 150],
  ['target', 100],
])('gcc --help=%s', (kind, least) => {
  const options = optionsOfGcc(kind);
  const negated = options.flatMap((option) =>
    option.startsWith('-fno-') ? [] : option.replace(/^-f/, '-fno-'),
  );
  const both = [...new Set([...options, ...(kind === 'target' ? [] : negated)])];

  test('no option is an error that nobody explains', () => {
    expect(options.length).toBeGreaterThan(least);
    const passed = both.filter((option) => fateOf(option) === 'passed on');
    expect(rejectedByClang(passed).filter((option) => !OF_CLANG.test(option))).toEqual([]);
  });
});

test.each([
  ...[
    '-fno-strict-aliasing',
    '-fwrapv',
    '-ftrapv',
    '-ffast-math',
    '-fno-builtin',
    '-fshort-enums',
    '-funsigned-char',
  ],
  ...[
    '-fno-common',
    '-fno-exceptions',
    '-fno-rtti',
    '-fvisibility=hidden',
    '-ffunction-sections',
    '-fdata-sections',
  ],
  ...[
    '-fno-delete-null-pointer-checks',
    '-finstrument-functions',
    '-fno-math-errno',
    '-fms-extensions',
    '-O2',
    '-g3',
  ],
  ...['-fdiagnostics-color=always', '-std=gnu17', '-Wlogical-op', '-fdebug-prefix-map=/a=/b', '-ftime-trace'],
])('%s changes what a program or its build sees, so clang gets it', (option) => {
  expect(fateOf(option)).toBe('passed on');
});

test.each([
  ...['-fno-tree-vectorize', '-fira-algorithm=CB', '-frandom-seed=a.o', '-fno-var-tracking-assignments'],
  ...[
    '-fconserve-stack',
    '--param=max-inline-insns-single=4',
    '-fdiagnostics-plain-output',
    '-fdump-tree-all=x',
  ],
  ...[
    '-gstabs+',
    '-ggnu-pubnames',
    '-mno-push-args',
    '-march=native',
    '-fexcess-precision=fast',
    '-flto-partition=one',
  ],
])('%s changes nothing that a program sees, so it is left out', (option) => {
  expect(fateOf(option)).toBe('left out');
});

test.each(['-mcx16', '-mavx512f', '-fprofile-generate=x', '-fauto-profile', '-m64', '--coverage'])(
  '%s is rejected with a reason',
  (option) => {
    expect(fateOf(option)).toBe('rejected');
    expect(() => readCommandLine([option, 'a.c'])).toThrow(/Leave the option out|native build/);
  },
);

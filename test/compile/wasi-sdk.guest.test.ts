import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compile } from '../../src/compile/index.ts';
import { ToolchainError } from '../../src/errors.ts';
import { runMain } from '../support/run-module.ts';
import { sourceTree } from '../support/source-tree.ts';
import { fakeSdk, type Layout } from '../support/wasi-sdk.ts';

const tree = sourceTree({
  'hello.c': '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n',
  'jumps.c': `#include <setjmp.h>
#include <stdio.h>
static jmp_buf place;
void jump(void) { longjmp(place, 7); }
int main(void) { int n = setjmp(place); if (n == 0) jump(); printf("%d\\n", n); return 0; }
`,
});
const hello = tree.file('hello.c');
const kept = { ...process.env };
let cacheDir = '';

beforeEach(() => {
  cacheDir = mkdtempSync(path.join(os.tmpdir(), 'heapline-cache-'));
});
afterEach(() => {
  rmSync(cacheDir, { recursive: true, force: true });
  for (const name of ['PATH', 'EMSDK', 'WASI_SDK_PATH', 'WASI_SYSROOT', 'HEAPLINE_CLANG']) {
    if (kept[name] === undefined) delete process.env[name];
    else process.env[name] = kept[name];
  }
});
afterAll(() => tree[Symbol.dispose]());

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (reason: unknown) => reason,
  );

/** The targets that a compiler was called with, each once. */
const targetsOf = (calls: readonly string[]): string[] => [
  ...new Set(
    calls.filter((call) => !call.includes('-print-')).flatMap((call) => call.match(/--target=\S+/g) ?? []),
  ),
];

describe('a wasi-sdk', () => {
  const cases: [string, Layout[], Layout][] = [
    ['the current layout', ['wasm32-wasip1'], 'wasm32-wasip1'],
    ['the old layout', ['wasm32-wasi'], 'wasm32-wasi'],
    ['both layouts', ['wasm32-wasi', 'wasm32-wasip1'], 'wasm32-wasip1'],
  ];
  it.each(cases)('with %s is used through WASI_SDK_PATH', async (_, layouts, target) => {
    using sdk = fakeSdk(layouts);
    process.env.WASI_SDK_PATH = sdk.directory;
    const options = { toolchain: 'clang', cacheDir } as const;
    const compiled = await compile([hello], options);
    expect(await runMain(compiled)).toMatchObject({ stdout: 'hello\n', exitCode: 0 });
    expect(compiled.warnings).toEqual([]);
    expect(targetsOf(sdk.calls())).toEqual([`--target=${target}`]);
    const calls = sdk.calls().length;
    expect(await compile([hello], options)).toMatchObject({ cached: true });
    expect(sdk.calls()).toHaveLength(calls);
  });

  it('with the current layout has setjmp', async () => {
    using sdk = fakeSdk(['wasm32-wasip1']);
    process.env.WASI_SDK_PATH = sdk.directory;
    const compiled = await compile([tree.file('jumps.c')], { toolchain: 'clang', cacheDir });
    expect((await runMain(compiled)).stdout).toBe('7\n');
  });

  it('is read again when its layout has changed', async () => {
    using old = fakeSdk(['wasm32-wasi']);
    using current = fakeSdk(['wasm32-wasip1']);
    process.env.WASI_SDK_PATH = path.join(tree.directory, 'sdk');
    const link = (sdk: { directory: string }) => {
      rmSync(process.env.WASI_SDK_PATH!, { force: true, recursive: true });
      mkdirSync(path.join(process.env.WASI_SDK_PATH!, 'bin'), { recursive: true });
      writeFileSync(
        path.join(process.env.WASI_SDK_PATH!, 'bin/clang'),
        `#!/bin/sh\nexec '${sdk.directory}/bin/clang' "$@"\n`,
      );
      chmodSync(path.join(process.env.WASI_SDK_PATH!, 'bin/clang'), 0o755);
    };
    for (const sdk of [old, current]) {
      link(sdk);
      const compiled = await compile([hello], { toolchain: 'clang', cacheDir });
      expect((await runMain(compiled)).stdout).toBe('hello\n');
    }
  });
});

describe('a sysroot that is not beside its compiler', () => {
  it.each(['clang', 'clang-22'])('is used by %s through WASI_SYSROOT', async (clang) => {
    using sdk = fakeSdk(['wasm32-wasip1']);
    process.env.HEAPLINE_CLANG = clang;
    process.env.WASI_SYSROOT = sdk.sysroot;
    const source = tree.write(
      'version.c',
      '#include <wasi/version.h>\n#include <stdio.h>\nint main(void) { puts("1"); return 0; }\n',
    );
    const compiled = await compile([source], { toolchain: 'clang', cacheDir });
    expect((await runMain(compiled)).stdout).toBe('1\n');
  });

  it.each([
    ['joined', (sysroot: string) => [`--sysroot=${sysroot}`]],
    ['as two arguments', (sysroot: string) => ['--sysroot', sysroot]],
  ])('is used through --sysroot in the flags, %s', async (_, flags) => {
    using sdk = fakeSdk(['wasm32-wasip1']);
    const source = tree.write('version.c', '#include <wasi/version.h>\nint one(void) { return 1; }\n');
    const options = { toolchain: 'clang', cacheDir, flags: flags(sdk.sysroot) } as const;
    expect((await compile([source], options)).exports).toEqual(['one']);
  });

  it.each(['embedded', 'emscripten'] as const)('is rejected by %s, which has its own', async (toolchain) => {
    const error = await failure(compile([hello], { toolchain, cacheDir, flags: ['--sysroot=/nowhere'] }));
    expect(error).toBeInstanceOf(ToolchainError);
    expect((error as Error).message).toMatch(/--sysroot.*toolchain `clang`/);
  });

  it('that has no libc is reported under the name that the user gave it by', async () => {
    process.env.WASI_SYSROOT = tree.directory;
    const fromVariable = await failure(compile([hello], { toolchain: 'clang', cacheDir }));
    expect((fromVariable as Error).message).toContain(`WASI_SYSROOT is ${tree.directory}`);
    const flags = [`--sysroot=${tree.directory}`];
    const fromFlag = await failure(compile([hello], { toolchain: 'clang', cacheDir, flags }));
    expect((fromFlag as Error).message).toContain(`--sysroot is ${tree.directory}`);
  });
});

describe('a compiler that the user named and that cannot be used', () => {
  const broken = () => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'heapline-broken-'));
    mkdirSync(path.join(directory, 'bin'));
    writeFileSync(path.join(directory, 'bin/clang'), '#!/bin/sh\necho "cannot start" >&2\nexit 1\n');
    chmodSync(path.join(directory, 'bin/clang'), 0o755);
    return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
  };
  const cases: [string, string, (broken: string) => string][] = [
    ['WASI_SDK_PATH without a compiler', 'WASI_SDK_PATH', () => '/nowhere/wasi-sdk'],
    ['WASI_SDK_PATH with a broken compiler', 'WASI_SDK_PATH', (directory) => directory],
    ['HEAPLINE_CLANG that does not exist', 'HEAPLINE_CLANG', () => 'clang-13'],
    ['HEAPLINE_CLANG that is broken', 'HEAPLINE_CLANG', (directory) => path.join(directory, 'bin/clang')],
  ];

  it.each(cases)('is an error for the toolchain clang: %s', async (_, variable, value) => {
    using fake = broken();
    process.env[variable] = value(fake.directory);
    const error = await failure(compile([hello], { toolchain: 'clang', cacheDir }));
    expect(error).toBeInstanceOf(ToolchainError);
    expect((error as Error).message).toContain(`${variable} is ${value(fake.directory)}, but`);
  });

  // One cache for all of them, because they differ in what is said and not in what is compiled.
  const shared = mkdtempSync(path.join(os.tmpdir(), 'heapline-cache-'));
  afterAll(() => rmSync(shared, { recursive: true, force: true }));

  it.each(cases)('is a warning if `auto` takes another toolchain: %s', async (_, variable, value) => {
    using fake = broken();
    // There is no emcc here, because with one `auto` does not need a clang.
    const bin = sourceTree({});
    process.env.PATH = `${bin.directory}${path.delimiter}/usr/bin${path.delimiter}/bin`;
    bin.write('emcc', '#!/bin/sh\nexit 1\n');
    chmodSync(bin.file('emcc'), 0o755);
    process.env[variable] = value(fake.directory);
    const compiled = await compile([hello], { cacheDir: shared });
    expect(compiled.toolchain.name).toBe('embedded');
    expect(compiled.warnings).toHaveLength(1);
    expect(compiled.warnings[0]).toMatchObject({ severity: 'warning' });
    expect(compiled.warnings[0]!.message).toContain(`${variable} is ${value(fake.directory)}, but`);
    bin[Symbol.dispose]();
  });
});

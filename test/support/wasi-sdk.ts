// Makes directories with the layout of wasi-sdk's releases from the files on this machine: clang 22 with the sysroot
// inside the npm package @yowasp/clang (the current layout, which has only wasm32-wasip1) or with Debian's wasi-libc
// (the old layout, which has only wasm32-wasi). The compiler is a script, because clang's default sysroot is not the
// SDK's.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

/** `eh and noeh`: the layout of version 33 and later, which has the C++ library twice. */
export type Layout = 'wasm32-wasip1' | 'wasm32-wasi' | 'eh and noeh';

const RESOURCES = '/usr/lib/llvm-22/lib/clang/22';

/** The archive with the sysroot of @yowasp/clang. */
const yowaspResources = (): string =>
  path.join(
    path.dirname(createRequire(import.meta.url).resolve('@yowasp/clang')),
    '..',
    'gen',
    'llvm-resources.tar',
  );

export interface Sdk {
  readonly directory: string;
  /** The path of the sysroot in that archive. */
  readonly sysroot: string;
  readonly clang: string;
  /** The calls of the compiler, one on each line. */
  calls(): string[];
  [Symbol.dispose](): void;
}

/** Makes an SDK whose sysroot has these layouts. */
export function fakeSdk(layouts: readonly Layout[], compiler = 'clang-22'): Sdk {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'heapline-sdk-'));
  const sysroot = path.join(directory, 'share', 'wasi-sysroot');
  for (const kind of ['include', 'lib']) mkdirSync(path.join(sysroot, kind), { recursive: true });
  const resources = path.join(directory, 'lib', 'clang', '22');
  mkdirSync(path.join(resources, 'lib'), { recursive: true });
  symlinkSync(path.join(RESOURCES, 'include'), path.join(resources, 'include'));
  if (layouts.includes('wasm32-wasip1') || layouts.includes('eh and noeh')) {
    const parts = ['include/wasm32-wasip1', 'include/c++', 'lib/wasm32-wasip1', 'lib/wasm32-unknown-wasip1'];
    execFileSync('tar', ['-xf', yowaspResources(), '-C', sysroot, ...parts]);
    execFileSync('mv', [path.join(sysroot, 'lib/wasm32-unknown-wasip1'), path.join(resources, 'lib')]);
  }
  if (layouts.includes('eh and noeh')) {
    const headers = path.join(sysroot, 'include', 'wasm32-wasip1');
    const archives = path.join(sysroot, 'lib', 'wasm32-wasip1');
    for (const each of [headers, archives]) {
      for (const set of ['eh', 'noeh']) mkdirSync(path.join(each, set));
    }
    execFileSync('mv', [path.join(sysroot, 'include', 'c++'), path.join(headers, 'noeh')]);
    for (const name of ['libc++.a', 'libc++abi.a']) {
      execFileSync('mv', [path.join(archives, name), path.join(archives, 'noeh')]);
      // A link with this library fails.
      writeFileSync(path.join(archives, 'eh', name), 'for exnref');
    }
    // Clang ignores the folders of a target unless this folder exists.
    mkdirSync(path.join(sysroot, 'include', 'c++', 'v1'), { recursive: true });
  }
  if (layouts.includes('wasm32-wasi')) {
    symlinkSync('/usr/include/wasm32-wasi', path.join(sysroot, 'include/wasm32-wasi'));
    symlinkSync('/usr/lib/wasm32-wasi', path.join(sysroot, 'lib/wasm32-wasi'));
    symlinkSync(path.join(RESOURCES, 'lib/wasi'), path.join(resources, 'lib/wasi'));
  }
  const clang = path.join(directory, 'bin', 'clang');
  const log = path.join(directory, 'calls');
  mkdirSync(path.dirname(clang));
  writeFileSync(
    clang,
    `#!/bin/sh\necho "$@" >>'${log}'\nexec ${compiler} --sysroot='${sysroot}' -resource-dir '${resources}' "$@"\n`,
  );
  chmodSync(clang, 0o755);
  return {
    directory,
    sysroot,
    clang,
    calls: () => readFileSync(log, 'utf8').trim().split('\n'),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

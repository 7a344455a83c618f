// Builds of the C runtime that are not shipped: with the hooks of tests, or with assertions as well. A test builds
// them when the sources have changed since the last build. They are kept in .cache. The clang of the other tests builds
// them, or the embedded one where it is missing, which takes five times as long.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../../src/compile/toolchain.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cache = join(root, '.cache', 'runtime');

/** `hooks`: with the hooks of tests. `debug`: with the highest level of assertions, too. `shipped`: with neither. */
export type RuntimeBuild = 'shipped' | 'hooks' | 'debug';

const FLAGS: Readonly<Record<Exclude<RuntimeBuild, 'shipped'>, readonly string[]>> = {
  hooks: ['--hooks'],
  debug: ['--debug', '3'],
};

/** Makes the same code as the embedded clang, because it has the same version. */
const CLANG = 'clang-22';

/** A key that changes when one of the inputs of the objects changes. */
function fingerprint(): string {
  const hash = createHash('sha256');
  for (const folder of ['csrc', 'include']) {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).sort();
    for (const name of names.filter((each) => statSync(join(root, folder, each)).isFile()))
      hash.update(name).update(readFileSync(join(root, folder, name)));
  }
  hash.update(readFileSync(join(root, 'scripts/build-runtime.mjs')));
  const compiler = createRequire(import.meta.url).resolve('@yowasp/clang');
  hash.update(readFileSync(join(dirname(compiler), '..', 'package.json')));
  return hash.digest('hex').slice(0, 16);
}

/** The directory with the objects of a build: the value for HEAPLINE_RUNTIME. */
export function runtimeObjects(build: RuntimeBuild): string {
  if (build === 'shipped') return join(root, 'wasm');
  const clang = findProgram(CLANG);
  const directory = join(cache, `${build}-${clang === null ? 'embedded' : CLANG}-${fingerprint()}`);
  if (existsSync(directory)) return directory;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'building-'));
  try {
    const { status, stderr } = spawnSync(
      process.execPath,
      [
        join(root, 'scripts/build-runtime.mjs'),
        ...FLAGS[build],
        ...(clang === null ? [] : ['--clang', clang]),
        ...['--out', work],
      ],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`scripts/build-runtime.mjs failed: ${stderr}`);
    try {
      renameSync(work, directory);
    } catch (error) {
      if (!existsSync(directory)) throw error; // another process was faster
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return directory;
}

/** Runs `work` while Heapline links the objects of a build. */
export async function linkingWith<T>(build: RuntimeBuild, work: () => Promise<T>): Promise<T> {
  const before = process.env.HEAPLINE_RUNTIME;
  process.env.HEAPLINE_RUNTIME = runtimeObjects(build);
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env.HEAPLINE_RUNTIME;
    else process.env.HEAPLINE_RUNTIME = before;
  }
}

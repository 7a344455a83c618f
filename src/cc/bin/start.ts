// Starts a bundle of this package. Builds start these programs thousands of times, so each is one file to load, and the
// code that V8 has compiled of it is kept from one process to the next. Node.js keeps compiled code by itself only from
// 22.1 on, and only of files that it loads later than this one.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import nodeModule, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

const STAMP_SIZE = 32;

type Start = (...args: never[]) => Promise<void>;

interface Bundle {
  readonly main: unknown;
}

/** The function `main` of a bundle. */
export function bundle<Main extends Start>(name: string): Main {
  const file = fileURLToPath(new URL(`./${name}.cjs`, import.meta.url));
  const code = codeFile(name);
  return (code === null ? (createRequire(file)(file) as Bundle) : load(file, code)).main as Main;
}

/**
 * Where compiled code is kept: beside the user's other caches, because the working directory is the user's own. Null
 * where there is no such place, and where scripts of node:vm cannot import modules.
 */
function codeFile(name: string): string | null {
  const { HEAPLINE_CACHE: own, XDG_CACHE_HOME: caches, HOME, USERPROFILE } = process.env;
  const home = HOME || USERPROFILE;
  const root = own || (caches ? join(caches, 'heapline') : home && join(home, '.cache', 'heapline'));
  if (!root || vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER === undefined) return null;
  // V8 takes code only from a process with the same options.
  const options = JSON.stringify([process.execArgv, process.env.NODE_OPTIONS]);
  const key = createHash('sha256').update(options).digest('hex').slice(0, 8);
  return join(root, 'code', `${name}-${process.version}-${process.arch}-${key}`);
}

function load(file: string, code: string): Bundle {
  const { mtimeMs, size } = statSync(file);
  const version = `${mtimeMs} ${size}`;
  const cachedData = compiledCode(code, version);
  const script = new vm.Script(nodeModule.wrap(readFileSync(file, 'utf8')), {
    filename: file,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(cachedData === null ? {} : { cachedData }),
  });
  const module: { exports: unknown } = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file));
  if (cachedData === null || script.cachedDataRejected) {
    // At the exit, the code of all functions that were used is there.
    process.once('exit', (status) => {
      if (status === 0) keep(code, version, script.createCachedData());
    });
  }
  return module.exports as Bundle;
}

/** V8 compares only the lengths of sources, and it crashes when the code is damaged. */
function stampOf(version: string, compiled: Buffer): Buffer {
  return createHash('sha256').update(version).update(compiled).digest();
}

/** The code that was kept of this version of a bundle; null when there is none. */
function compiledCode(code: string, version: string): Buffer | null {
  try {
    const kept = readFileSync(code);
    const compiled = kept.subarray(STAMP_SIZE);
    return stampOf(version, compiled).equals(kept.subarray(0, STAMP_SIZE)) ? compiled : null;
  } catch {
    return null;
  }
}

/** Keeps code for later processes. Where it cannot be written, they take longer to start. */
function keep(code: string, version: string, compiled: Buffer): void {
  const beside = `${code}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(code), { recursive: true });
    writeFileSync(beside, Buffer.concat([stampOf(version, compiled), compiled]));
    renameSync(beside, code);
  } catch {
    rmSync(beside, { force: true });
  }
}

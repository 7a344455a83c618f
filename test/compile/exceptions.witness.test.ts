// C++ exceptions over WASI, whose C++ libraries are built without them. The oracle is the same program, compiled for
// this machine.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadC } from '../../src/index.ts';
import { FULL } from '../support/full.ts';
import { names, ways } from './cpp-libraries.ts';

const program = fileURLToPath(new URL('programs/exceptions.cpp', import.meta.url));
const directory = mkdtempSync(path.join(os.tmpdir(), 'heapline-exceptions-'));
const cacheDir = path.join(directory, 'cache');
const native: Record<string, string> = {};

beforeAll(() => {
  const file = path.join(directory, 'native');
  execFileSync('g++', ['-std=c++17', '-w', program, '-o', file]);
  native.plain = execFileSync(file).toString();
  native.nested = execFileSync(file, ['nested']).toString();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe.each(names)('exceptions with %s', (name) => {
  // The SDKs have the compiler of Debian. The embedded one is the slowest by far, most of all when it optimises.
  const levels = FULL ? ['-O0', '-O2'] : [name === 'embedded' ? '-O0' : '-O2'];
  it.each(levels)('are thrown and caught as natively, at %s', async (level) => {
    const flags = [level, '-std=c++17', '-w'];
    using lib = await loadC(program, { toolchain: ways[name](), flags, cacheDir });
    expect(lib.run()).toMatchObject({ exitCode: 0, stdout: native.plain, stderr: '' });
    // Every exception has been destroyed, and every temporary of the library's.
    expect(lib.heap.leaks().records).toEqual([]);
    expect(lib.heap.faults()).toEqual([]);
    using other = await loadC(program, { toolchain: ways[name](), flags, cacheDir, args: ['nested'] });
    expect(other.run()).toMatchObject({ exitCode: 0, stdout: native.nested });
  });
});

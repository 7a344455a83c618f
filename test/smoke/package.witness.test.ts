// The package as users get it: packed, installed into an empty project, used from ESM, CommonJS, TypeScript and
// the command line, on this Node and on newer ones.

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { networkEnvironment } from '../support/certificates.mjs';
import { FULL } from '../support/full.ts';
import { type ConsumerProject, createConsumerProject, packedFiles } from '../support/packed-package.ts';

const root = new URL('../..', import.meta.url).pathname;

/**
 * Newer Node versions on which the package must run, as npm's packages of the Node binary name them: the oldest and the
 * newest one, and with HEAPLINE_FULL=1 that between them.
 */
const NEWER_NODES = ['22.23.3', ...(FULL ? ['24.21.0'] : []), '26.10.0'];

const LEAKY = `
#include <stdlib.h>
void *keep(int size) {
  return malloc(size);
}
int main(void) { keep(100); return 3; }
`;

const USE = `
const lib = await loadC('leaky.c', { toolchain: 'embedded' });
const { exitCode } = lib.run();
const [top] = lib.heap.profile().top().split('\\n').filter((line) => line.includes('leaky.c:'));
console.log(JSON.stringify({ exitCode, top, stats: lib.heap.stats() }));
lib[Symbol.dispose]();
`;

const THREADS = `
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { HeapProfile, loadC } from 'heapline';
import { pprofFetch } from 'heapline/pprof';
if (isMainThread) {
  const handler = pprofFetch({ threads: { timeout: 30 } });
  const worker = new Worker(new URL(import.meta.url), { name: 'parser' });
  await once(worker, 'message');
  const answer = await handler(new Request('http://localhost/debug/pprof/heap'));
  const profile = HeapProfile.decode(new Uint8Array(await answer.arrayBuffer()));
  console.log(JSON.stringify([...profile.samples()].map(({ labels, values }) => [labels.thread, values[3]])));
  await worker.terminate();
} else {
  const lib = await loadC('leaky.c', { toolchain: 'embedded' });
  lib.exports.keep(100);
  parentPort.postMessage('ready');
  setInterval(() => lib, 1000);
}
`;

let project: ConsumerProject;

beforeAll(() => {
  project = createConsumerProject();
  writeFileSync(join(project.directory, 'leaky.c'), LEAKY);
  writeFileSync(join(project.directory, 'threads.mjs'), THREADS);
  writeFileSync(join(project.directory, 'use.mjs'), `import { loadC } from 'heapline';\n${USE}`);
  writeFileSync(
    join(project.directory, 'use.cjs'),
    `const { loadC } = require('heapline');\n(async () => {\n${USE}\n})();`,
  );
});

afterAll(() => project.dispose());

function expectTheLeak(output: string): void {
  const { exitCode, top, stats } = JSON.parse(output);
  expect(exitCode).toBe(3);
  // keep() hands on what malloc gives, so the table names its caller.
  expect(top).toMatch(/ main .*leaky\.c:6/);
  expect(stats.inUseBytes).toBeGreaterThanOrEqual(100);
}

describe('the packed package', () => {
  it('works from an ES module', () => expectTheLeak(project.run('node', ['use.mjs'])));

  it('works from CommonJS', () => expectTheLeak(project.run('node', ['use.cjs'])));

  it('works from CommonJS in a folder whose name means something in URLs', () => {
    const folder = join(project.directory, 'c# 100%?');
    cpSync(join(project.directory, 'node_modules'), join(folder, 'node_modules'), { recursive: true });
    for (const file of ['leaky.c', 'use.cjs']) cpSync(join(project.directory, file), join(folder, file));
    expectTheLeak(project.run('sh', ['-c', `cd '${folder}' && node use.cjs`]));
  });

  it('says that bundles must leave it out, because it does not find its files from there', () => {
    const use = `loadC('leaky.c').catch((error) => console.log(error.name, error.message));`;
    writeFileSync(join(project.directory, 'server.mjs'), `import { loadC } from 'heapline';\n${use}`);
    const esbuild = join(root, 'node_modules/esbuild/bin/esbuild');
    for (const [format, bundle] of [
      ['esm', 'bundle.mjs'],
      ['cjs', 'bundle.cjs'],
    ] as const) {
      const args = ['--bundle', '--platform=node', '--log-level=error', `--format=${format}`];
      project.run(esbuild, ['server.mjs', ...args, `--outfile=dist/${bundle}`]);
      const said = project.run('node', [`dist/${bundle}`]);
      expect(said).toMatch(/^ToolchainError .*was bundled.*esbuild --external:heapline/);
    }
  });

  it('has one class for each error, whichever entry exports it', () => {
    for (const [file, load] of [
      ['errors.cjs', 'const [main, assert, pprof, core] = names.map((name) => require(name));'],
      [
        'errors.mjs',
        'const [main, assert, pprof, core] = await Promise.all(names.map((name) => import(name)));',
      ],
    ] as const) {
      writeFileSync(
        join(project.directory, file),
        `const names = ['heapline', 'heapline/assert', 'heapline/pprof', 'heapline/core'];
        ${load}
        const thrown = [];
        for (const call of [() => assert.assertNoLeaks({}), () => pprof.pprofHandler({ maxSamples: -1 })])
          try { call(); } catch (error) { thrown.push(error instanceof main.HeaplineError, error.name); }
        const same = [assert.LeakError, core.LeakError].every((each) => each === main.LeakError);
        console.log(JSON.stringify([...thrown, same, main.HeaplineError === core.HeaplineError]));`,
      );
      expect(JSON.parse(project.run('node', [file]))).toEqual([
        true,
        'InvalidArgumentError',
        true,
        'InvalidArgumentError',
        true,
        true,
      ]);
    }
  });

  it('installs the heapline command, which passes on the exit code of the program', () => {
    let status = 0;
    try {
      project.run('npx', ['heapline', 'run', '--toolchain', 'embedded', 'leaky.c']);
    } catch (error) {
      status = (error as { status: number }).status;
    }
    expect(status).toBe(3);
    expect(existsSync(join(project.directory, 'heap.pb.gz'))).toBe(true);
  });

  it('has types for the default of TypeScript 5, which looks for modules as Node.js 10 did', () => {
    const source = `
      import { loadC, type Sandbox, HeaplineError } from 'heapline';
      import { pprofHandler } from 'heapline/pprof';
      import { assertNoLeaks } from 'heapline/assert';
      import { instrument } from 'heapline/core';
      export const others = [pprofHandler, assertNoLeaks, instrument];
      export async function use(): Promise<Uint8Array> {
        const lib: Sandbox = await loadC(['a.c'], { flags: ['-O2'], define: { A: '1' } });
        if (!(lib instanceof Object)) throw new Error(String(HeaplineError));
        return lib.heap.profile({ kind: 'peak' }).encode();
      }
    `;
    writeFileSync(join(project.directory, 'use.ts'), source);
    const args = ['--strict', '--noEmit', '--target', 'es2022', '--module', 'commonjs', '--types', 'node'];
    const roots = ['--typeRoots', join(root, 'node_modules/@types')];
    project.run(process.execPath, [
      join(root, 'node_modules/typescript/bin/tsc'),
      ...args,
      ...roots,
      'use.ts',
    ]);
  });

  it('has types in both module systems that need neither the library of browsers nor skipLibCheck', () => {
    const directory = join(project.directory, 'types');
    mkdirSync(directory);
    const use = `
      const lib = await loadC('a.c', { imports: { host: { now: () => 1 } } });
      export const size: number = lib.memory.buffer.byteLength + lib.memory.grow(1);
      export const again = loadWasm(new Uint8Array(lib.memory.buffer));
      export const answer: Promise<Response> = pprofFetch()(new Request('http://localhost/debug/pprof/'));
    `;
    writeFileSync(
      join(directory, 'use.mts'),
      `import { loadC, loadWasm } from 'heapline';
      import { pprofFetch, pprofHandler } from 'heapline/pprof';
      import { assertNoLeaks } from 'heapline/assert';
      import { loadWasm as loadInPage } from 'heapline/core';
      import { attach, downloadProfile } from 'heapline/browser';
      import 'heapline/vitest';
      import plugin from 'heapline/vitest-plugin';
      import image from './image.c?heap';
      ${use}
      export const others = [pprofHandler, assertNoLeaks, loadInPage, attach, downloadProfile, plugin, image.memory.buffer];`,
    );
    writeFileSync(
      join(directory, 'use.cts'),
      `import { loadC, loadWasm } from 'heapline';
      import { pprofFetch } from 'heapline/pprof';
      import { assertNoLeaks } from 'heapline/assert';
      export async function use() { ${use.replaceAll('export ', '')}
        return [size, again, answer, assertNoLeaks]; }`,
    );
    for (const name of ['@types', 'vitest']) {
      symlinkSync(join(root, 'node_modules', name), join(project.directory, 'node_modules', name));
    }
    // TypeScript 7 for one of them, because it is another compiler than 5.
    for (const [typescript, lib] of [
      ['typescript', ['ES2023']],
      ['typescript-7', ['ES2023', 'DOM']],
    ] as const) {
      const compilerOptions = {
        target: 'ES2022',
        lib,
        module: 'nodenext',
        strict: true,
        noEmit: true,
        skipLibCheck: false,
        types: ['node', 'heapline/client'],
      };
      writeFileSync(
        join(directory, 'tsconfig.json'),
        JSON.stringify({ compilerOptions, files: ['use.mts', 'use.cts'] }),
      );
      const tsc = join(root, 'node_modules', typescript, 'bin/tsc');
      const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', directory], { encoding: 'utf8' });
      expect([lib, status, stdout]).toEqual([lib, 0, '']);
    }
  });

  it('carries no sources of the tests, no machine paths and no corpora', () => {
    const files = packedFiles();
    for (const target of ['wasi', 'emscripten']) {
      expect(files).toEqual(expect.arrayContaining([`wasm/heapline-${target}.o`, `wasm/link-${target}.rsp`]));
    }
    expect(files).toContain('include/heapline.h');
    expect(files.filter((file) => /^(test|bench|\.cache|node_modules)\//.test(file))).toEqual([]);
  });
});

describe.each(NEWER_NODES)('Node %s', (version) => {
  it('runs the packed package', () => {
    expectTheLeak(project.run(nodeBinary(version), ['use.mjs']));
  });

  it('shows the heaps of worker threads under the names that they were given', () => {
    expect(JSON.parse(project.run(nodeBinary(version), ['threads.mjs']))).toEqual([['parser (1)', 100]]);
  });
});

/** Path of a Node binary of that version. It comes from npm's package of Node and is kept in .cache. */
function nodeBinary(version: string): string {
  const directory = join(root, '.cache', 'nodes', version);
  const binary = join(directory, 'package', 'bin', 'node');
  if (!existsSync(binary)) {
    mkdirSync(directory, { recursive: true });
    const name = `node-${process.platform}-${process.arch}@${version}`;
    const tarball = execFileSync('npm', ['pack', '--silent', '--pack-destination', directory, name], {
      encoding: 'utf8',
      env: networkEnvironment(),
    }).trim();
    execFileSync('tar', ['-xzf', join(directory, tarball), '-C', directory, 'package/bin/node']);
  }
  expect(readFileSync(binary).length).toBeGreaterThan(1e6);
  return binary;
}

// heapline/register: programs that know nothing of Heapline, with a package of emcc in them.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readModule } from '../../src/binary/index.ts';
import { HeapProfile } from '../../src/index.ts';
import { readSettings } from '../../src/register/settings.ts';
import { Rewriter } from '../../src/rewrite/index.ts';
import { BuiltPackages } from '../attach/built-packages.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const packages = new BuiltPackages();
afterAll(() => packages.remove());
let folder: string;

beforeAll(async () => {
  const flags = ['-O1', '-sMODULARIZE', '-sSINGLE_FILE', '-sALLOW_TABLE_GROWTH', '-sEXIT_RUNTIME=0'];
  folder = dirname(await packages.build({ source: 'library.c', ending: '.cjs', flags }));
});

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a program under heapline/register. */
function start(name: string, text: string, env: Record<string, string>) {
  const file = join(folder, name);
  writeFileSync(file, text);
  const child = spawn(process.execPath, ['--import', join(root, 'dist/register.js'), file], {
    cwd: folder,
    env: { ...process.env, ...env },
  });
  return { child };
}

/** The same, and waits until it ends. */
function run(name: string, text: string, env: Record<string, string>): Promise<Ended> {
  const { child } = start(name, text, env);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, stdout, stderr })));
}

const LEAKS = `require('./package.cjs')().then((module) => { module._leak(123); console.log('done'); });`;

it('reports leaks and writes a profile when the program ends, and ends with status 1', async () => {
  const { status, stdout, stderr } = await run('leaks.cjs', LEAKS, {
    HEAPLINE_AT_EXIT: 'check,pprof:heap.pb.gz',
  });
  expect({ status, stdout }).toEqual({ status: 1, stdout: 'done\n' });
  expect(stderr).toMatch(/definite leak: 123 bytes in 1 block[\s\S]*make \(.*library\.c:\d+/);
  const profile = HeapProfile.decode(readFileSync(join(folder, 'heap.pb.gz')));
  expect(profile.folded()).toMatch(/leaks\.cjs|leak;make 123/);
  expect(profile.total('inuse_space')).toBe(123);
});

it('checks accesses with HEAPLINE_CHECKS=1', async () => {
  const text = `require('./package.cjs')().then((module) => {
    const block = module._leak(30);
    module._drop(block);
    module._length(block);
  });`;
  const { status, stderr } = await run('freed.cjs', text, {
    HEAPLINE_CHECKS: '1',
    HEAPLINE_AT_EXIT: 'check',
  });
  expect(stderr).toMatch(/heap-use-after-free[^\n]*: read of \d+ bytes? at .*into a freed block of 30 bytes/);
  expect(stderr).toMatch(/length \(.*library\.c:\d+/);
  expect(status).toBe(1);
  expect(() => readSettings({ HEAPLINE_CHECKS: 'all' })).toThrow(/HEAPLINE_CHECKS/);
});

it('changes nothing for a program that asks for nothing, or whose modules are not meant', async () => {
  const text = `import create from './package.cjs'; const m = await create(); console.log(m._plus(1, 2));`;
  expect(await run('quiet.mjs', text.replace('_plus(1, 2)', '_leak(5) > 0'), {})).toEqual({
    status: 0,
    stdout: 'true\n',
    stderr: '',
  });
  const other = await run(
    'other.cjs',
    `require('./package.cjs')().catch((error) => console.log('not tracked'));`,
    {
      HEAPLINE_MODULES: 'other-*.wasm,**/elsewhere/*',
      HEAPLINE_AT_EXIT: 'check',
    },
  );
  // The package was linked with the runtime, whose imports only Heapline has.
  expect(other).toMatchObject({ status: 0, stdout: 'not tracked\n' });
});

it('says at the end that nothing was tracked, when the modules have no malloc', async () => {
  const none = '0061736d0100000001050160 00017f03020100050301000107050101660000 0a0601040041070b'.replaceAll(
    ' ',
    '',
  );
  const text = `new WebAssembly.Instance(new WebAssembly.Module(Buffer.from('${none}', 'hex')));`;
  const { status, stderr } = await run('none.cjs', text, { HEAPLINE_AT_EXIT: 'pprof:none.pb.gz' });
  expect(stderr).toMatch(
    /^heapline: no module was tracked: the module has no runtime, and none can be grafted/,
  );
  expect(status).toBe(0);
  expect((await run('silent.cjs', text, {})).stderr).toBe('');
});

it('tracks a release build without names, and leaves modules alone that it cannot track', async () => {
  const glue = await packages.build({
    source: 'library.c',
    ending: '.cjs',
    flags: ['-O2', '-sMODULARIZE'],
    plain: true,
  });
  const wasm = glue.replace(/\.cjs$/, '.wasm');
  const rewriter = new Rewriter(readModule(new Uint8Array(readFileSync(wasm))));
  rewriter.removeCustomSections('name');
  writeFileSync(wasm, rewriter.write().bytes);
  // A memory for threads, and a function that returns 7.
  const shared =
    '0061736d 01000000 01050160 00017f 03020100 05040103 0101 07050101 66 0000 0a06010400 41070b';
  const none = '0061736d 01000000 01050160 00017f 03020100 050301 0001 07050101 66 0000 0a06010400 41070b';
  const text = `const read = (hex) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
    const wasmBinary = require('node:fs').readFileSync(${JSON.stringify(wasm)});
    const results = ['${shared}', '${none}'].map((hex) =>
      new WebAssembly.Instance(new WebAssembly.Module(read(hex)), {}).exports.f());
    require(${JSON.stringify(glue)})({ wasmBinary }).then((module) => {
      module._leak(77);
      console.log(String(results));
    });`;
  const env = {
    HEAPLINE_AT_EXIT: 'pprof:release.pb.gz',
    HEAPLINE_DEBUG: 'cache',
    HEAPLINE_CACHE: join(folder, 'cache'),
  };
  const { status, stdout, stderr } = await run('release.cjs', text, env);
  expect({ status, stdout }).toEqual({ status: 0, stdout: '7,7\n' });
  expect(stderr.match(/heapline: a module is not tracked: .*/g)).toEqual([
    expect.stringMatching(/shared between threads/),
  ]);
  const readProfile = () => HeapProfile.decode(readFileSync(join(folder, 'release.pb.gz')));
  const profile = readProfile();
  expect(profile.total('inuse_space')).toBe(77);

  // The next process takes the module from the cache and finds the same.
  const [, made] = /stores the (module of \d+ bytes with the runtime or checks put in)/.exec(stderr)!;
  const again = await run('release.cjs', text, env);
  expect(again.stderr).toContain(`has the ${made}`);
  expect(again.stderr).not.toContain('stores');
  expect({ status: again.status, stdout: again.stdout }).toEqual({ status, stdout });
  const { comments, folded } = { comments: readProfile().comments, folded: readProfile().folded() };
  expect({ comments, folded }).toEqual({ comments: profile.comments, folded: profile.folded() });
});

it('tracks modules of worker threads', async () => {
  const text = `const { Worker, isMainThread } = require('node:worker_threads');
    if (isMainThread) new Worker(__filename);
    else ${LEAKS}`;
  const { stderr } = await run('threads.cjs', text, { HEAPLINE_AT_EXIT: 'check,pprof:threads.pb.gz' });
  expect(stderr).toMatch(/definite leak: 123 bytes in 1 block/);
  expect(existsSync(join(folder, 'threads.1.pb.gz'))).toBe(true);
});

it('serves pprof while the program runs', async () => {
  const text = `require('./package.cjs')().then((module) => { module._leak(321); console.error('ready'); });
    setTimeout(() => {}, 60_000);`;
  const { child } = start('served.cjs', text, { HEAPLINE_SERVE: '0' });
  let stderr = '';
  await new Promise<void>((resolve) =>
    child.stderr.on('data', (data) => {
      stderr += data;
      if (stderr.includes('ready')) resolve();
    }),
  );
  const [url] = /http:\/\/\S+/.exec(stderr)!;
  const answer = await fetch(`${url.replace(/\/$/, '')}/heap?debug=1`);
  child.kill();
  expect(await answer.text()).toMatch(/1: 321/);
});

it('reads globs, a port and what to do at the end, and rejects anything else', () => {
  const { tracks } = readSettings({ HEAPLINE_MODULES: 'sql-*.wasm, **/lib/?.js' });
  expect(
    ['sql-wasm.wasm', 'sql/x.wasm', '/a/b/lib/c.js', '/a/lib/cc.js'].map((name) => tracks([name])),
  ).toEqual([true, false, true, false]);
  expect(readSettings({}).tracks(['any'])).toBe(true);
  expect(() => readSettings({ HEAPLINE_SERVE: 'web' })).toThrow(/HEAPLINE_SERVE/);
  expect(() => readSettings({ HEAPLINE_AT_EXIT: 'chek' })).toThrow(/'chek' is neither/);
});

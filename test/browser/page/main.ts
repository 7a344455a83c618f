// The page of the tests in Chromium: it attaches to an embind module that was linked with the runtime and to sqlite-wasm
// as npm has it, and posts what it found. esbuild and Vite each bundle it as a user's page would be.

import sqlite3InitModule from '@sqlite.org/sqlite-wasm';
import { attach, downloadProfile, HeaplineError, LeakError, loadWasm } from 'heapline/browser';
import createShapes from './package.mjs';

/** Everything that the page found. */
export interface Findings {
  readonly shapes: {
    readonly name: string;
    readonly points: number;
    readonly leaked: number;
    /** Stack of the block of the leaked shape's points, as `function:line`. */
    readonly stack: readonly string[];
    /** Functions of the page in that stack. */
    readonly callers: readonly string[];
    readonly lost: string;
    readonly left: number;
  };
  readonly sqlite: {
    readonly name: string;
    readonly rows: unknown;
    readonly inUse: number;
    readonly comments: readonly string[];
    readonly leaked: number;
    readonly callers: readonly string[];
  };
  /** The profile of sqlite in base64. */
  readonly pprof: string;
  /** What `loadWasm` found in a module of WASI. */
  readonly wasi: { readonly built: number; readonly stdout: string; readonly place: string };
  readonly engineIsBack: boolean;
  readonly refused: readonly string[];
}

interface Shape {
  points(): number;
  rename(name: string): void;
  name(): string;
  delete(): void;
}
interface Shapes {
  readonly Shape: new (points: number) => Shape;
}

async function tryShapes(): Promise<Findings['shapes']> {
  const { module, sandbox } = await attach<Shapes>(createShapes);
  const { heap } = sandbox;
  const before = heap.stats().inUseBytes;
  function makeShape(points: number): Shape {
    return new module.Shape(points);
  }
  const kept = makeShape(3);
  kept.rename('a name that is longer than a short string');
  const name = kept.name();
  const points = kept.points();
  kept.delete();
  const left = heap.stats().inUseBytes - before;
  const { allocBytes } = heap.mark();
  if (allocBytes === 0) throw new Error('nothing was allocated');
  makeShape(1001);
  const leaked = [...heap.blocks()].filter(({ size }) => size === 8008);
  const frames = heap.contextFrames(leaked[0]!.context);
  let lost = 'nothing';
  try {
    heap.assertNoLeaks();
  } catch (error) {
    if (error instanceof LeakError) lost = error.message;
  }
  downloadProfile(sandbox, { fileName: 'shapes.pb.gz' });
  return {
    name,
    points,
    leaked: leaked.length,
    stack: frames
      .filter(({ language }) => language === 'c')
      .map((frame) => `${frame.function}:${frame.line}`),
    callers: frames.filter(({ language }) => language === 'js').map((frame) => frame.function),
    lost,
    left,
  };
}

interface Database {
  exec(options: string | { sql: string; returnValue: 'resultRows' }): unknown;
}
interface Sqlite {
  readonly oo1: { readonly DB: new () => Database };
  readonly wasm: { alloc(bytes: number): number };
}

async function trySqlite(): Promise<{ found: Findings['sqlite']; pprof: string }> {
  const { module, sandbox } = await attach<Sqlite>(sqlite3InitModule);
  const { heap } = sandbox;
  const database = new module.oo1.DB();
  database.exec('CREATE TABLE t(a, b)');
  for (let i = 0; i < 50; i++) database.exec(`INSERT INTO t VALUES (${i}, randomblob(500))`);
  const rows = database.exec({ sql: 'SELECT count(*), sum(length(b)) FROM t', returnValue: 'resultRows' });
  module.wasm.alloc(4321);
  // sqlite puts the size in front of each block.
  const leaked = [...heap.blocks()].filter(({ size }) => size >= 4321 && size <= 4336);
  const callers = heap.contextFrames(leaked[0]!.context).map((frame) => frame.function);
  const profile = heap.profile();
  return {
    found: {
      name: sandbox.name,
      rows,
      inUse: heap.stats().inUseBytes,
      comments: profile.comments,
      leaked: leaked.length,
      callers,
    },
    pprof: btoa(String.fromCharCode(...profile.encode())),
  };
}

async function tryWasi(): Promise<Findings['wasi']> {
  const bytes = await (await fetch('./list.wasm')).arrayBuffer();
  const sandbox = await loadWasm<{ build(count: number): number; lose(count: number): number }>(bytes, {
    name: 'list.c',
  });
  const built = sandbox.exports.build(10);
  sandbox.exports.lose(3);
  const [record] = sandbox.heap.leaks().definite.records;
  const { stdout } = sandbox;
  sandbox.dispose();
  return { built, stdout, place: `${record!.frames[0]!.function}:${record!.frames[0]!.line}` };
}

/** What cannot be attached to, each with its message. */
async function refusals(): Promise<string[]> {
  const messages: string[] = [];
  for (const attempt of [
    () => attach(async () => ({})),
    () => attach(() => Promise.reject(new Error('the network is down'))),
    // Eight bytes: a module without anything.
    () => attach(() => WebAssembly.instantiate(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]))),
  ]) {
    try {
      await attempt();
      messages.push('nothing was thrown');
    } catch (error) {
      messages.push(error instanceof HeaplineError ? `${error.name}: ${error.message}` : String(error));
    }
  }
  return messages;
}

async function work(): Promise<Findings> {
  const shapes = await tryShapes();
  const { found: sqlite, pprof } = await trySqlite();
  const wasi = await tryWasi();
  const refused = await refusals();
  const engineIsBack = /native code/.test(WebAssembly.instantiate.toString());
  return { shapes, sqlite, pprof, wasi, engineIsBack, refused };
}

work().then(
  (findings) => fetch('./findings', { method: 'POST', body: JSON.stringify(findings) }),
  (error) =>
    fetch('./findings', { method: 'POST', body: JSON.stringify({ error: String(error?.stack ?? error) }) }),
);

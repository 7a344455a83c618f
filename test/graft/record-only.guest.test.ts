// Modules that keep their own allocator. The oracle of their profiles and leak reports is the same module with Heapline's
// allocator in place of its own. The oracle of the recorded blocks is a model that knows what the program asked for.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { attach } from '../../src/attach/index.ts';
import { ExternalKind, InstructionWriter, Opcode, readModule } from '../../src/binary/index.ts';
import { graft, type RecordOnly, record } from '../../src/graft/index.ts';
import { loadWasm, type Sandbox, UnsupportedModuleError } from '../../src/index.ts';
import { Rewriter } from '../../src/rewrite/index.ts';
import { CommandDirectory } from '../support/command-directory.ts';
import { EMCC } from '../support/emcc.ts';
import { FULL } from '../support/full.ts';
import { randomFrom } from '../support/random.ts';

interface Traffic {
  address(slot: number): number;
  make(slot: number, way: number, size: number): number;
  resize(slot: number, size: number): number;
  drop(slot: number): void;
  structures(count: number): void;
}

vi.spyOn(console, 'warn').mockImplementation(() => {});
const folder = mkdtempSync(join(tmpdir(), 'heapline-record-only-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const source = join(import.meta.dirname, 'programs/traffic.c');
// The program has no initial data, from which the beginning of its heap would be known.
const OF_WASI = [
  '--target=wasm32-wasi',
  '-mexec-model=reactor',
  ...['malloc', 'free', '__heap_base'].map((name) => `-Wl,--export=${name}`),
];
const OF_EMSCRIPTEN = [
  '-sMODULARIZE',
  '--no-entry',
  '-sALLOW_MEMORY_GROWTH',
  '-sEXPORTED_FUNCTIONS=_malloc,_free',
];

const linked = new Map<string, string>();

/** Links the program; returns the path of the module. */
function link(compiler: string, ...flags: string[]): string {
  const key = [compiler, ...flags].join(' ');
  let path = linked.get(key);
  if (path === undefined) {
    path = join(folder, `traffic${linked.size}.wasm`);
    const output = compiler === EMCC ? path.replace(/wasm$/, 'cjs') : path;
    execFileSync(compiler, ['-g', '-fno-builtin-malloc', source, ...flags, '-o', output], { stdio: 'pipe' });
    linked.set(key, path);
  }
  return path;
}

const ofWasi = (...flags: string[]): string => link('clang', ...flags, ...OF_WASI);

const bytesOf = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

/** The program with the functions under C's names, and its sandbox. */
interface Opened {
  readonly program: Traffic;
  readonly sandbox: Sandbox<object>;
}

type Open = (recordOnly: RecordOnly) => Promise<Opened>;

const openWasi =
  (...flags: string[]): Open =>
  async (recordOnly) => {
    const sandbox = await loadWasm<object>(ofWasi(...flags), { recordOnly });
    return { program: sandbox.exports as Traffic, sandbox };
  };

const openEmscripten =
  (...flags: string[]): Open =>
  async (recordOnly) => {
    const wasm = link(EMCC, ...flags, ...OF_EMSCRIPTEN);
    const create = createRequire(import.meta.url)(wasm.replace(/wasm$/, 'cjs')) as () => PromiseLike<object>;
    const { module, sandbox } = await attach(create, { wasmBinary: bytesOf(wasm) }, { recordOnly });
    return { program: module as unknown as Traffic, sandbox };
  };

/** Emscripten's JavaScript puts an underscore before names. */
function withoutUnderscores(program: object): Traffic {
  return new Proxy({} as Traffic, {
    get: (_, name: string) => {
      const functions = program as Record<string, unknown>;
      return functions[name] ?? functions[`_${name}`];
    },
  });
}

const BUILDS: readonly (readonly [string, Open])[] = [
  ['wasi-libc -O1', openWasi('-O1')],
  // The driver calls no wasm-opt, so malloc only calls dlmalloc, and both are recorded.
  ['wasi-libc without wasm-opt', openWasi('-O0', '-Xclang', '-O1')],
  ['dlmalloc of Emscripten -O1', openEmscripten('-O1', '-sMALLOC=dlmalloc')],
  ['emmalloc -O1', openEmscripten('-O1', '-sMALLOC=emmalloc')],
  ...(FULL
    ? ([
        ['wasi-libc -O2', openWasi('-O2')],
        ['wasi-libc -Oz', openWasi('-Oz')],
        ['dlmalloc of Emscripten -O3', openEmscripten('-O3', '-sMALLOC=dlmalloc')],
        ['emmalloc -O2', openEmscripten('-O2', '-sMALLOC=emmalloc')],
      ] as const)
    : []),
];

/** What a profile and a report say, without the caller's JavaScript and without addresses. */
function said({ heap }: Sandbox<object>): unknown {
  const place = ({ function: name, line }: { function: string; line: number }): string => `${name}:${line}`;
  const samples = [...heap.profile().samples()].map(({ frames, values }) => {
    const ofC = frames.filter(({ language }) => language === 'c');
    return `${ofC.map(place).join(' < ')}: ${values.join(' ')}`;
  });
  const leaks = heap.leaks().records.map(({ kind, blocks, bytes, indirect, frames }) => {
    const [leaf] = frames;
    return `${kind} ${blocks} ${bytes} ${JSON.stringify(indirect)} ${leaf === undefined ? '' : place(leaf)}`;
  });
  const { inUseBytes, inUseObjects, allocBytes, allocObjects, peakBytes, peakObjects } = heap.stats();
  return {
    samples: samples.sort(),
    leaks: leaks.sort(),
    stats: { inUseBytes, inUseObjects, allocBytes, allocObjects, peakBytes, peakObjects },
  };
}

describe.each(BUILDS)('a module with %s', (_, open) => {
  it('has the same profile and the same leaks as with the allocator of Heapline', async () => {
    const results: unknown[] = [];
    for (const recordOnly of ['never', 'always'] as const) {
      const { program, sandbox } = await open(recordOnly);
      expect(sandbox.heap.mode).toBe(recordOnly === 'never' ? 'full' : 'record-only');
      const { structures, make, resize, drop } = withoutUnderscores(program);
      structures(30);
      for (let way = 0; way < 5; way += 1) make(way, way, 100 + way);
      resize(0, 100);
      resize(1, 9000);
      resize(5, 70);
      drop(2);
      results.push(said(sandbox));
      sandbox.dispose();
    }
    expect(results[1]).toEqual(results[0]);
  });

  it('has the blocks that the program has, whatever it did before', async () => {
    const { program, sandbox } = await open('always');
    const { make, resize, drop, address } = withoutUnderscores(program);
    const { heap } = sandbox;
    const below = randomFrom(Date.now());
    const sizes = new Map<number, number>();
    let allocated = 0;
    for (let step = 0; step < 4000; step += 1) {
      const slot = below(200);
      const size = below(10) === 0 ? below(100_000) : 1 + below(400);
      const before = sizes.get(slot);
      if (before === undefined) {
        const way = below(5);
        expect(make(slot, way, size)).toBe(1);
        sizes.set(slot, way === 1 ? 3 * size : way === 3 ? (size + 63) & ~63 : size);
        allocated += 1;
      } else if (below(3) === 0) {
        expect(resize(slot, size)).toBe(1);
        sizes.set(slot, size);
        if (before !== size) allocated += 1;
      } else {
        drop(slot);
        sizes.delete(slot);
      }
      if (step % 1000 !== 999) continue;
      const wanted = [...sizes].map(([at, bytes]) => `${address(at) >>> 0} ${bytes}`).sort();
      expect([...heap.blocks()].map((block) => `${block.address} ${block.size}`).sort()).toEqual(wanted);
      const { definite, indirect } = heap.leaks().totals;
      expect([definite.blocks, indirect.blocks]).toEqual([0, 0]);
    }
    const { inUseObjects, inUseBytes, allocObjects } = heap.stats();
    expect([inUseObjects, inUseBytes, allocObjects]).toEqual([
      sizes.size,
      [...sizes.values()].reduce((sum, size) => sum + size, 0),
      allocated,
    ]);
    sandbox.dispose();
  });
});

/**
 * The module with a function of its own that frees blocks, as optimisers leave one behind when they inline free. It also
 * changes a global, so it is not taken for free itself.
 */
function withOwnFree(wasm: Uint8Array): Uint8Array {
  const module = readModule(wasm);
  const { index } = graft(wasm).roles.findLast(({ role }) => role === 'free')!;
  const body = index - module.importedFunctions;
  const { start, end } = module.bodies[body]!;
  const rewriter = new Rewriter(module);
  const zero = new InstructionWriter();
  zero.i32(0);
  const calls = rewriter.addGlobal(0x7f, true, zero.take());
  const code = new InstructionWriter();
  code.copy(module.bytes.subarray(start, module.heads.code[body]!));
  code.i32(1);
  code.indexed(Opcode.GlobalSet, calls);
  code.copy(module.bytes.subarray(module.heads.code[body]!, end));
  const copy = rewriter.addFunction(module.functions[index]!, code.take());
  rewriter.addExport('release', ExternalKind.Function, copy);
  return rewriter.write().bytes;
}

describe('a module whose allocator cannot be replaced', () => {
  const wasm = withOwnFree(bytesOf(ofWasi('-O1')));

  it('keeps it, and everybody is told', async () => {
    const sandbox = await loadWasm<Traffic>(wasm, { quarantine: 1000 });
    sandbox.exports.structures(4);
    expect(sandbox.heap.mode).toBe('record-only');
    expect(sandbox.warnings.join()).toMatch(/^Record only: the module keeps its own allocator/);
    expect(sandbox.heap.profile().comments.join()).toMatch(
      /Record only: .* because function \d+, exported as release, cannot be replaced/,
    );
    const { notes } = sandbox.heap.leaks();
    expect(notes.join()).toMatch(/Record only: .* bad frees are not judged/);
    sandbox.dispose();
  });

  it('is rejected where that is asked for, by functions and by the command', async () => {
    await expect(loadWasm(wasm, { recordOnly: 'never' })).rejects.toThrow(UnsupportedModuleError);
    const directory = new CommandDirectory();
    directory.write('in.wasm', wasm);
    const graftIt = ['instrument', '--graft', 'in.wasm', '-o', 'out.wasm'];
    expect(directory.heapline([...graftIt, '--record-only', 'never']).stderr).toMatch(/cannot be replaced/);
    expect(directory.heapline(graftIt).stderr).toMatch(/Record only: .*\n.*malloc is function \d+/);
    const written = await loadWasm(new Uint8Array(directory.read('out.wasm')));
    expect(written.heap.mode).toBe('record-only');
    written.dispose();
    directory.dispose();
  });

  it('tells attach() in one line, once', async () => {
    const warn = vi.mocked(console.warn);
    warn.mockClear();
    const imports = { wasi_snapshot_preview1: new Proxy({}, { get: () => () => 52 }) };
    for (let time = 0; time < 2; time += 1) {
      const { sandbox } = await attach(() => WebAssembly.instantiate(wasm as BufferSource, imports));
      sandbox.dispose();
    }
    expect(warn.mock.calls.map(([line]) => String(line))).toEqual([
      expect.stringMatching(/^heapline: .*: Record only: .*release.*\. Bad frees are not judged\.$/),
    ]);
  });

  it('says how often its allocator did what was not recorded, and forgets blocks that others took the place of', async () => {
    const sandbox = await loadWasm<Traffic & { release(block: number): void }>(wasm);
    const { make, address, release } = sandbox.exports;
    make(0, 0, 1000);
    const block = address(0);
    release(block);
    make(1, 0, 1000);
    expect(address(1)).toBe(block);
    expect([...sandbox.heap.blocks()].map(({ size }) => size)).toEqual([1000]);
    expect(sandbox.heap.leaks().notes.join()).toMatch(/not recorded 1 times/);
    // A block inside of one that was freed where nobody saw it.
    release(block);
    for (let slot = 2; slot < 6; slot += 1) make(slot, 0, 200);
    expect(sandbox.heap.leaks().totals.reachable.blocks).toBe(4);
    expect(sandbox.heap.stats().inUseObjects).toBe(4);
    sandbox.dispose();
  });

  it('needs no more memory for each leak scan', async () => {
    const sandbox = await loadWasm<Traffic>(wasm);
    sandbox.exports.structures(2000);
    sandbox.heap.leaks();
    const { metadataBytes } = sandbox.heap.stats();
    for (let time = 0; time < 20; time += 1) sandbox.heap.leaks();
    expect(sandbox.heap.stats().metadataBytes).toBe(metadataBytes);
    sandbox.dispose();
  });

  it('records allocations that fail, and goes on after a trap', async () => {
    const exports = ['make', 'resize', 'free'];
    const sandbox = await loadWasm<Traffic & { free(block: number): void }>(wasm, {
      maxMemory: 2 ** 20,
      exports,
    });
    const { make, resize, free } = sandbox.exports;
    expect(make(0, 0, 2 ** 24)).toBe(0);
    expect(sandbox.heap.failures().map(({ largest, count }) => [largest, count])).toEqual([[2 ** 24, 1]]);
    make(0, 0, 100);
    expect(resize(0, 2 ** 24)).toBe(0);
    expect([...sandbox.heap.blocks()].map(({ size }) => size)).toEqual([100]);
    expect(() => free(0xffff_fff0 | 0)).toThrow();
    make(1, 0, 60);
    expect([...sandbox.heap.blocks()].map(({ size }) => size).sort()).toEqual([100, 60]);
    sandbox.dispose();
  });

  it('is recorded from the first instruction on when its memory must grow for the recorder', async () => {
    const { memories } = readModule(wasm);
    const { notes } = record(wasm).origin;
    const [, end] = /to (\d+), in a block of the heap/.exec(notes.join('\n'))!;
    expect(Number(end)).toBeGreaterThan(Number(memories[0]!.minimum) * 0x10000);
  });
});

interface OwnNew {
  address(slot: number): number;
  make(slot: number, way: number, size: number): number;
  drop(slot: number, way: number, size: number): void;
  lose(): void;
  counted_bytes(): number;
  counted_blocks(): number;
}

describe('an operator new that does not call malloc', () => {
  const wasm = join(folder, 'own-new.wasm');
  beforeAll(() => {
    const program = join(import.meta.dirname, 'programs/own-new.cc');
    const flags = ['--target=wasm32-wasi', '-mexec-model=reactor', '-g', '-nostdinc++', '-nostdlib++'];
    // In this way the driver calls no wasm-opt, which drops names.
    const level = ['-O0', '-Xclang', '-O1', '-fno-exceptions', '-fno-builtin'];
    execFileSync('clang++', [...flags, ...level, program, '-o', wasm], { stdio: 'pipe' });
  });

  it('is recorded beside malloc, and agrees with what it counts itself', async () => {
    const sandbox = await loadWasm<OwnNew>(wasm);
    const { make, drop, address, lose, counted_blocks, counted_bytes } = sandbox.exports;
    const { heap } = sandbox;
    expect(heap.mode).toBe('record-only');
    const notes = heap.profile().comments.join();
    expect(notes).toMatch(/operator new\(unsigned long\)\) cannot be replaced, and it has an allocator/);
    expect(notes).toMatch(/malloc is function \d+/);
    const below = randomFrom(Date.now());
    const live = new Map<number, { way: number; size: number }>();
    for (let step = 0; step < 1500; step += 1) {
      const slot = below(100);
      const before = live.get(slot);
      if (before === undefined) {
        const way = below(4);
        const size = below(8) === 0 ? below(60_000) : 1 + below(300);
        make(slot, way, size);
        live.set(slot, { way, size });
      } else {
        drop(slot, before.way, before.size);
        live.delete(slot);
      }
    }
    const wanted = [...live].map(([slot, { size }]) => `${address(slot) >>> 0} ${size}`).sort();
    expect([...heap.blocks()].map((block) => `${block.address} ${block.size}`).sort()).toEqual(wanted);
    const ofMalloc = [...live.values()].filter(({ way }) => way === 3);
    const { inUseBytes, inUseObjects } = heap.stats();
    expect([inUseObjects - ofMalloc.length, inUseBytes]).toEqual([
      counted_blocks(),
      counted_bytes() + ofMalloc.reduce((sum, { size }) => sum + size, 0),
    ]);
    lose();
    const { definite, indirect } = heap.leaks().totals;
    expect([definite.blocks, definite.bytes, indirect.blocks, indirect.bytes]).toEqual([1, 24, 1, 24]);
    const [lost] = heap.leaks().records.filter(({ kind }) => kind === 'definite');
    expect(lost!.frames[0]).toMatchObject({ function: 'lose', language: 'c' });
    sandbox.dispose();
  });

  it('is rejected where only a whole heap will do', async () => {
    await expect(loadWasm(wasm, { recordOnly: 'never' })).rejects.toThrow(/has an allocator of its own/);
  });
});

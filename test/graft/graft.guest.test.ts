// Modules that emcc linked with its own malloc: the runtime is grafted in, or the reason why not is named.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { attach } from '../../src/attach/index.ts';
import { ExternalKind, InstructionWriter, Opcode, readModule } from '../../src/binary/index.ts';
import { HeaplineError, UnsupportedModuleError } from '../../src/errors.ts';
import { readFacts } from '../../src/graft/function-facts.ts';
import { graft, graftAndInstrument } from '../../src/graft/index.ts';
import { loadWasm } from '../../src/index.ts';
import { openInstrumented } from '../../src/instrument/index.ts';
import { Rewriter } from '../../src/rewrite/index.ts';
import { BuiltPackages } from '../attach/built-packages.ts';
import { CommandDirectory } from '../support/command-directory.ts';
import { FULL } from '../support/full.ts';

const require = createRequire(import.meta.url);
const packages = new BuiltPackages();
afterAll(() => packages.remove());

interface Library {
  _leak(size: number): number;
  _drop(pointer: number): void;
}
type Create = (options?: object) => PromiseLike<Library>;

interface Plain {
  readonly glue: string;
  readonly wasm: Uint8Array;
}

const linked = new Map<string, Promise<Plain>>();

/** The module and its glue, linked with Emscripten's own malloc. */
function plain(...flags: string[]): Promise<Plain> {
  const key = flags.join(' ');
  const found = linked.get(key) ?? link(flags);
  linked.set(key, found);
  return found;
}

async function link(flags: readonly string[]): Promise<Plain> {
  const glue = await packages.build({
    source: 'library.c',
    ending: '.cjs',
    flags: ['-g', '-sMODULARIZE', ...flags],
    plain: true,
  });
  return { glue, wasm: new Uint8Array(readFileSync(glue.replace(/\.cjs$/, '.wasm'))) };
}

describe('a module that was linked with another malloc', () => {
  for (const level of ['-O0', '-O1']) {
    it(`is followed like any other (${level}): stacks have their lines, faults are judged, profiles say what was done`, async () => {
      const { glue, wasm } = await plain(level);
      const found = graft(wasm);
      expect(found.origin.notes[0]).toMatch(/malloc is function \d+, (exported as|named) \w+/);
      // Grafting moves no function and no code.
      const before = readModule(wasm);
      const after = readModule(found.bytes);
      expect(after.bodies.slice(0, before.bodies.length).map(({ start, end }) => end - start)).toEqual(
        before.bodies.map(({ start, end }) => end - start),
      );
      expect(after.memories[0]!.minimum).toBe(before.memories[0]!.minimum);

      const { module, sandbox } = await attach(require(glue) as Create, { wasmBinary: wasm });
      const pointer = module._leak(100);
      module._leak(28);
      module._drop(pointer);
      const profile = sandbox.heap.profile();
      expect(profile.comments.join()).toMatch(/malloc is function/);
      const [sample] = [...profile.samples()].filter((each) => each.values[2] === 1);
      expect(sample!.values[3]).toBe(28);
      expect(
        sample!.frames.some(({ function: name, file }) => name === 'leak' && /library\.c$/.test(file ?? '')),
      ).toBe(true);
      module._drop(pointer);
      expect(sandbox.heap.faults().map(({ kind }) => kind)).toEqual(['double-free']);
      sandbox.dispose();
    });
  }

  it.each(['never', 'always'] as const)(
    'has a heap although it begins with little memory (record only: %s)',
    async (recordOnly) => {
      const { glue, wasm } = await plain(
        '-O1',
        '-sALLOW_MEMORY_GROWTH',
        '-sTOTAL_STACK=16384',
        '-sINITIAL_MEMORY=65536',
      );
      expect(readModule(wasm).memories[0]!.minimum).toBe(1n);
      const { module, sandbox } = await attach(require(glue) as Create, { wasmBinary: wasm }, { recordOnly });
      expect(sandbox.heap.mode).toBe(recordOnly === 'never' ? 'full' : 'record-only');
      const before = sandbox.heap.stats().inUseBytes;
      for (const size of [100, 70_000, 1_000_000]) module._leak(size);
      expect(sandbox.heap.stats().inUseBytes - before).toBe(1_070_100);
      sandbox.dispose();
    },
  );

  it('is instrumented by the command of docs/module-from-npm.md, which says what the page shows', async () => {
    const page = readFileSync('docs/module-from-npm.md', 'utf8');
    const [, command] = /^heapline (instrument --graft .*)$/m.exec(page)!;
    const { wasm } = await plain('-O1');
    const directory = new CommandDirectory();
    directory.write('library.wasm', wasm);
    const { status, stderr } = directory.heapline(command!.split(' '));
    expect(status).toBe(0);
    const said = /^ {4}malloc is function \d+.*\n {4}The runtime is at \d+ to \d+/m.exec(page)![0];
    const shape = (text: string): string[] =>
      text.match(/malloc is function|free is function|The runtime is at/g)!;
    expect(shape(stderr)).toEqual(expect.arrayContaining(shape(said)));
    expect(openInstrumented(new Uint8Array(directory.read('library.heap.wasm')))).not.toBeNull();
    directory.dispose();
  });

  it('keeps its offset map in a file', async () => {
    const { wasm } = await plain('-O1');
    const made = graftAndInstrument(wasm);
    const read = openInstrumented(made.bytes)!;
    const own = readModule(wasm);
    expect(read.originalCodeStart).toBe(own.codeStart);
    expect(read.bodies.slice(0, own.bodies.length)).toEqual(
      own.bodies.map(({ start, end }) => ({ start: start - own.codeStart, end: end - own.codeStart })),
    );
    expect(read.offsets.runs).toEqual(made.offsets.runs);
  });
});

it('replaces what malloc calls when others call it, too, and leaves what only sets the allocator up', async () => {
  const file = fileURLToPath(new URL('programs/layered.c', import.meta.url));
  const output = join(mkdtempSync(join(tmpdir(), 'heapline-layered-')), 'layered.wasm');
  const flags = ['--target=wasm32', '-O1', '-g', '-nostdlib', '-fno-builtin', '-Wl,--no-entry'];
  const names = ['__wasm_call_ctors', '__heap_base'].map((name) => `-Wl,--export=${name}`);
  execFileSync('clang', [...flags, ...names, file, '-o', output]);
  const wasm = new Uint8Array(readFileSync(output));
  rmSync(dirname(output), { recursive: true });

  const sandbox = await loadWasm<{ make(size: number): number; drop(block: number): void }>(wasm, {
    recordOnly: 'never',
  });
  const { make, drop } = sandbox.exports;
  const blocks = [100, 50, 7000].map((size) => make(size));
  expect([...sandbox.heap.blocks()].map(({ address, size }) => [address, size])).toEqual(
    expect.arrayContaining([
      [blocks[0]! >>> 0, 100],
      [blocks[1]! >>> 0, 50],
      [blocks[2]! >>> 0, 7000],
    ]),
  );
  for (const block of blocks) drop(block);
  expect(sandbox.heap.stats().inUseObjects).toBe(0);
  expect(sandbox.heap.faults()).toEqual([]);
  sandbox.dispose();
});

describe('a module whose allocator cannot be replaced wholly', () => {
  it('is refused, and the function that would be left is named', async () => {
    const { wasm } = await plain('-O1');
    const module = readModule(wasm);
    const facts = readFacts(module);
    const [ofMalloc, ofFree] = ['malloc', 'free'].map((role) => {
      const { index } = graft(wasm).roles.find((each) => each.role === role)!;
      const own = facts[index - module.importedFunctions]!;
      return new Set([...own.constants, ...own.offsets].filter((value) => value > 1024 && value % 4 === 0));
    });
    const state = [...ofMalloc!].find((place) => ofFree!.has(place))!;
    const body = new InstructionWriter();
    body.byte(0);
    body.i32(0);
    body.memory(Opcode.I32Load, 2, state);
    body.byte(Opcode.End);
    const rewriter = new Rewriter(module);
    const peek = rewriter.addFunction(rewriter.addType([], [0x7f]), body.take());
    rewriter.addExport('peek', ExternalKind.Function, peek);
    const { bytes } = rewriter.write();
    expect(() => graft(bytes)).toThrow(UnsupportedModuleError);
    expect(() => graft(bytes)).toThrow(
      `function ${peek}, exported as peek, cannot be replaced, and it uses the allocator's own data at address ${state}`,
    );
  });

  it('is refused or works when bytes of it are changed, and never fails otherwise', async () => {
    const { wasm } = await plain('-O1');
    for (let round = 0; round < (FULL ? 200 : 12); round += 1) {
      const mutated = wasm.slice();
      for (let change = 0; change < 3; change += 1) {
        const at = (round * 7919 + change * 104_729) % mutated.length;
        mutated[at] = (mutated[at]! + round + 1) & 0xff;
      }
      try {
        graftAndInstrument(mutated);
      } catch (error) {
        expect(error).toBeInstanceOf(HeaplineError);
      }
    }
  });
});

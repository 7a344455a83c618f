// A session on its own: it is complete as soon as there is an instance, whoever makes the instance, and the sandbox and
// the heap that a user sees are views of it.

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { compile } from '../../src/compile/index.ts';
import type { Guest } from '../../src/host/index.ts';
import { HeapFaultError, TrapError } from '../../src/index.ts';
import { Heap } from '../../src/sandbox/heap.ts';
import { prepareModule, Session, type SessionOptions, type Subject } from '../../src/sandbox/index.ts';
import { loadSymbols } from '../../src/sandbox/module-symbols.ts';
import { programPath } from '../support/guest-programs.ts';

const OPTIONS: SessionOptions = {
  hostFrames: 'allocating',
  freeContexts: true,
  quarantine: 0,
  timeline: false,
  onError: 'record',
  onFault: undefined,
  onLeakCheck: undefined,
  onExit: undefined,
  onProgress: undefined,
  onCallbackError: undefined,
  stdin: new Uint8Array(),
  onStdout: undefined,
  onStderr: undefined,
  attached: false,
  mostBlocks: 0,
  mostBytes: 0,
  timeout: undefined,
};

type Raw = Record<string, (...values: number[]) => number>;

let subject: Subject;
beforeAll(async () => {
  const path = programPath('library.c');
  const { wasm } = await compile([path], { toolchain: 'clang' });
  await loadSymbols({ sourceMap: false, rust: false });
  const module = await prepareModule(wasm, undefined);
  subject = {
    module,
    symbols: module.symbols({}),
    name: 'library.c',
    path,
    toolchain: null,
    warnings: [],
    comments: [],
    functions: module.functions(null),
  };
});

/** Opens a session around an instance that this test makes as any loader would: with raw exports and no glue. */
async function attach(
  given: Partial<SessionOptions> = {},
  early: (guest: Guest) => void = () => {},
): Promise<{ session: Session; heap: Heap; raw: Raw }> {
  const options = { ...OPTIONS, ...given };
  const session = await Session.open(subject, options, async ({ runtime }, instantiated) => {
    const wasi = Object.fromEntries(
      WebAssembly.Module.imports(subject.module.module as WebAssembly.Module)
        .filter((entry) => entry.module === 'wasi_snapshot_preview1')
        .map(({ name }) => [name, () => 52]),
    );
    const instance = await WebAssembly.instantiate(subject.module.module as WebAssembly.Module, {
      heapline: { ...runtime },
      wasi_snapshot_preview1: wasi,
    });
    const { exports } = instance;
    const guest: Guest = {
      exports,
      memory: exports.memory as WebAssembly.Memory,
      hasMain: false,
      initialize: exports._initialize as () => void,
      runMain: () => 0,
      readFile: () => null,
      save: () => () => {},
      dispose() {},
    };
    instantiated(guest);
    early(guest);
  });
  session.initialize();
  return { session, heap: new Heap(session), raw: session.guest.exports as Raw };
}

describe('a session around an instance from elsewhere', () => {
  test('follows calls of raw exports, with the JavaScript that made them', async () => {
    const { heap, raw } = await attach();
    function caller(): number {
      return raw.take!(24);
    }
    caller();
    expect(heap.stats()).toMatchObject({ inUseObjects: 1, inUseBytes: 24 });
    expect(heap.profile().folded()).toMatch(/(^|;)caller;take 24$/m);
    expect(heap.leaks().records).toMatchObject([{ kind: 'definite', bytes: 24 }]);
  });

  test('records faults that happen before it is handed out', async () => {
    const seen: number[] = [];
    const { heap } = await attach({ onFault: (fault) => seen.push(fault.frames[0]!.line) }, ({ exports }) =>
      (exports as Raw).free_twice!(),
    );
    expect(heap.faults()).toMatchObject([{ kind: 'double-free' }]);
    const line = readFileSync(subject.path, 'utf8').split('\n').indexOf('  free(block);') + 2;
    expect(seen).toEqual([line]);
  });

  test('stops the guest at a fault when it is to', async () => {
    const { session, raw } = await attach({ onError: 'throw' });
    expect(() => session.gate.enter('free_twice', () => raw.free_twice!())).toThrow(HeapFaultError);
  });

  test('turns a trap below its gate into a TrapError, and goes on', async () => {
    const { session, heap, raw } = await attach();
    const trap = (): unknown => session.gate.enter('trap', () => raw.trap!(2));
    expect(trap).toThrow(TrapError);
    expect(session.leaks.traps).toBe(1);
    raw.take!(8);
    expect(heap.stats().inUseBytes).toBe(8);
  });
});

test('two heaps of one session are two views of the same state', async () => {
  const { session, heap, raw } = await attach();
  const other = new Heap(session);
  const block = raw.take!(40);
  heap.hold(block);
  expect(other.leaks().records).toMatchObject([{ kind: 'reachable', bytes: 40 }]);
  const mark = heap.mark();
  raw.take!(5);
  expect(other.leaksSince(mark).records).toMatchObject([{ kind: 'definite', bytes: 5 }]);
});

// attach() with packages of every shape that emcc links.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AttachOptions, attach } from '../../src/attach/index.ts';
import { AttachError, InvalidArgumentError, UnsupportedModuleError } from '../../src/errors.ts';
import type { Progress, Sandbox } from '../../src/index.ts';
import { openSandboxes } from '../../src/sandbox/index.ts';
import { FULL } from '../support/full.ts';
import { BuiltPackages } from './built-packages.ts';

const require = createRequire(import.meta.url);
const packages = new BuiltPackages();
afterAll(() => packages.remove());

/** What the packages offer. */
interface Library {
  _leak(size: number): number;
  _drop(pointer: number): void;
  _apply(callback: number, n: number): number;
  _pointer(): number;
  _fail(size: number): void;
  _leave(status: number): void;
  _unwind(size: number): void;
  _later(n: number): void;
  _endless(step: number): number;
  ccall(name: string, result: string | null, types: string[], args: unknown[]): unknown;
  cwrap(name: string, result: string, types: string[]): (...args: unknown[]) => number;
  addFunction(call: (n: number) => number, signature: string): number;
  HEAPU8: Uint8Array;
}
type Create = (options?: object) => PromiseLike<Library>;

const METHODS = [
  '-sEXPORTED_RUNTIME_METHODS=ccall,cwrap,addFunction,HEAPU8',
  '-sALLOW_TABLE_GROWTH',
  '-sALLOW_MEMORY_GROWTH',
  '-sEXIT_RUNTIME=0',
];

/** The shapes that are always tested. HEAPLINE_FULL=1 adds the others. */
const SHAPES = [
  {
    shape: 'a factory with assertions',
    ending: '.cjs',
    flags: ['-O0', '-sMODULARIZE', '-sASSERTIONS=1', '-sSINGLE_FILE'],
  },
  {
    shape: 'synchronous and optimised',
    ending: '.cjs',
    flags: ['-O3', '-sMODULARIZE', '-sWASM_ASYNC_COMPILATION=0', '-sSINGLE_FILE'],
  },
  { shape: 'no factory', ending: '.cjs', flags: ['-O2', '-sSINGLE_FILE'] },
  { shape: 'an ES module', ending: '.mjs', flags: ['-Os', '-sMODULARIZE', '-sEXPORT_ES6'] },
  ...(FULL
    ? (['-O0', '-O1', '-O2', '-O3', '-Os', '-Oz'] as const).flatMap(
        (level) =>
          [
            { shape: `a factory ${level}`, ending: '.cjs', flags: [level, '-sMODULARIZE', '-sSINGLE_FILE'] },
            {
              shape: `no factory, synchronous ${level}`,
              ending: '.cjs',
              flags: [level, '-sSINGLE_FILE', '-sWASM_ASYNC_COMPILATION=0'],
            },
            {
              shape: `an ES module ${level}`,
              ending: '.mjs',
              flags: [level, '-sMODULARIZE', '-sEXPORT_ES6'],
            },
          ] as const,
      )
    : []),
] as const;

const built = new Map<string, Promise<string>>();

/** The file of a shape's JavaScript. */
function fileOf({ shape, ending, flags }: (typeof SHAPES)[number]): Promise<string> {
  const found =
    built.get(shape) ?? packages.build({ source: 'library.c', ending, flags: [...flags, ...METHODS] });
  built.set(shape, found);
  return found;
}

// Old glue in ES modules uses names of CommonJS in Node.js, and fetch() with a path.
Object.assign(globalThis, { __dirname: packages.folder, require });

async function open(
  shape: (typeof SHAPES)[number],
  options: AttachOptions = {},
): Promise<{ module: Library; sandbox: Sandbox<object> }> {
  const file = await fileOf(shape);
  if (shape.ending === '.mjs') {
    const { default: create } = (await import(pathToFileURL(file).href)) as { default: Create };
    return attach(create, { wasmBinary: readFileSync(file.replace(/\.mjs$/, '.wasm')) }, options);
  }
  if ((shape.flags as readonly string[]).includes('-sMODULARIZE'))
    return attach(require(file) as Create, {}, options);
  delete require.cache[file];
  return attach(() => require(file) as Library, {}, options);
}

const live = ({ heap }: Sandbox<object>): number => heap.stats().inUseBytes;

describe.each(SHAPES)('$shape ($flags)', (shape) => {
  let module: Library;
  let sandbox: Sandbox<object>;
  const start = { bytes: 0 };

  beforeAll(async () => {
    ({ module, sandbox } = await open(shape));
    start.bytes = live(sandbox);
  });
  afterAll(() => sandbox?.dispose());

  it('has the name of the package, and leads from JavaScript through the glue into C', () => {
    expect(sandbox.name).toBe('package.wasm');
    const block = module.ccall('leak', 'number', ['number'], [1001]) as number;
    expect(live(sandbox) - start.bytes).toBe(1001);
    const [frames] = framesOf(sandbox, 1001);
    expect(frames!.map(({ function: name }) => name).slice(0, 2)).toEqual(['make', 'leak']);
    expect(frames!.find(({ function: name }) => name === 'make')!.file).toMatch(/library\.c$/);
    const [mine] = frames!.filter(({ file }) => file === import.meta.filename);
    expect(mine).toMatchObject({ language: 'js' });
    expect(frames!.some(({ function: name }) => /ccall/.test(name))).toBe(true);
    expect(frames!.some(({ file }) => /heapline-entry|src\/host/.test(file))).toBe(false);
    module._drop(block);
    expect(live(sandbox)).toBe(start.bytes);
  });

  it('knows entries through the table, at once and in timers', async () => {
    const callback = module.addFunction((n) => module._leak(n), 'ii');
    const block = module._apply(callback, 1002) - 1;
    const [nested] = framesOf(sandbox, 1002);
    const names = nested!.filter(({ language }) => language !== 'js').map(({ function: name }) => name);
    expect(names).toEqual(['make', 'leak', 'apply']);
    module._drop(block);
    const other = module._apply(module._pointer(), 502) - 1;
    expect(
      framesOf(sandbox, 1004)[0]!
        .map(({ function: name }) => name)
        .slice(0, 3),
    ).toEqual(['make', 'twice', 'apply']);
    module._drop(other);
    module._later(600);
    await setTimeout(30);
    const [late] = framesOf(sandbox, 1200);
    expect(late!.map(({ function: name }) => name)).not.toContain('later');
    expect(late!.filter(({ language }) => language !== 'js').map(({ function: name }) => name)).toEqual([
      'make',
      'twice',
    ]);
  });

  it('lets the memory grow under the glue', () => {
    const before = live(sandbox);
    const block = module._leak(40 << 20);
    expect(module.HEAPU8 === undefined || module.HEAPU8.length > 40 << 20).toBe(true);
    const length = module.cwrap('length', 'number', ['string']);
    expect(length('text after growth')).toBe(17);
    module._drop(block);
    expect(live(sandbox)).toBe(before);
  });

  it('has right stacks after a trap, an exit and an unwinding', () => {
    expect(sandbox.trapped).toBe(false);
    expect(() => module._fail(3001)).toThrow(WebAssembly.RuntimeError);
    expect(sandbox.trapped).toBe(true);
    try {
      module._unwind(3002);
    } catch (error) {
      expect(error).toBe('unwind');
    }
    module._leak(3004);
    const [frames] = framesOf(sandbox, 3004);
    expect(frames!.filter(({ language }) => language !== 'js').map(({ function: name }) => name)).toEqual([
      'make',
      'leak',
    ]);
    try {
      module._leave(3003);
    } catch (error) {
      expect(error).toMatchObject({ status: 3003 });
    }
    expect(framesOf(sandbox, 3003)).toHaveLength(1);
  });

  it('reports leaks, with a note that JavaScript may hold blocks', () => {
    const mark = sandbox.heap.mark();
    const held = module._leak(2001);
    module._leak(2002);
    sandbox.heap.hold(held);
    const report = sandbox.heap.leaksSince(mark);
    expect(report.records.filter(({ kind }) => kind === 'definite').map(({ bytes }) => bytes)).toContain(
      2002,
    );
    expect(report.records.filter(({ kind }) => kind === 'definite').map(({ bytes }) => bytes)).not.toContain(
      2001,
    );
    expect(report.notes.join()).toMatch(/JavaScript of its own/);
  });
});

/** The stacks of the blocks in use of this size. */
function framesOf(sandbox: Sandbox<object>, size: number) {
  return [...sandbox.heap.blocks()]
    .filter((block) => block.size === size)
    .map((block) => sandbox.heap.contextFrames(block.context));
}

it('a function that never reaches the heap ends within the limit of time, too', async () => {
  const { module, sandbox } = await open(SHAPES[0], { timeout: 300 });
  expect(module._endless(0)).toBe(0);
  expect(() => module._endless(1)).toThrow(/^The guest was stopped in .* after 300 ms/);
  expect(module._endless(0)).toBe(0);
  module._leak(5001);
  expect(framesOf(sandbox, 5001)[0]!.map((frame) => frame.function)).toContain('leak');
  sandbox.dispose();
});

// One is compiled while the glue waits, one while it does not.
describe.each(SHAPES.slice(0, 2))('checks of accesses: $shape', (shape) => {
  it('find a freed block in C that JavaScript still has, and nothing else', async () => {
    const { module, sandbox } = await open(shape, { checks: true });
    const text = module._leak(40);
    module.HEAPU8.fill(65, text, text + 39);
    module.HEAPU8[text + 39] = 0;
    const length = (address: number) => module.ccall('length', 'number', ['number'], [address]);
    expect(length(text)).toBe(39);
    expect(sandbox.heap.faults()).toEqual([]);
    module._drop(text);
    length(text);
    const [fault] = sandbox.heap.faults();
    expect(fault).toMatchObject({
      kind: 'heap-use-after-free',
      access: { kind: 'read', position: '0 bytes into a freed block of 40 bytes' },
    });
    expect(fault!.frames.map((frame) => frame.function)).toContain('length');
    expect(fault!.frames.some(({ file }) => file === import.meta.filename)).toBe(true);
    expect(fault!.allocatedAt!.map((frame) => frame.function)).toContain('make');
    expect(fault!.freedAt!.map((frame) => frame.function)).toContain('drop');
    const before = sandbox.heap.faults().length;
    const block = module._leak(40 << 20);
    module._drop(block);
    expect(sandbox.heap.faults()).toHaveLength(before);
    sandbox.dispose();
  });
});

describe('several at once', () => {
  const factory = SHAPES[0];

  it('do not disturb one another, nor other modules', async () => {
    const create = require(await fileOf(factory)) as Create;
    const plain = new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    const all = await Promise.all([
      attach(create, {}, { name: 'one' }),
      WebAssembly.instantiate(plain),
      attach(create, {}, { name: 'two' }),
      attach(create, {}, { name: 'three' }),
    ]);
    const [one, other, two, three] = all;
    expect(other.instance).toBeInstanceOf(WebAssembly.Instance);
    expect([one, two, three].map(({ sandbox }) => sandbox.name)).toEqual(['one', 'two', 'three']);
    one.module._leak(71);
    three.module._leak(73);
    expect(
      [one, two, three].map(({ sandbox }) => [71, 73].map((size) => framesOf(sandbox, size).length)),
    ).toEqual([
      [1, 0],
      [0, 0],
      [0, 1],
    ]);
    for (const { sandbox } of [one, two, three]) sandbox.dispose();
    one.module._leak(1);
    expect(() => one.sandbox.heap.stats()).toThrow(/disposed/);
  });

  it('leaves the engine as it was', async () => {
    const before = Object.getOwnPropertyDescriptors(WebAssembly);
    const create = require(await fileOf(factory)) as Create;
    const pending = attach(create);
    (await pending).sandbox.dispose();
    await attach(() => Promise.reject(new Error('no'))).catch(() => {});
    expect(Object.getOwnPropertyDescriptors(WebAssembly)).toEqual(before);
    expect(WebAssembly.instantiate.toString()).toMatch(/native code/);
  });
});

describe('the user’s own way of instantiating', () => {
  it('is watched, whatever it calls', async () => {
    const file = await fileOf(SHAPES[3]);
    const bytes = readFileSync(file.replace(/\.mjs$/, '.wasm'));
    const { default: create } = (await import(pathToFileURL(file).href)) as { default: Create };
    type Receive = (instance: WebAssembly.Instance, module: WebAssembly.Module) => void;
    const ways = [
      async (imports: WebAssembly.Imports, receive: Receive) => {
        const { instance, module } = await WebAssembly.instantiate(bytes, imports);
        receive(instance, module);
      },
      async (imports: WebAssembly.Imports, receive: Receive) => {
        const module = await WebAssembly.compile(bytes);
        receive(await WebAssembly.instantiate(module, imports), module);
      },
      (imports: WebAssembly.Imports, receive: Receive) => {
        const module = new WebAssembly.Module(bytes);
        receive(new WebAssembly.Instance(module, imports), module);
      },
      async (imports: WebAssembly.Imports, receive: Receive) => {
        const headers = { 'Content-Type': 'application/wasm' };
        const response = new Response(bytes, { headers });
        const { instance, module } = await WebAssembly.instantiateStreaming(response, imports);
        receive(instance, module);
      },
    ];
    for (const way of ways) {
      let isInstance = false;
      const instantiateWasm = (imports: WebAssembly.Imports, receive: Receive): object => {
        // Glue takes what is returned for the exports when the instance is there by then.
        let exports: object = {};
        way(imports, (instance, module) => {
          exports = instance.exports;
          isInstance = instance instanceof WebAssembly.Instance && module instanceof WebAssembly.Module;
          // What glue asks of exports before it uses them.
          expect((instance.exports.plus as () => void).length).toBe(2);
          receive(instance, module);
        });
        return exports;
      };
      const { module, sandbox } = await attach(create, { instantiateWasm });
      expect(isInstance).toBe(true);
      module._leak(90);
      expect(framesOf(sandbox, 90)).toHaveLength(1);
      sandbox.dispose();
    }
  });

  it('may be glue of any kind, found by the bytes of the module', async () => {
    const file = (await fileOf(SHAPES[3])).replace(/\.mjs$/, '.wasm');
    // An empty custom section makes it another module than the one that other tests have prepared.
    const bytes = Buffer.concat([readFileSync(file), Uint8Array.of(0, 2, 1, 0x78)]);
    const imports = new Proxy(
      {},
      { get: () => new Proxy({}, { get: () => () => 0 }) },
    ) as WebAssembly.Imports;
    const steps: Progress[] = [];
    const { module: exports, sandbox } = await attach.bytes(
      bytes,
      async () =>
        (await WebAssembly.instantiate(bytes, imports)).instance.exports as Record<
          string,
          (n: number) => number
        >,
      { name: 'by hand', hideGlue: true, onProgress: (progress) => steps.push(progress) },
    );
    exports.leak!(33);
    expect(sandbox.name).toBe('by hand');
    expect(steps).toEqual([{ step: 'instrument', detail: 'by hand' }]);
    // The glue is this file.
    expect(framesOf(sandbox, 33)[0]!.some(({ file }) => file === import.meta.filename)).toBe(false);
    sandbox.dispose();
  });
});

describe('what cannot be attached to', () => {
  const open = openSandboxes().length;
  const failure = async (attached: Promise<unknown>): Promise<Error & { reason?: string }> => {
    const error = await attached.then(
      () => new Error('nothing was thrown'),
      (thrown: Error) => thrown,
    );
    expect(WebAssembly.instantiate.toString()).toMatch(/native code/);
    return error;
  };

  it('is a module that runs already', async () => {
    const running = attach(Promise.resolve({}) as never);
    expect(await failure(running)).toBeInstanceOf(InvalidArgumentError);
    const late = await failure(attach(async () => ({})));
    expect(late).toMatchObject({
      reason: 'not-instantiated',
      message: expect.stringMatching(/instantiated before/),
    });
    expect(late).toBeInstanceOf(AttachError);
  });

  it('is a package that starts its module once, the second time', async () => {
    const create = require(await fileOf(SHAPES[0])) as Create;
    let started: PromiseLike<Library> | undefined;
    const start = (): PromiseLike<Library> => {
      started ??= create();
      return started;
    };
    const first = await attach(start);
    expect(await failure(attach(start))).toMatchObject({
      reason: 'not-instantiated',
      message: expect.stringMatching(/attach first/),
    });
    first.module._leak(77);
    expect(framesOf(first.sandbox, 77)).toHaveLength(1);
    first.sandbox.dispose();
  });

  it('is a module that was compiled before', async () => {
    const compiled = new WebAssembly.Module(new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]));
    const error = await failure(attach(async () => new WebAssembly.Instance(compiled)));
    expect(error).toMatchObject({
      reason: 'not-instantiated',
      message: expect.stringMatching(/compiled before/),
    });
  });

  it('is glue that never instantiates, or never becomes ready', async () => {
    const never = await failure(attach(() => new Promise<never>(() => {}), {}, { timeLimit: 50 }));
    expect(never).toMatchObject({ reason: 'not-finished', message: expect.stringMatching(/after 50 ms/) });
    expect(await failure(attach(() => ({}), {}, { timeLimit: 50 }))).toMatchObject({
      reason: 'not-finished',
    });
    const create = require(await fileOf(SHAPES[0])) as Create;
    const stuck = async (): Promise<void> => {
      await create();
      await new Promise(() => {});
    };
    expect(await failure(attach(stuck, {}, { timeLimit: 2000 }))).toMatchObject({
      reason: 'not-finished',
      message: expect.stringMatching(/is not ready/),
    });
  });

  it('is a function that fails', async () => {
    const cause = new Error('the disk is full');
    for (const fails of [
      () => Promise.reject(cause),
      () => {
        throw cause;
      },
    ]) {
      const error = await failure(attach(fails));
      expect(error).toMatchObject({
        reason: 'failed',
        cause,
        message: expect.stringMatching(/the disk is full/),
      });
    }
  });

  it('is a module with threads, with 64-bit memory, of dynamic linking, or a component', async () => {
    const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
    const shared = [...header, 5, 4, 1, 3, 1, 1];
    const wide = [...header, 5, 3, 1, 4, 1];
    const dynamic = [...header, 0, 9, 8, ...new TextEncoder().encode('dylink.0')];
    const component = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
    for (const [bytes, advice] of [
      [shared, /[Bb]uild it without -pthread/],
      [wide, /[Bb]uild (?:it )?for wasm32/],
      [dynamic, /[Ll]ink (?:it )?statically/],
      [component, /jco transpile/],
    ] as const) {
      const error = await failure(attach(() => WebAssembly.instantiate(new Uint8Array(bytes))));
      expect(error).toBeInstanceOf(UnsupportedModuleError);
      expect(error.message).toMatch(advice);
    }
  });

  it('is nothing but a function, with options that exist', async () => {
    expect(await failure(attach('lib.js' as never))).toBeInstanceOf(InvalidArgumentError);
    expect(await failure(attach(() => ({}), 3 as never))).toBeInstanceOf(InvalidArgumentError);
    expect(await failure(attach(() => ({}), {}, { args: [] } as never))).toBeInstanceOf(InvalidArgumentError);
    expect(await failure(attach.bytes('lib.wasm' as never, () => ({})))).toBeInstanceOf(InvalidArgumentError);
    expect(await failure(attach.bytes(new Uint8Array(8), null as never))).toBeInstanceOf(
      InvalidArgumentError,
    );
    expect(openSandboxes()).toHaveLength(open);
  });
});

// The self-test of a module that keeps its own allocator, in an instance of its own that is thrown away: the recorder must
// see each block that the allocator hands out, under the size that was asked for, and each that is freed.

import { ExternalKind, type WasmModule } from '../binary/index.ts';
import { UnsupportedModuleError } from '../errors.ts';
import { engine } from '../host/index.ts';
import {
  CHECK_HEAP,
  CHECK_SUMS,
  CHECK_TREE,
  RUNTIME_ALLOC_BYTES,
  RUNTIME_ALLOC_OBJECTS,
  RUNTIME_FREED_BYTES,
  RUNTIME_FREED_OBJECTS,
} from '../runtime/layout.ts';
import { constructorsOf } from './closure.ts';
import { refuse } from './refusal.ts';
import { ScratchModule, ScratchTrap } from './scratch.ts';
import { accepted, giveGrowth, memoryOf, standIns, withoutStart } from './stand-ins.ts';

const SIZES = [1, 7, 16, 24, 100, 1000, 5000, 40_000];

type Functions = Readonly<Record<string, (...args: number[]) => number>>;

/** Works with one instance. */
class RecorderTest {
  readonly #done = { objects: 0, bytes: 0, freedObjects: 0, freedBytes: 0 };

  /** @param runtime address of the runtime block */
  constructor(
    readonly functions: Functions,
    readonly memory: () => ArrayBufferLike,
    readonly runtime: number,
  ) {}

  run(): void {
    const { malloc, free, realloc, calloc } = this.functions;
    const { objects, bytes, freedObjects, freedBytes } = this.#seen();
    // Constructors may have allocated.
    Object.assign(this.#done, { objects, bytes, freedObjects, freedBytes });
    const blocks = SIZES.map((size) => this.#allocated(malloc!(size), size));
    this.#agree('malloc');
    if (calloc !== undefined) blocks.push(this.#allocated(calloc(10, 13), 130));
    if (realloc !== undefined) {
      const { address, size } = blocks.shift()!;
      blocks.push(this.#allocated(realloc(address, 3000), 3000));
      this.#freed(size);
    }
    this.#agree('realloc or calloc');
    for (const { address, size } of blocks) {
      free!(address);
      this.#freed(size);
    }
    this.#agree('free');
  }

  #allocated(result: number, size: number): { readonly address: number; readonly size: number } {
    const address = result >>> 0;
    if (address === 0) return refuse('its malloc has no memory');
    new Uint8Array(this.memory(), address, size).fill(0xa5);
    this.#done.objects += 1;
    this.#done.bytes += size;
    return { address, size };
  }

  #freed(size: number): void {
    this.#done.freedObjects += 1;
    this.#done.freedBytes += size;
  }

  #seen(): { objects: number; bytes: number; freedObjects: number; freedBytes: number } {
    const words = new Uint32Array(this.memory());
    const word = (offset: number): number => words[(this.runtime + offset) >>> 2]!;
    return {
      objects: word(RUNTIME_ALLOC_OBJECTS),
      bytes: word(RUNTIME_ALLOC_BYTES),
      freedObjects: word(RUNTIME_FREED_OBJECTS),
      freedBytes: word(RUNTIME_FREED_BYTES),
    };
  }

  #agree(after: string): void {
    const [seen, done] = [JSON.stringify(this.#seen()), JSON.stringify(this.#done)];
    const damaged = this.functions.heapline_check!(CHECK_SUMS | CHECK_TREE | CHECK_HEAP);
    if (seen === done && damaged === 0) return;
    refuse(`after ${after} it says ${seen} in place of ${done}, and its check says ${damaged}`);
  }
}

/** Tests a module in an instance whose memory is as large as it will be. */
function testPlainly(module: WasmModule, reserve: string | null, resize: number | null): void {
  const imports = standIns(module, memoryOf(module));
  giveGrowth(module, imports, resize, () => memory);
  const { exports } = accepted(() => {
    const compiled = new (engine().Module)(withoutStart(module));
    return new (engine().Instance)(compiled, imports);
  });
  const { heapline_runtime: runtime, memory } = exports as unknown as {
    heapline_runtime: WebAssembly.Global;
    memory: WebAssembly.Memory;
  };
  const functions = exports as unknown as Functions;
  if (reserve !== null) functions[reserve]!();
  new RecorderTest(functions, () => memory.buffer, runtime.value as number).run();
}

/** The same after the constructors have run, without which some allocators do not work. */
function testAfterConstructors(module: WasmModule, setUp: number): void {
  const functions = module.exports.filter(({ kind, index }) => {
    return kind === ExternalKind.Function && index >= module.importedFunctions;
  });
  const reached = new Set(module.bodies.map((_, body) => module.importedFunctions + body));
  const callable = new Set(functions.map(({ index }) => index));
  const plan = { callable, reached, setUp, heap: 0 };
  const scratch = new ScratchModule(module, plan).open();
  const calls = functions.map(({ name, index }) => [
    name,
    (...args: number[]) => scratch.call(index, ...args),
  ]);
  const { index } = module.export('heapline_runtime', ExternalKind.Global)!;
  const runtime = module.globals[index]!.initializer!.i32!;
  new RecorderTest(Object.fromEntries(calls) as Functions, () => scratch.bytes.buffer, runtime).run();
}

/**
 * Throws an UnsupportedModuleError when the recorder of a module does not work.
 * @param reserve name of the export that gives the recorder its memory; null when it has it from the start
 * @param resize index of the imported function that lets the memory grow; null when the module does so itself
 */
export function testRecorder(module: WasmModule, reserve: string | null, resize: number | null): void {
  const setUp = reserve === null ? constructorsOf(module) : undefined;
  try {
    testPlainly(module, reserve, resize);
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError || error instanceof UnsupportedModuleError)) throw error;
    if (setUp === undefined) refuse(`the recorder failed its self-test: ${error.message}`);
    try {
      testAfterConstructors(module, setUp);
    } catch (second) {
      if (!(second instanceof ScratchTrap)) throw second;
      refuse(`the recorder failed its self-test: ${second.message}`);
    }
  }
}

// The self-test of a grafted module, in an instance of its own that is thrown away: the allocation family must hand out
// blocks that are aligned, apart from each other and keep their contents, and the ledger must agree. The program's own
// code does not run: the start function is left out, and imports do nothing but let the memory grow.

import type { WasmModule } from '../binary/index.ts';
import { UnsupportedModuleError } from '../errors.ts';
import { engine } from '../host/index.ts';
import { CHECK_HEAP, CHECK_SUMS, CHECK_TREE } from '../runtime/layout.ts';
import { accepted, giveGrowth, memoryOf, standIns, withoutStart } from './stand-ins.ts';

const PAGE = 0x10000;
const SIZES = [0, 1, 7, 16, 24, 100, 1000, 5000, 40_000, 70_000];

type Family = Readonly<Record<string, (...args: number[]) => number>>;

function fail(reason: string): never {
  throw new UnsupportedModuleError(
    `the runtime was grafted into the module, but it failed its self-test: ${reason}`,
  );
}

function open(
  module: WasmModule,
  resize: number | null,
): { readonly family: Family; readonly memory: WebAssembly.Memory } {
  const imports = standIns(module, memoryOf(module));
  giveGrowth(module, imports, resize, () => memory);
  const { exports } = accepted(() => {
    const compiled = new (engine().Module)(withoutStart(module));
    return new (engine().Instance)(compiled, imports);
  });
  const memory = exports.memory as WebAssembly.Memory;
  return { family: exports as unknown as Family, memory };
}

interface Block {
  readonly address: number;
  readonly size: number;
  readonly fill: number;
}

/** Works with the family of one instance. */
class FamilyTest {
  readonly #blocks: Block[] = [];
  #fill = 0;

  constructor(
    readonly family: Family,
    readonly memory: WebAssembly.Memory,
  ) {}

  run(): void {
    const { family } = this;
    for (const size of SIZES) {
      this.#take(family.malloc!(size), size, 16);
      const zeroed = this.#take(family.calloc!(size, 1), size, 16, true);
      this.#grow(zeroed);
      for (const alignment of [16, 64, 4096]) this.#take(family.memalign!(alignment, size), size, alignment);
    }
    for (const block of this.#blocks) this.#check(block);
    for (const { address } of this.#blocks) family.free!(address);
    if (family.heapline_check!(CHECK_SUMS | CHECK_TREE | CHECK_HEAP) !== 0)
      fail('the ledger does not agree with itself');
  }

  #bytes({ address, size }: Pick<Block, 'address' | 'size'>): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, size);
  }

  #take(returned: number, size: number, alignment: number, zero = false): Block {
    const address = returned >>> 0;
    const end = address + size;
    if (address === 0) return fail(`there is no memory for ${size} bytes`);
    if (address % alignment !== 0) fail(`a block at ${address} is not aligned to ${alignment}`);
    if (end > this.memory.buffer.byteLength) fail(`a block of ${size} bytes at ${address} leaves the memory`);
    for (const each of this.#blocks) {
      if (address < each.address + each.size && each.address < end) fail(`two blocks overlap at ${address}`);
    }
    this.#fill = (this.#fill % 250) + 1;
    const block = { address, size, fill: this.#fill };
    if (zero && this.#bytes(block).some((byte) => byte !== 0)) fail('a block of calloc is not zero');
    this.#bytes(block).fill(block.fill);
    this.#blocks.push(block);
    return block;
  }

  #grow(block: Block): void {
    this.#blocks.splice(this.#blocks.indexOf(block), 1);
    const size = block.size * 3 + 1;
    const address = this.family.realloc!(block.address, size) >>> 0;
    if (address === 0) fail(`there is no memory for ${size} bytes`);
    this.#check({ ...block, address });
    this.#take(address, size, 16);
  }

  #check(block: Block): void {
    if (this.#bytes(block).some((byte) => byte !== block.fill)) {
      fail(`the contents of a block of ${block.size} bytes changed`);
    }
  }
}

/**
 * Throws an UnsupportedModuleError when the allocation family of a grafted module does not work.
 * @param resize index of the imported function that lets the memory grow; null when the module does so itself
 */
export function selfTest(module: WasmModule, resize: number | null): void {
  const { family, memory } = open(module, resize);
  const pages = memory.buffer.byteLength / PAGE;
  try {
    new FamilyTest(family, memory).run();
  } catch (error) {
    if (error instanceof UnsupportedModuleError) throw error;
    fail(`${(error as Error).message} (with ${pages} pages of memory)`);
  }
}

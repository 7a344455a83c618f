// Links each flavour of the runtime without a program, with a few lines of C instead of a libc, and calls it from
// JavaScript: slots are written by hand, as instrumented code writes them. The objects have the hooks of tests
// (runtime-objects.ts). The linker is the embedded one, so nothing has to be installed. Each flavour is linked once.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { runLLVM } from '@yowasp/clang';
import { layout, RUNTIME_EXPORTS } from '../../src/runtime/index.ts';
import { type RuntimeBuild, runtimeObjects } from './runtime-objects.ts';

export type Flavour = 'wasi' | 'emscripten';
export const flavours: readonly Flavour[] = ['wasi', 'emscripten'];

const surroundings: Record<Flavour, string> = {
  wasi: 'int errno; int *errno_address(void) { return &errno; }',
  emscripten: `
    static int error; int *__errno_location(void) { return &error; }
    int *errno_address(void) { return &error; }
    int emscripten_resize_heap(unsigned long bytes) {
      unsigned long pages = (bytes + 65535) / 65536;
      return __builtin_wasm_memory_grow(0, pages - __builtin_wasm_memory_size(0)) != -1ul;
    }`,
};

const exported = [
  ...RUNTIME_EXPORTS,
  ...['__libc_malloc', '__libc_free', 'heapline_test_scan_limits', 'errno_address', 'root_cells'],
];

const modules = new Map<string, Promise<WebAssembly.Module>>();

async function tool(
  args: string[],
  files: Record<string, string | Uint8Array>,
  result: string,
): Promise<Uint8Array> {
  const messages: Uint8Array[] = [];
  const collect = (bytes: Uint8Array | null) => void (bytes && messages.push(bytes));
  try {
    const tree = await runLLVM(args, files, { stdout: collect, stderr: collect, fetchProgress: () => {} });
    return (tree as Record<string, Uint8Array>)[result]!;
  } catch (error) {
    throw new Error(`${args.join(' ')}\n${Buffer.concat(messages)}`, { cause: error });
  }
}

async function link(flavour: Flavour, build: RuntimeBuild): Promise<WebAssembly.Module> {
  const object = readFileSync(path.join(runtimeObjects(build), `heapline-${flavour}.o`));
  const names = build === 'debug' ? [...exported, 'heapline_test_assertion'] : exported;
  const libc = `void __real_exit(int code) { (void)code; __builtin_trap(); }
    static int cells[64]; int *root_cells(void) { return cells; }`;
  const shim = await tool(
    ['clang', '-c', '-O2', '--target=wasm32', '-ffreestanding', 'shim.c', '-o', 'shim.o'],
    { 'shim.c': `${surroundings[flavour]}\n${libc}` },
    'shim.o',
  );
  const wasm = await tool(
    [
      ...['wasm-ld', '--no-entry', '--import-memory', 'shim.o', 'heapline.o', '-o', 'out.wasm'],
      ...names.map((name) => `--export=${name}`),
    ],
    { 'shim.o': shim, 'heapline.o': object },
    'out.wasm',
  );
  return WebAssembly.compile(wasm as BufferSource);
}

export interface Fault {
  kind: number;
  address: number;
  context: number;
  allocContext: number;
  freeContext: number;
  block: number;
  blockSize: number;
  bad: number;
  accessSize: number;
  accessWrites: number;
  accessSite: number;
}

/** A live block. */
export interface Block {
  size: number;
  context: number;
  serial: number;
  /** Address of its metadata. */
  metadata: number;
}

export interface Context {
  path: string;
  allocObjects: number;
  allocBytes: number;
  liveObjects: number;
  liveBytes: number;
  peakObjects: number;
  peakBytes: number;
  temporaryObjects: number;
  temporaryBytes: number;
  lifetime: number;
}

type Call = (...args: number[]) => number;

export class Runtime {
  readonly faults: Fault[] = [];
  /** Allocations that failed. */
  readonly failures: { size: number; context: number }[] = [];
  readonly traces: { address: number; size: number; node: number }[] = [];
  readonly exits: number[] = [];
  hostStacksAsked = 0;
  hostStack: () => number = () => 0;
  onFault: () => void = () => {};
  /** Answers the runtime when it is time for a point of the timeline. */
  onPoint: (bytes: number) => number = () => 0;
  readonly base: number;
  readonly shadow: number;
  readonly #exports: Record<string, unknown>;

  private constructor(
    readonly memory: WebAssembly.Memory,
    instantiate: (imports: WebAssembly.Imports) => WebAssembly.Instance,
  ) {
    const instance = instantiate({
      env: { memory },
      heapline: {
        host_stack: () => {
          this.hostStacksAsked++;
          return this.hostStack();
        },
        fault: (record: number) => {
          const fault = this.readFault(record);
          if (fault.kind === layout.FAULT_NO_MEMORY) {
            this.failures.push({ size: fault.blockSize + fault.block * 2 ** 32, context: fault.context });
            return;
          }
          this.faults.push(fault);
          this.onFault();
        },
        trace: (address: number, size: number, node: number) =>
          this.traces.push({ address: address >>> 0, size: size >>> 0, node: node >>> 0 }),
        point: (bytes: number) => this.onPoint(bytes),
        exiting: (code: number) => this.exits.push(code),
      },
    });
    this.#exports = instance.exports;
    this.base = (instance.exports.heapline_runtime as WebAssembly.Global).value;
    this.shadow = (instance.exports.heapline_shadow as WebAssembly.Global).value;
  }

  /** `pages`: initial and maximum wasm pages of 64 KB. */
  static async open(
    flavour: Flavour,
    pages: { initial?: number; maximum?: number } = {},
    build: RuntimeBuild = 'hooks',
  ): Promise<Runtime> {
    let module = modules.get(`${flavour} ${build}`);
    if (!module) {
      module = link(flavour, build);
      modules.set(`${flavour} ${build}`, module);
    }
    const memory = new WebAssembly.Memory({ initial: pages.initial ?? 4, maximum: pages.maximum ?? 4096 });
    const compiled = await module;
    return new Runtime(memory, (imports) => new WebAssembly.Instance(compiled, imports));
  }

  call(name: string, ...args: number[]): number {
    return (this.#exports[name] as Call)(...args) >>> 0;
  }

  u32(address: number): number {
    return new DataView(this.memory.buffer).getUint32(address, true);
  }
  setU32(address: number, value: number): void {
    new DataView(this.memory.buffer).setUint32(address, value, true);
  }
  u64(address: number): number {
    return Number(new DataView(this.memory.buffer).getBigUint64(address, true));
  }
  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, length);
  }
  get liveObjects(): number {
    return (this.runtime(layout.RUNTIME_ALLOC_OBJECTS) - this.runtime(layout.RUNTIME_FREED_OBJECTS)) >>> 0;
  }
  get liveBytes(): number {
    return (this.runtime(layout.RUNTIME_ALLOC_BYTES) - this.runtime(layout.RUNTIME_FREED_BYTES)) >>> 0;
  }
  runtime(offset: number): number {
    return this.u32(this.base + offset);
  }
  get errno(): number {
    return this.u32(this.call('errno_address'));
  }

  /** Does what instrumented code does before a call at depth `depth` (0: the sentinel): clamps, writes, sets top. */
  enterCall(depth: number, site: number): void {
    const slot = this.shadow + Math.min(depth, layout.SHADOW_SLOTS - 1) * layout.SLOT_SIZE;
    this.setU32(slot + layout.SLOT_SITE, site);
    this.setU32(slot + layout.SLOT_NODE, 0);
    this.setU32(this.base + layout.RUNTIME_TOP, slot);
  }

  /** Throws when any invariant of the heap does not hold. */
  check(): void {
    const line = this.call(
      'heapline_check',
      layout.CHECK_SUMS | layout.CHECK_TREE | layout.CHECK_HEAP | layout.CHECK_ZEROS,
    );
    if (line) throw new Error(`heapline_check failed at check.c:${line}`);
  }

  isBud(node: number): boolean {
    return this.u32(node + layout.NODE_SITE) >>> 30 === layout.SITE_BUD >>> 30;
  }

  /** The call sites of a context, a node or a bud, outermost first. */
  path(node: number): string {
    const sites: number[] = [];
    for (let at = node; at && this.u32(at + layout.NODE_PARENT); at = this.u32(at + layout.NODE_PARENT)) {
      const site = this.u32(at + layout.NODE_SITE);
      const third = this.u32(at + layout.BUD_THIRD);
      const own = this.isBud(at)
        ? [site, this.u32(at + layout.BUD_SECOND), third]
            .slice(0, third >>> 24)
            .map((word) => word & 0xffffff)
        : [site];
      sites.unshift(...own);
    }
    return sites.map((site) => site.toString(16)).join('/');
  }

  #bud(path: string, bud: number): Context {
    const link = this.u32(bud + layout.NODE_LINK);
    const bytes = this.u32(bud + layout.BUD_BYTES);
    const live = link & layout.BUD_FREED ? 0 : 1;
    const saved = link >>> layout.BUD_EPOCH_SHIFT === this.runtime(layout.RUNTIME_PEAK_EPOCH);
    const peak = saved ? (link & layout.BUD_PEAK ? 1 : 0) : live;
    const temporary = link & layout.BUD_TEMPORARY ? 1 : 0;
    const clock = this.u32(bud + layout.BUD_CLOCK) + (this.u32(bud + layout.BUD_SECOND) >>> 24) * 2 ** 32;
    return {
      path,
      allocObjects: 1,
      allocBytes: bytes,
      liveObjects: live,
      liveBytes: live * bytes,
      peakObjects: peak,
      peakBytes: peak * bytes,
      temporaryObjects: temporary,
      temporaryBytes: temporary * bytes,
      lifetime: live ? this.u64(this.base + layout.RUNTIME_ALLOC_BYTES) - clock : clock,
    };
  }

  #account(path: string, account: number): Context {
    const view = new DataView(this.memory.buffer);
    const saved = this.u32(account + layout.ACCOUNT_PEAK_EPOCH) === this.runtime(layout.RUNTIME_PEAK_EPOCH);
    const clock = view.getBigUint64(this.base + layout.RUNTIME_ALLOC_BYTES, true);
    const allocObjects = this.u64(account + layout.ACCOUNT_ALLOC_OBJECTS);
    const allocBytes = this.u64(account + layout.ACCOUNT_ALLOC_BYTES);
    const liveObjects = (allocObjects - this.u32(account + layout.ACCOUNT_FREED_OBJECTS)) >>> 0;
    const liveBytes = (allocBytes - this.u32(account + layout.ACCOUNT_FREED_BYTES)) >>> 0;
    const raw = view.getBigInt64(account + layout.ACCOUNT_LIFETIME, true);
    const temporary = this.u64(account + layout.ACCOUNT_TEMPORARY_BYTES);
    const bits = 2 ** layout.TEMPORARY_BYTES_BITS;
    return {
      path,
      allocObjects,
      allocBytes,
      liveObjects,
      liveBytes,
      peakObjects: saved ? this.u32(account + layout.ACCOUNT_PEAK_OBJECTS) : liveObjects,
      peakBytes: saved ? this.u32(account + layout.ACCOUNT_PEAK_BYTES) : liveBytes,
      temporaryObjects:
        this.u32(account + layout.ACCOUNT_TEMPORARY_OBJECTS) + 2 ** 32 * Math.floor(temporary / bits),
      temporaryBytes: temporary % bits,
      lifetime: Number(BigInt.asIntN(64, raw + BigInt(liveObjects) * clock)),
    };
  }

  /** Contexts that have allocated, by path. */
  contexts(): Map<string, Context> {
    const result = new Map<string, Context>();
    for (const node of this.nodes()) {
      const path = this.path(node);
      if (result.has(path)) throw new Error(`two nodes for ${path}`);
      const link = this.u32(node + layout.NODE_LINK);
      if (this.isBud(node)) {
        if (link & layout.BUD_ALLOCATED) result.set(path, this.#bud(path, node));
      } else if (link & layout.NODE_LINK_ACCOUNT) {
        result.set(path, this.#account(path, link - layout.NODE_LINK_ACCOUNT));
      }
    }
    return result;
  }

  /** Addresses of all nodes and buds. */
  *nodes(): Generator<number, void, undefined> {
    const kinds = [
      [layout.RUNTIME_FIRST_CHUNK, layout.NODE_SIZE],
      [layout.RUNTIME_FIRST_BUD_CHUNK, layout.BUD_SIZE],
    ] as const;
    for (const [first, size] of kinds) {
      for (let chunk = this.runtime(first); chunk; chunk = this.u32(chunk + layout.CHUNK_NEXT)) {
        const used = this.u32(chunk + layout.CHUNK_USED);
        for (let i = 0; i < used; i++) yield chunk + layout.CHUNK_ENTRIES + i * size;
      }
    }
  }

  /**
   * Every span that holds blocks: the address of its first block, their size and number, the address of their
   * metadata.
   */
  *spans(): Generator<{ base: number; size: number; blocks: number; metadata: number }> {
    const first = this.runtime(layout.RUNTIME_FIRST_SPAN_CHUNK);
    for (let chunk = first; chunk; chunk = this.u32(chunk + layout.CHUNK_NEXT)) {
      const used = this.u32(chunk + layout.CHUNK_USED);
      for (let i = 0; i < used; i++) {
        const span = chunk + layout.CHUNK_ENTRIES + i * layout.SPAN_SIZE;
        if (this.u32(span + layout.SPAN_STATE) === layout.SPAN_STATE_FREE) continue;
        yield {
          base: this.u32(span + layout.SPAN_BASE),
          size: this.u32(span + layout.SPAN_BLOCK_SIZE),
          blocks: this.u32(span + layout.SPAN_BLOCKS),
          metadata: this.u32(span + layout.SPAN_METADATA),
        };
      }
    }
  }

  /** Every live block, read from the span chunks: address → requested bytes, context, serial. */
  blocks(): Map<number, Block> {
    const result = new Map<number, Block>();
    for (const { base, size, blocks, metadata } of this.spans()) {
      for (let index = 0; index < blocks; index++) {
        const block = metadata + index * layout.BLOCK_SIZE;
        const word = this.u32(block + layout.BLOCK_OWNER);
        if (word & layout.BLOCK_FREED) continue;
        const owner = (word & layout.BLOCK_OWNER_MASK) >>> 0;
        result.set(base + index * size, {
          size: this.u32(block + layout.BLOCK_REQUESTED),
          context: word & layout.BLOCK_BUD ? owner : this.u32(owner + layout.ACCOUNT_NODE),
          serial: this.u32(block + layout.BLOCK_SERIAL),
          metadata: block,
        });
      }
    }
    return result;
  }

  readFault(record: number): Fault {
    return {
      kind: this.u32(record + layout.FAULT_KIND),
      address: this.u32(record + layout.FAULT_ADDRESS),
      context: this.u32(record + layout.FAULT_CONTEXT),
      allocContext: this.u32(record + layout.FAULT_ALLOC_CONTEXT),
      freeContext: this.u32(record + layout.FAULT_FREE_CONTEXT),
      block: this.u32(record + layout.FAULT_BLOCK),
      blockSize: this.u32(record + layout.FAULT_BLOCK_SIZE),
      bad: this.u32(record + layout.FAULT_BAD),
      accessSize: this.u32(record + layout.FAULT_ACCESS_SIZE),
      accessWrites: this.u32(record + layout.FAULT_ACCESS_WRITES),
      accessSite: this.u32(record + layout.FAULT_ACCESS_SITE),
    };
  }
}

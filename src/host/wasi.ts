// A WASI guest. Files, standard streams, poll and proc_exit are answered here, for the reasons given in
// wasi-files.ts. The platform answers for arguments, environment, clocks, random numbers and scheduling. The instance
// is made here and not by @wasmer/wasi's `start()`, because a guest is entered through many functions, and because
// what it throws must arrive unchanged.

import { fromRoot } from '../algorithms/posix-path.ts';
import { savedSet } from '../algorithms/saved.ts';
import type { WasmExports } from '../binary/wasm-types.ts';
import { InvalidArgumentError, StateError, UnsupportedModuleError } from '../errors.ts';
import {
  type LiveFileSystem,
  type MoreWasi,
  type Preopen,
  platform,
  type WasiFunctions,
} from '../platform/index.ts';
import type { RuntimeImports } from '../runtime/index.ts';
import { FileTree } from './file-tree.ts';
import { ExitSignal, type Guest, type GuestOptions, instantiate } from './guest.ts';
import { GuestDescriptors, joinFileSystems } from './mounted-files.ts';
import { preopenFailure, rejectHiddenFiles } from './preopens.ts';
import type { Restorable } from './restorable.ts';
import { PREOPENED, wasiFiles } from './wasi-files.ts';
import { pollOneoff } from './wasi-poll.ts';

const WASI_MODULE = 'wasi_snapshot_preview1';
/** The WASI error code for a function that the system does not have. */
const ENOSYS = 52;

/** Instantiates a module whose system interface, if it has one, is WASI. */
export async function openWasiGuest(
  module: WebAssembly.Module,
  options: GuestOptions,
  runtime: RuntimeImports,
): Promise<Guest> {
  const wanted = WebAssembly.Module.imports(module);
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  const tree = treeOf(options);
  let wasi: MoreWasi | null = null;
  let live: LiveFileSystem | null = null;
  let saveFiles: Restorable['save'] = () => () => {};
  let memory: WebAssembly.Memory | null = null;
  const kept = new Set<number>();
  const memoryNow = (): WebAssembly.Memory => {
    if (memory !== null) return memory;
    throw new UnsupportedModuleError(
      'The start function of the module calls WASI, which knows no memory before the module is instantiated: ' +
        'let _initialize or main do that.',
    );
  };
  if (wanted.some((entry) => entry.module === WASI_MODULE)) {
    const opened = await openFiles(tree, options, memoryNow);
    const { functions: files } = opened;
    live = opened.live;
    saveFiles = opened.save;
    // Advice about an open descriptor is accepted and has no effect.
    const statusOf = files.fd_advise as (fd: number) => number;
    const own = {
      ...files,
      poll_oneoff: pollOneoff(memoryNow, statusOf),
      proc_exit: (code: number) => {
        throw new ExitSignal(code | 0);
      },
    };
    imports[WASI_MODULE] = own;
    // Many programs need nothing but files and an exit. In Node.js the rest takes 30 ms to load.
    if (wanted.some((entry) => entry.module === WASI_MODULE && !Object.hasOwn(own, entry.name))) {
      wasi = await platform().moreWasi([options.programName, ...options.args], options.env);
      imports[WASI_MODULE] = { ...wasi.functions, ...keeping(wasi, kept), ...own };
    }
    for (const entry of wanted) {
      if (entry.module === WASI_MODULE && entry.kind === 'function') {
        imports[WASI_MODULE]![entry.name] ??= () => ENOSYS;
      }
    }
  }
  imports.heapline = { ...runtime };
  for (const [name, values] of Object.entries(options.imports)) {
    imports[name] = { ...imports[name], ...(values as Record<string, WebAssembly.ImportValue>) };
  }

  try {
    const instance = instantiate(module, imports, options.start);
    const exports = withTable(instance.exports, imports);
    if (!(exports.memory instanceof WebAssembly.Memory)) {
      throw new UnsupportedModuleError('The module does not export its memory under the name "memory".');
    }
    memory = exports.memory;
    wasi?.start(memory);
    const guest = new WasiGuest(exports, memory, wasi, tree, live, saveFiles, kept);
    options.instantiated(guest, kept);
    return guest;
  } catch (error) {
    live?.dispose();
    try {
      wasi?.dispose();
    } catch {
      // Wasmer's part cannot be freed after a panic. The error that caused it says more.
    }
    throw error;
  }
}

/** libc asks for arguments and environment once, and keeps the blocks where they are. Only their addresses tell. */
const KEEPS = ['args_get', 'environ_get'] as const;

/** These functions, and each notes the two blocks that it fills. */
function keeping({ functions }: MoreWasi, kept: Set<number>): Record<string, WebAssembly.ImportValue> {
  const watched: Record<string, WebAssembly.ImportValue> = {};
  for (const name of KEEPS) {
    const call = functions[name] as ((table: number, texts: number) => number) | undefined;
    if (call === undefined) continue;
    watched[name] = (table: number, texts: number) => {
      kept.add(table >>> 0).add(texts >>> 0);
      return call(table, texts);
    };
  }
  return watched;
}

/** The exports, with a table that the module imports (--import-table) where it exports none. */
function withTable(exports: WasmExports, imports: Readonly<Record<string, object>>): WasmExports {
  const isTable = (value: unknown): value is WebAssembly.Table => value instanceof WebAssembly.Table;
  if (Object.values(exports).some(isTable)) return exports;
  const table = Object.values(imports)
    .flatMap((each): unknown[] => Object.values(each))
    .find(isTable);
  return table === undefined ? exports : { ...exports, __indirect_function_table: table };
}

/** The files in memory, and directories where those of the machine begin. */
function treeOf({ files, preopens = [] }: GuestOptions): FileTree {
  const tree = new FileTree();
  for (const [path, contents] of files) {
    try {
      tree.writeFile(path, contents);
    } catch (error) {
      throw new InvalidArgumentError('files', (error as Error).message);
    }
  }
  showMountPoints(tree, preopens, files);
  return tree;
}

interface OpenedFiles extends Restorable {
  readonly functions: WasiFunctions;
  readonly live: LiveFileSystem | null;
}

/** The file half of WASI. */
async function openFiles(
  tree: FileTree,
  options: GuestOptions,
  memory: () => WebAssembly.Memory,
): Promise<OpenedFiles> {
  const { preopens = [], fileSystem } = options;
  if (fileSystem !== undefined) {
    const live = fileSystem(memory, new GuestDescriptors(0));
    return { functions: live.functions, live, save: refuseLive };
  }
  const numbers = new GuestDescriptors(PREOPENED);
  const hasRoot = preopens.some(({ guest }) => guest === '/');
  const inMemory = wasiFiles(hasRoot ? null : tree, memory, options, numbers);
  const save = (): (() => void) => inMemory.save();
  if (preopens.length === 0) return { functions: inMemory.functions, live: null, save };
  const live = await openPreopens(preopens, memory, numbers);
  return { functions: joinFileSystems(inMemory, live), live, save: refuseLive };
}

function refuseLive(): never {
  throw new StateError(
    'A snapshot cannot save directories of this machine (preopens), because restoring must not change them: give the ' +
      'guest its files in the option files.',
  );
}

/** Directories in memory where the others begin, so that the guest sees their names. */
function showMountPoints(
  tree: FileTree,
  preopens: readonly Preopen[],
  files: ReadonlyMap<string, Uint8Array>,
): void {
  rejectHiddenFiles(preopens, files);
  for (const { guest } of preopens) {
    try {
      tree.makeDirectory(guest);
    } catch (error) {
      throw new InvalidArgumentError('preopens', (error as Error).message);
    }
  }
}

async function openPreopens(
  preopens: readonly Preopen[],
  memory: () => WebAssembly.Memory,
  numbers: GuestDescriptors,
): Promise<LiveFileSystem> {
  const { liveFiles, name } = platform();
  if (liveFiles === null) {
    throw new InvalidArgumentError(
      'preopens',
      `preopens needs directories, and there are none here (${name}): give the guest its files in the option files.`,
    );
  }
  try {
    return await liveFiles(preopens, memory, numbers);
  } catch (error) {
    throw preopenFailure(
      error,
      preopens.map(({ path }) => path),
    );
  }
}

class WasiGuest implements Guest {
  constructor(
    readonly exports: WasmExports,
    readonly memory: WebAssembly.Memory,
    private wasi: MoreWasi | null,
    private readonly tree: FileTree,
    private readonly live: LiveFileSystem | null,
    private readonly saveFiles: Restorable['save'],
    private readonly kept: Set<number>,
  ) {}

  save(): () => void {
    const files = this.saveFiles();
    const kept = savedSet(this.kept);
    return () => {
      files();
      kept();
    };
  }

  get hasMain(): boolean {
    return '__main_void' in this.exports || '_start' in this.exports;
  }

  initialize(): void {
    (this.exports._initialize as (() => void) | undefined)?.();
  }

  runMain(returned: () => void): number {
    const { _start, __main_void, __wrap_exit, __wasm_call_dtors } = this.exports as Record<
      string,
      ((code?: number) => number) | undefined
    >;
    if (__main_void === undefined) {
      _start!();
      returned();
      return 0;
    }
    const exitCode = __main_void();
    returned();
    // This runs the atexit functions, flushes stdio, and ends in proc_exit instead of returning.
    if (__wrap_exit !== undefined) __wrap_exit(exitCode);
    __wasm_call_dtors?.();
    return exitCode;
  }

  readFile(path: string): Uint8Array | null {
    const absolute = fromRoot(path);
    return this.live?.readFile(absolute) ?? this.tree.readFile(absolute);
  }

  dispose(): void {
    this.live?.dispose();
    this.wasi?.dispose();
    this.wasi = null;
  }
}

// An Emscripten guest. Its JavaScript glue runs in this process, but in a context of its own (node:vm) that has the
// language and no part of Node: no `process`, no `require`, no files, no environment, no way to install handlers. The
// glue's in-memory file system holds the files that were handed in.
//
// Glue must be linked with -sMODULARIZE=1 and -sEXPORTED_RUNTIME_METHODS=FS,ENV (src/compile/link.ts states the
// contract). Glue for the environment "node" finds a `process` and a `require` that look like Node's and give no
// access to anything. All this confines the guest's libc. It does not confine the JavaScript that the C sources
// contain (EM_JS, EM_ASM): whoever wrote the sources wrote that JavaScript, and node:vm does not stop a determined
// author.

import { posix } from 'node:path';
import { createContext, Script } from 'node:vm';
import type { WasmExports } from '../binary/wasm-types.ts';
import { StateError, UnsupportedModuleError } from '../errors.ts';
import {
  type ErrorClasses,
  EventLoop,
  ExitSignal,
  exitSignalOf,
  type Gate,
  GlueCode,
  type Guest,
  type GuestOptions,
  INVOKE,
  instantiate,
  KeptBlocks,
  memoryIn,
  type Output,
  type RawFunction,
  rejectHiddenFiles,
  TableEntries,
} from '../host/index.ts';
import type { RuntimeImports } from '../runtime/index.ts';
import { withoutFactory } from './before-factory.ts';
import { type FilesInGlue, savedFiles } from './files-in-glue.ts';
import { embeddedParts } from './glue-parts.ts';
import { glueWorld, openWorld, type WorldParts } from './glue-world.ts';
import type { MountingFS, mountLive } from './live-file-system.ts';

/** The parts of Emscripten's FS that this file uses. */
interface EmscriptenFS extends Omit<MountingFS, 'streams'> {
  init: { (): void; initialized?: boolean };
  initialized?: boolean;
  streams: ({ stream_ops: object; tty?: unknown } | null)[];
  writeFile(path: string, contents: Uint8Array): void;
  readFile(path: string): Uint8Array;
}

interface EmscriptenModule {
  FS?: EmscriptenFS;
  callMain?: (args: string[]) => number;
  ENV?: Record<string, string | undefined>;
  [option: string]: unknown;
}

type Factory = (module: EmscriptenModule) => PromiseLike<EmscriptenModule>;

/** Emscripten's default environment, which a guest must not see either. */
const DEFAULT_ENV = ['USER', 'LOGNAME', 'PATH', 'PWD', 'HOME', 'LANG', '_'];

/** Exports that the glue calls all the time and that never reach the heap. */
const STACK_POINTER = /^_?(emscripten_)?stack/;

/** The system has no such function. */
const ENOSYS = 52;

/**
 * Messages that the glue writes about an error before it throws it. They are dropped, because the host reports the
 * error.
 */
const REPORTED = /^(Aborted\(|exception thrown: |exiting due to exception: )/;

/** The text of the function that glue with ASSERTIONS has in place of a part that was not exported. */
const NOT_EXPORTED = /\bwas not exported\b/;

/** Where glue that was linked with -sNODERAWFS puts Node's file system in place of its own. */
const DIRECT_FILES = /\bvar NODERAWFS ?= ?\{/;

/** The names that main can have in a module. */
const MAIN_NAMES = ['__main_void', '__main_argc_argv', 'main', '__original_main'];
/** The first function that the glue calls when it ends the runtime. */
const TEARDOWN = '__funcs_on_exit';

// Compiling 150 KB of glue takes longer than running it; sandboxes of the same module share the compiled script.
const scripts = new Map<string, { readonly script: Script; readonly code: GlueCode }>();
const SCRIPTS_KEPT = 16;

/** Runs the glue around the module. The module's constructors have run when this returns. */
export async function openEmscriptenGuest(
  module: WebAssembly.Module,
  glue: string,
  options: GuestOptions,
  runtime: RuntimeImports,
  gate: Gate,
  loop = new EventLoop({ read: (error) => error, report: undefined }),
): Promise<Guest> {
  const { preopens = [] } = options;
  rejectHiddenFiles(preopens, options.files);
  const mount = preopens.length === 0 ? null : (await import('./live-file-system.ts')).mountLive;
  const guest = new EmscriptenGuest(gate, options, loop);
  // The glue swallows the error when instantiating fails, and then waits for ever.
  let fail: (error: unknown) => void;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // When the glue itself throws at the same time, nobody waits for this promise.
  failed.catch(() => {});

  let own: EmscriptenModule | null = null;
  let asked = false;
  const { factory, errors, code } = openGlue(glue, module, { ...options, loop });
  guest.code = code;
  const config: EmscriptenModule = {
    thisProgram: options.programName,
    noInitialRun: true,
    instantiateWasm(
      imports: Record<string, Record<string, WebAssembly.ImportValue>>,
      received: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
    ): object {
      asked = true;
      try {
        const all: Record<string, Record<string, WebAssembly.ImportValue>> = {
          ...Object.fromEntries(
            Object.entries(imports).map(([name, functions]) => [
              name,
              gate.exceptions.watch(watchInvokes(functions, gate)),
            ]),
          ),
          heapline: { ...runtime },
        };
        for (const [name, values] of Object.entries(options.imports)) {
          all[name] = { ...all[name], ...(values as Record<string, WebAssembly.ImportValue>) };
        }
        for (const functions of Object.values(all)) {
          withoutShell(functions, guest);
          guest.kept.watchImports(functions);
        }
        guest.keepsValues = importedFunctions(module).some((name) => name.startsWith('_emval_'));
        const instance = instantiate(module, all, options.start);
        const observed = guest.adopt(instance, all, errors);
        options.instantiated(guest, guest.kept.addresses);
        received(observed, module);
        // From 3.1.45 to 3.1.74 the glue uses this return value instead of the instance that it has received.
        return observed.exports;
      } catch (error) {
        fail(error);
        throw error;
      }
    },
    preRun: [
      // The module is a parameter, because 3.1.58 to 3.1.60 copy the object that they are given.
      (module: EmscriptenModule) => {
        own = module;
        try {
          guest.closeFiles = prepare(module, options, mount);
        } catch (error) {
          fail(error);
          throw error;
        }
      },
    ],
    // Only JavaScript in the guest calls these two functions: C writes to the streams.
    print: (...text: unknown[]) => options.stdout.write(Buffer.from(`${text.join(' ')}\n`)),
    printErr(...text: unknown[]) {
      if (!REPORTED.test(String(text[0]))) options.stderr.write(Buffer.from(`${text.join(' ')}\n`));
    },
    // The glue calls this when the runtime has ended. While something keeps the runtime alive, exit() ends only the
    // current call.
    onExit: (status: number) => loop.end(status),
    // Until 3.1.64 the glue calls this function to leave, and ends the process when there is none. Later versions
    // throw by themselves and set `exitCode` of the process.
    quit(status: number, toThrow: unknown) {
      if (!loop.ended && (toThrow === undefined || exitSignalOf(toThrow) !== null)) loop.status = status;
      throw toThrow ?? new ExitSignal(status);
    },
    // The glue passes on the error that it caught. Without this function it would call abort() with only the text.
    onAbort() {},
  };

  try {
    await Promise.race([failed, factory(config)]);
  } catch (error) {
    guest.closeFiles();
    // Such glue looks for the module's file, which is not there.
    if (!asked && !(error instanceof UnsupportedModuleError)) throw withoutOption('instantiateWasm', error);
    throw gate.failure(error, '__wasm_call_ctors', true);
  }
  if (own === null) throw withoutOption('preRun');
  guest.module = own;
  return guest;
}

/** Gives the guest its environment, files and streams. The result closes the files that are not in memory. */
function prepare(
  module: EmscriptenModule,
  options: GuestOptions,
  mount: typeof mountLive | null,
): () => void {
  const fs = given(module, 'FS');
  if (fs === undefined || Object.keys(fs).length === 0) {
    throw withoutAccess('does not give its file system');
  }
  if (fs.init === undefined || fs.streams === undefined || fs.writeFile === undefined) {
    throw new UnsupportedModuleError(
      "Emscripten's glue gives a file system whose functions have shortened names: link it without --closure.",
    );
  }
  const env = given(module, 'ENV');
  if (env === undefined) throw withoutAccess('does not give its environment');
  for (const name of DEFAULT_ENV) env[name] = undefined;
  Object.assign(env, options.env);
  furnish(fs, options);
  return mount?.(fs as unknown as MountingFS, options.preopens ?? []) ?? (() => {});
}

/**
 * A property of the glue's module. It is not read directly, because glue that was linked with ASSERTIONS ends the
 * program when somebody reads a property that is missing. Glue of 2.0 to 3.1 has a function there that ends the program
 * when somebody calls it.
 */
function given<Name extends 'FS' | 'ENV' | 'callMain'>(
  module: EmscriptenModule,
  name: Name,
): EmscriptenModule[Name] {
  const value: unknown = Object.getOwnPropertyDescriptor(module, name)?.value;
  const missing = typeof value === 'function' && NOT_EXPORTED.test(Function.prototype.toString.call(value));
  return (missing ? undefined : value) as EmscriptenModule[Name];
}

function withoutAccess(fault: string, more = '', cause?: unknown): UnsupportedModuleError {
  return new UnsupportedModuleError(
    `Emscripten's glue ${fault}: link with ${more === '' ? '' : `${more} `}-sFORCE_FILESYSTEM=1 and ` +
      '-sEXPORTED_RUNTIME_METHODS=FS,ENV.',
    cause === undefined ? {} : { cause },
  );
}

function withoutOption(option: 'instantiateWasm' | 'preRun', cause?: unknown): UnsupportedModuleError {
  const list = `${option} among -sINCOMING_MODULE_JS_API, if that is set,`;
  return withoutAccess(`does not call ${option}`, list, cause);
}

interface OpenedGlue {
  readonly factory: Factory;
  readonly errors: ErrorClasses;
  readonly code: GlueCode;
}

function compiledGlue(glue: string, module: WebAssembly.Module): { script: Script; code: GlueCode } {
  const known = scripts.get(glue);
  if (known !== undefined) return known;
  if (DIRECT_FILES.test(glue)) {
    throw new UnsupportedModuleError(
      "Emscripten's glue uses the file system of Node.js itself, which a guest does not see: link without -sNODERAWFS.",
    );
  }
  const code = new GlueCode(glue, () => embeddedParts(glue, importedFunctions(module)));
  let script: Script;
  try {
    script = new Script(glue, { filename: code.file });
  } catch (error) {
    throw notGlue(error);
  }
  if (scripts.size >= SCRIPTS_KEPT) scripts.delete(scripts.keys().next().value!);
  const compiled = { script, code };
  scripts.set(glue, compiled);
  return compiled;
}

function importedFunctions(module: WebAssembly.Module): string[] {
  return WebAssembly.Module.imports(module)
    .filter(({ kind }) => kind === 'function')
    .map(({ name }) => name);
}

function openGlue(glue: string, module: WebAssembly.Module, parts: WorldParts): OpenedGlue {
  const { script, code } = compiledGlue(glue, module);
  const exported = { exports: {} as Factory | { default?: Factory } };
  const world = glueWorld(exported, parts);
  const context = createContext(world, { name: 'heapline guest' });
  try {
    script.runInContext(context);
  } catch (error) {
    throw error instanceof UnsupportedModuleError ? error : notGlue(error);
  }
  const found =
    typeof exported.exports === 'function' ? exported.exports : (context as { Module?: unknown }).Module;
  if (typeof found !== 'function') throw withoutFactory();
  openWorld(world);
  return {
    factory: found as Factory,
    errors: new Script('({ TypeError, RangeError })').runInContext(context) as ErrorClasses,
    code,
  };
}

function notGlue(error: unknown): UnsupportedModuleError {
  return new UnsupportedModuleError(
    `Emscripten's glue is not JavaScript that can run here: ${error}. Pass the text of the .js file of a link with ` +
      '-sMODULARIZE=1.',
    { cause: error },
  );
}

// Gives the guest its files and standard streams. The streams are replaced below the glue's character devices,
// because the devices would call back once per byte and report a terminal.
function furnish(fs: EmscriptenFS, options: GuestOptions): void {
  // In the first versions of 3.1 `initialized` was a property of the function.
  if (!(fs.initialized ?? fs.init.initialized)) fs.init();
  for (const [path, contents] of options.files) {
    fs.mkdirTree(posix.dirname(path));
    fs.writeFile(path, contents);
  }
  const operations = (extra: object): object => ({
    open() {},
    close() {},
    fsync() {},
    llseek: seekPipe,
    ...extra,
  });
  const writer = (output: Output): object =>
    operations({
      write(_stream: unknown, buffer: Int8Array, offset: number, length: number): number {
        output.write(new Uint8Array(buffer.buffer, buffer.byteOffset + offset, length).slice());
        return length;
      },
    });
  const [stdin, stdout, stderr] = fs.streams;
  if (stdin) {
    stdin.stream_ops = operations({
      read(_stream: unknown, buffer: Int8Array, offset: number, length: number): number {
        const piece = options.stdin.take(length);
        new Uint8Array(buffer.buffer, buffer.byteOffset).set(piece, offset);
        return piece.length;
      },
    });
  }
  if (stdout) stdout.stream_ops = writer(options.stdout);
  if (stderr) stderr.stream_ops = writer(options.stderr);
}

function seekPipe(): never {
  throw Object.assign(new Error('a pipe cannot be positioned'), { name: 'ErrnoError', errno: 70 });
}

function watchInvokes(
  functions: Readonly<Record<string, WebAssembly.ImportValue>>,
  gate: Gate,
): Record<string, WebAssembly.ImportValue> {
  return Object.fromEntries(
    Object.entries(functions).map(([name, value]) => [
      name,
      INVOKE.test(name) && typeof value === 'function' ? gate.passing(value as RawFunction) : value,
    ]),
  );
}

/**
 * Replaces the functions by which C asks for a shell. The glue would look for a shell, because it takes this process
 * for Node.js.
 */
function withoutShell(functions: Record<string, WebAssembly.ImportValue>, guest: EmscriptenGuest): void {
  // Older glue implements C's system() itself. Newer glue implements a function that returns the error to C's
  // system().
  if (typeof functions.system === 'function') {
    functions.system = (command: number) => (command === 0 ? 0 : guest.refuse(ENOSYS));
  }
  if (typeof functions._emscripten_system === 'function') {
    functions._emscripten_system = (command: number) => (command === 0 ? 0 : -ENOSYS);
  }
}

class EmscriptenGuest implements Guest {
  exports: WasmExports = {};
  memory!: WebAssembly.Memory;
  module: EmscriptenModule | null = null;
  /** Kept for as long as the guest lives, because the frames of its stacks are looked up in this code. */
  code: GlueCode | null = null;
  /** Closes files of this machine. */
  closeFiles: () => void = () => {};
  readonly kept = new KeptBlocks();
  /** Whether the guest can hold values of JavaScript, which are in the glue. */
  keepsValues = false;
  /** Called just before the runtime is torn down. */
  #returned: () => void = () => {};
  readonly #argv: readonly string[];

  constructor(
    private readonly gate: Gate,
    private readonly options: GuestOptions,
    private readonly loop: EventLoop,
  ) {
    this.#argv = [options.programName, ...options.args];
  }

  /**
   * Takes the instance over and gives the glue an instance whose functions are known as entries. When JavaScript in
   * the glue calls one of them, the host of that entry is the glue, not the caller of the C code beneath. The same
   * holds for functions that JavaScript takes out of the table.
   */
  adopt(
    instance: WebAssembly.Instance,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
    errors: ErrorClasses,
  ): WebAssembly.Instance {
    const exports: Record<string, WebAssembly.ExportValue> = { ...instance.exports };
    // The glue may have made the memory and the table itself.
    const values = [exports, ...Object.values(imports)].flatMap((each): unknown[] => Object.values(each));
    this.memory = memoryIn(exports.memory, values);
    this.exports = exports.memory === this.memory ? instance.exports : { ...exports, memory: this.memory };
    const entries = new TableEntries((raw) => this.gate.markIndirect(raw));
    for (const table of values) if (table instanceof WebAssembly.Table) entries.watch(table, errors);
    for (const [name, value] of Object.entries(exports)) {
      if (typeof value !== 'function' || STACK_POINTER.test(name)) continue;
      const marked = this.gate.mark(value as RawFunction);
      entries.add(value as RawFunction, marked);
      exports[name] = marked;
    }
    // These functions note the heap at the end of the program: when main has returned, and once more when a runtime
    // that outlived main ends.
    for (const name of Object.keys(exports)) {
      this.#observe(exports, name, (call) => this.kept.watched(name, call));
    }
    for (const name of MAIN_NAMES) this.#observe(exports, name, (call) => this.#afterwards(call));
    this.#observe(exports, TEARDOWN, (call) => this.#before(call));
    return { exports };
  }

  #observe(
    exports: Record<string, WebAssembly.ExportValue>,
    name: string,
    observed: (call: RawFunction) => RawFunction,
  ): void {
    const value = exports[name];
    if (typeof value !== 'function') return;
    const call = observed(value as RawFunction);
    if (call === value) return;
    // The glue asks a function how many parameters it has.
    Object.defineProperty(call, 'length', { value: value.length });
    exports[name] = call;
  }

  #afterwards(call: RawFunction): RawFunction {
    return (...args) => {
      const result = call(...args);
      this.#returned();
      return result;
    };
  }

  #before(call: RawFunction): RawFunction {
    return (...args) => {
      this.#returned();
      return call(...args);
    };
  }

  get #main(): ((...args: number[]) => number) | undefined {
    const { __main_void, __main_argc_argv, main } = this.exports;
    return (__main_void ?? __main_argc_argv ?? main) as ((...args: number[]) => number) | undefined;
  }

  // Optimised links give main a name of one letter, which only the glue knows.
  get hasMain(): boolean {
    return this.#main !== undefined || (this.module !== null && given(this.module, 'callMain') !== undefined);
  }

  // The glue has called the constructors.
  initialize(): void {}

  runMain(returned: () => void): number {
    this.#returned = returned;
    const callMain = given(this.module!, 'callMain');
    // The glue knows whether something keeps the runtime alive, and ends it when nothing does.
    if (callMain !== undefined) return callMain([...this.options.args]) ?? this.loop.status ?? 0;
    const main = this.#main!;
    const exitCode = main.length === 0 ? main() : main(this.#argv.length, this.#pushArguments());
    returned();
    const { __wrap_exit, fflush } = this.exports as Record<string, ((value: number) => unknown) | undefined>;
    // This call does not return, because the glue ends the program by throwing.
    if (__wrap_exit !== undefined) __wrap_exit(exitCode);
    fflush?.(0);
    return exitCode;
  }

  // Puts argv on the guest's stack, as main expects it.
  #pushArguments(): number {
    const pointer = this.exports.__stack_pointer;
    if (!(pointer instanceof WebAssembly.Global)) {
      throw new UnsupportedModuleError(
        'The module does not export __stack_pointer, on which the arguments of main go: link with -Wl,--export=__stack_pointer.',
      );
    }
    const strings = this.#argv.map((argument) => new TextEncoder().encode(`${argument}\0`));
    const size = strings.reduce((sum, string) => sum + string.length, 0);
    const table = (strings.length + 1) * 4;
    const argv = ((pointer.value as number) - size - table) & -16;
    pointer.value = argv;
    const bytes = new Uint8Array(this.memory.buffer);
    const words = new DataView(this.memory.buffer);
    let at = argv + table;
    strings.forEach((string, index) => {
      words.setUint32(argv + index * 4, at, true);
      bytes.set(string, at);
      at += string.length;
    });
    words.setUint32(argv + strings.length * 4, 0, true);
    return argv;
  }

  /** Makes a function of the system fail: sets errno if the guest has one that can be seen. */
  refuse(errno: number): number {
    const { __errno_location } = this.exports as { __errno_location?: () => number };
    if (__errno_location !== undefined) {
      new DataView(this.memory.buffer).setInt32(__errno_location(), errno, true);
    }
    return -1;
  }

  readFile(path: string): Uint8Array | null {
    try {
      return new Uint8Array(this.module!.FS!.readFile(posix.resolve('/', path)));
    } catch {
      return null;
    }
  }

  save(): () => void {
    if (this.options.preopens?.length) {
      throw new StateError(
        'A snapshot cannot save directories of this machine (preopens), because restoring must not change them: give ' +
          'the guest its files in the option files.',
      );
    }
    if (this.keepsValues) {
      throw new UnsupportedModuleError(
        "A snapshot cannot save the JavaScript values that the module holds (embind's val): load it again instead.",
      );
    }
    const files = savedFiles(this.module!.FS! as unknown as FilesInGlue);
    const kept = this.kept.save();
    return () => {
      files();
      kept();
    };
  }

  dispose(): void {
    this.closeFiles();
    this.module = null;
    this.exports = {};
  }
}

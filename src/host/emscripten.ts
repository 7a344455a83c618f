// An Emscripten guest: its JavaScript glue runs in this process, but in a context of its own (node:vm) that has
// the language and nothing of Node: no `process`, no `require`, no files, no environment, no way to install
// handlers. The glue's own in-memory file system holds the files that were handed in.
//
// Glue must be linked with -sMODULARIZE=1 and -sEXPORTED_RUNTIME_METHODS=FS,ENV,callMain (see src/compile). What
// the context keeps out is the guest's libc; JavaScript that the C sources themselves contain (EM_JS, EM_ASM) was
// written by whoever wrote the sources and is not confined by node:vm against a determined author.

import { posix } from 'node:path';
import { createContext, Script } from 'node:vm';
import { UnsupportedModuleError } from '../errors.ts';
import { ExitSignal, type Guest, type GuestOptions, type RuntimeImports } from './guest.ts';
import type { Output } from './output.ts';

/** The parts of Emscripten's FS that are used here. */
interface EmscriptenFS {
  init: { (): void; initialized?: boolean };
  streams: ({ stream_ops: object; tty?: unknown } | null)[];
  mkdirTree(path: string): void;
  writeFile(path: string, contents: Uint8Array): void;
  readFile(path: string): Uint8Array;
}

interface EmscriptenModule {
  FS?: EmscriptenFS;
  ENV?: Record<string, string | undefined>;
  callMain?(args: string[]): unknown;
  [option: string]: unknown;
}

type Factory = (module: EmscriptenModule) => PromiseLike<EmscriptenModule>;

/** Emscripten's own default environment, which a guest must not see either. */
const DEFAULT_ENV = ['USER', 'LOGNAME', 'PATH', 'PWD', 'HOME', 'LANG', '_'];

// Compiling 150 KB of glue takes longer than running it; sandboxes of the same module share the compiled script.
const scripts = new Map<string, Script>();
const SCRIPTS_KEPT = 16;

/** Runs the glue around the module. Its constructors have run when this returns. */
export async function openEmscriptenGuest(
  module: WebAssembly.Module,
  glue: string,
  options: GuestOptions,
  runtime: RuntimeImports,
): Promise<Guest> {
  const guest = new EmscriptenGuest();
  let failure: { error: unknown } | null = null;

  const config: EmscriptenModule = {
    thisProgram: options.programName,
    arguments: [...options.args],
    noInitialRun: true,
    instantiateWasm(
      imports: Record<string, Record<string, WebAssembly.ImportValue>>,
      received: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
    ): object {
      try {
        const all: Record<string, Record<string, WebAssembly.ImportValue>> = {
          ...imports,
          heapline: { ...runtime },
        };
        for (const [name, values] of Object.entries(options.imports)) {
          all[name] = { ...all[name], ...(values as Record<string, WebAssembly.ImportValue>) };
        }
        const instance = new WebAssembly.Instance(module, all);
        const observed = guest.adopt(instance);
        options.instantiated(instance.exports);
        received(observed, module);
        return instance.exports;
      } catch (error) {
        failure = { error };
        throw error;
      }
    },
    preRun: [
      () => {
        const env = config.ENV;
        if (env !== undefined) {
          for (const name of DEFAULT_ENV) env[name] = undefined;
          Object.assign(env, options.env);
        }
        if (config.FS !== undefined) furnish(config.FS, options);
      },
    ],
    // Only reached when the guest was linked without a file system.
    print: (text: string) => options.stdout.write(Buffer.from(`${text}\n`)),
    printErr: (text: string) => {
      // The glue reports traps and exits here; the host throws them, and the guest's stderr is the guest's own.
      if (config.FS === undefined) options.stderr.write(Buffer.from(`${text}\n`));
    },
    quit(status: number, toThrow: unknown) {
      const name = (toThrow as { name?: unknown } | null)?.name;
      if (name !== 'ExitStatus' && toThrow !== undefined) throw toThrow;
      guest.exitCode = status;
      throw new ExitSignal(status);
    },
    // The glue passes what it caught; without this it would abort() with text only.
    onAbort() {},
  };

  const factory = factoryOf(glue);
  try {
    await factory(config);
  } catch (error) {
    throw (failure as { error: unknown } | null)?.error ?? error;
  }
  guest.module = config;
  return guest;
}

function factoryOf(glue: string): Factory {
  let script = scripts.get(glue);
  if (script === undefined) {
    try {
      script = new Script(glue, { filename: 'emscripten-glue.js' });
    } catch (error) {
      throw new UnsupportedModuleError(`Emscripten's glue is not JavaScript that can run here: ${error}`, {
        cause: error,
      });
    }
    if (scripts.size >= SCRIPTS_KEPT) scripts.delete(scripts.keys().next().value!);
    scripts.set(glue, script);
  }
  const exported = { exports: {} as Factory | { default?: Factory } };
  const context = createContext(
    {
      module: exported,
      exports: exported.exports,
      WebAssembly,
      TextDecoder,
      TextEncoder,
      performance: { now: () => performance.now() },
      crypto: { getRandomValues: (array: Uint8Array) => crypto.getRandomValues(array) },
      setTimeout: (call: () => void, delay: number) => setTimeout(call, delay),
      clearTimeout,
      console: { log() {}, warn() {}, error() {}, info() {}, debug() {} },
    },
    { name: 'heapline guest' },
  );
  script.runInContext(context);
  const found =
    typeof exported.exports === 'function' ? exported.exports : (context as { Module?: unknown }).Module;
  if (typeof found !== 'function') {
    throw new UnsupportedModuleError(
      "Emscripten's glue does not define a module factory: link with -sMODULARIZE=1.",
    );
  }
  return found as Factory;
}

// Files, standard streams. The streams are replaced below the glue's character devices, which would call back
// once per byte and report a terminal.
function furnish(fs: EmscriptenFS, options: GuestOptions): void {
  if (!fs.init.initialized) fs.init();
  for (const [path, contents] of options.files) {
    fs.mkdirTree(posix.dirname(path));
    fs.writeFile(path, contents);
  }
  let read = 0;
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
        const piece = options.stdin.subarray(read, read + length);
        new Uint8Array(buffer.buffer, buffer.byteOffset).set(piece, offset);
        read += piece.length;
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

class EmscriptenGuest implements Guest {
  exports: WebAssembly.Exports = {};
  memory!: WebAssembly.Memory;
  module: EmscriptenModule | null = null;
  exitCode: number | null = null;
  #returned: (() => void) | null = null;
  #failure: { error: unknown } | null = null;

  /** Takes the instance over and gives the glue one whose `main` reports back. */
  adopt(instance: WebAssembly.Instance): WebAssembly.Instance {
    this.exports = instance.exports;
    const exports: Record<string, WebAssembly.ExportValue> = { ...instance.exports };
    for (const name of ['main', '__main_argc_argv']) {
      const main = exports[name];
      if (typeof main === 'function') exports[name] = this.#observe(main as (...args: number[]) => number);
    }
    const memory = instance.exports.memory;
    if (!(memory instanceof WebAssembly.Memory)) {
      throw new UnsupportedModuleError('The module does not export its memory under the name "memory".');
    }
    this.memory = memory;
    return { exports };
  }

  // The glue catches what main throws, prints it and ends the runtime. The host wants the thing itself: it is
  // kept aside, and the glue sees the word it takes for "leave without a trace".
  #observe(main: (...args: number[]) => number): (...args: number[]) => number {
    return (...args) => {
      try {
        const code = main(...args);
        this.#returned?.();
        return code;
      } catch (error) {
        if (!(error instanceof ExitSignal)) this.#failure = { error };
        throw 'unwind';
      }
    };
  }

  get hasMain(): boolean {
    return 'main' in this.exports || '__main_argc_argv' in this.exports;
  }

  // The glue has called the constructors.
  initialize(): void {}

  runMain(returned: () => void): number {
    this.#returned = returned;
    const call = this.module?.callMain;
    if (call === undefined) {
      throw new UnsupportedModuleError(
        "Emscripten's glue does not export callMain: link with -sEXPORTED_RUNTIME_METHODS=FS,ENV,callMain.",
      );
    }
    try {
      const code = call([...(this.module!.arguments as string[])]);
      if (this.#failure !== null) throw this.#failure.error;
      return this.exitCode ?? (typeof code === 'number' ? code : 0);
    } catch (error) {
      if (this.#failure !== null) throw this.#failure.error;
      if (error instanceof ExitSignal) return error.exitCode;
      throw error;
    } finally {
      this.#returned = null;
    }
  }

  readFile(path: string): Uint8Array | null {
    try {
      return new Uint8Array(this.module!.FS!.readFile(posix.resolve('/', path)));
    } catch {
      return null;
    }
  }

  dispose(): void {
    this.module = null;
    this.exports = {};
  }
}

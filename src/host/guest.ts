// The interface between the sandbox and every kind of guest (WASI, Emscripten).

import type { WasmExports, WasmImports, WasmMemory } from '../binary/wasm-types.ts';
import { InvalidArgumentError, InvalidModuleError, UnsupportedModuleError } from '../errors.ts';
import type { DescriptorNumbers, LiveFileSystem, Preopen } from '../platform/index.ts';
import { engine } from './engine.ts';
import { connectHooks } from './hooks.ts';
import type { Input } from './input.ts';
import type { Output } from './output.ts';
import type { Restorable } from './restorable.ts';
import { readGuestStack } from './traps.ts';

/** Everything that a guest may see of the world. */
export interface GuestOptions {
  /** Arguments after the program's name. */
  readonly args: readonly string[];
  /** `argv[0]`. */
  readonly programName: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: Input;
  /** Absolute path to contents. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Directories of this machine; none when it is not given. */
  readonly preopens?: readonly Preopen[];
  /** Makes the whole file system of a WASI guest, in place of the files, directories and streams that are given here. */
  readonly fileSystem?: (memory: () => WebAssembly.Memory, numbers: DescriptorNumbers) => LiveFileSystem;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Functions of the host that the guest imports, by module and name. */
  readonly imports: WasmImports;
  /** Makes the instance, within the limit of time. Its start function may never end. */
  readonly start?: <T>(make: () => T) => T;
  /**
   * Called with the guest when there is an instance, before its constructors run: its exports, memory and files are
   * there. `kept` has the addresses of blocks that the host's side of libc keeps for itself.
   */
  readonly instantiated: (guest: Guest, kept?: ReadonlySet<number>) => void;
}

/** A running guest. What it saves is the part of its state that is not in its memory: files and descriptors. */
export interface Guest extends Restorable {
  /** The instance's exports, without wrappers. */
  readonly exports: WasmExports;
  readonly memory: WasmMemory;
  /** True when the guest has a program to run. */
  readonly hasMain: boolean;
  /** Runs the constructors that instantiation has not run. Called once. */
  initialize(): void;
  /**
   * Runs `main`, and libc's teardown when `main` has returned and nothing keeps the guest alive. Returns the exit
   * status. `returned` is called between the two, also when the teardown comes later. Throws whatever stopped the
   * guest.
   */
  runMain(returned: () => void): number;
  /** Contents of a file in the guest's file system; null when there is no such file. */
  readFile(path: string): Uint8Array | null;
  dispose(): void;
}

/** Makes an instance. An error of the module's start function comes out unchanged. */
export function instantiate(
  module: WebAssembly.Module,
  imports: Record<string, Record<string, WebAssembly.ImportValue>>,
  start: NonNullable<GuestOptions['start']> = (make) => make(),
): WebAssembly.Instance {
  refuseMissing(WebAssembly.Module.imports(module), imports);
  try {
    const instance = start(() => new (engine().Instance)(module, imports));
    connectHooks(instance.exports, imports.heapline ?? {});
    return instance;
  } catch (error) {
    const reason = String((error as Error | null)?.message).replace(/^WebAssembly\.Instance\(\): /, '');
    if (error instanceof WebAssembly.LinkError) {
      throw new InvalidArgumentError(
        'imports',
        `An import of the module is given as what it is not: ${reason}.`,
        {
          cause: error,
        },
      );
    }
    // The module's segments do not fit, so no code has run.
    if (error instanceof WebAssembly.RuntimeError && readGuestStack(error).offsets.length === 0) {
      throw new InvalidModuleError(`The engine cannot instantiate the module: ${reason}`, null, {
        cause: error,
      });
    }
    throw error;
  }
}

/**
 * The memory of an instance whose JavaScript is not Heapline's. Optimised links give it another name, and some glue makes
 * it and passes it in.
 * @param exported what the instance exports as "memory"
 * @param values all that it exports and imports
 */
export function memoryIn(exported: unknown, values: readonly unknown[]): WebAssembly.Memory {
  if (exported instanceof WebAssembly.Memory) return exported;
  const memory = values.find((value) => value instanceof WebAssembly.Memory);
  if (memory !== undefined) return memory;
  throw new UnsupportedModuleError('The module neither exports nor imports a memory.');
}

/** Throws when imports of the module are missing. The message names all of them. */
function refuseMissing(
  wanted: readonly WebAssembly.ModuleImportDescriptor[],
  given: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): void {
  const missing = wanted.filter((entry) => given[entry.module]?.[entry.name] === undefined);
  if (missing.length === 0) return;
  const names = missing.map((entry) => `${entry.module}.${entry.name} (${entry.kind})`).join(', ');
  const advice = missing.some((entry) => entry.name.startsWith('emscripten_'))
    ? 'Emscripten has linked it: give its JavaScript in the option "glue".'
    : 'Give it in the option "imports".';
  throw new UnsupportedModuleError(`The module imports what Heapline does not provide: ${names}. ${advice}`);
}

/** `proc_exit` throws this through the guest. It unwinds the guest, and the host's call catches it. */
export class ExitSignal {
  constructor(readonly exitCode: number) {}
}

/**
 * The exit that a thrown value stands for; null when it stands for none. Emscripten's glue throws its own
 * `ExitStatus`, because its functions that run callbacks recognise that.
 */
export function exitSignalOf(error: unknown): ExitSignal | null {
  if (error instanceof ExitSignal) return error;
  const { name, status } = (error ?? {}) as { name?: unknown; status?: unknown };
  return name === 'ExitStatus' && typeof status === 'number' ? new ExitSignal(status) : null;
}

// What every kind of guest (WASI, Emscripten) gives to the sandbox, and what it is given.

import type { WasmExports, WasmImports, WasmMemory } from '../binary/wasm-types.ts';
import { InvalidArgumentError, InvalidModuleError, UnsupportedModuleError } from '../errors.ts';
import type { Input } from './input.ts';
import type { Output } from './output.ts';
import { readGuestStack } from './traps.ts';

/** What a guest may see of the world: this and nothing else. */
export interface GuestOptions {
  /** Arguments after the program's name. */
  readonly args: readonly string[];
  /** `argv[0]`. */
  readonly programName: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: Input;
  /** Absolute path to contents. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Functions of the host that the guest imports, by module and name. */
  readonly imports: WasmImports;
  /**
   * Called with the guest when there is an instance, before its constructors run: its exports, memory and files are
   * there. `kept` has the addresses of blocks that the host's side of libc keeps for itself.
   */
  readonly instantiated: (guest: Guest, kept?: ReadonlySet<number>) => void;
}

/** The functions that the C runtime imports from the module `heapline`. */
export interface RuntimeImports {
  host_stack(inner: number): number;
  fault(record: number): void;
  exiting(code: number): void;
  trace(address: number, size: number, node: number): void;
}

/** A running guest. */
export interface Guest {
  /** The exports of the instance, none of them wrapped. */
  readonly exports: WasmExports;
  readonly memory: WasmMemory;
  /** True when the guest has a program to run. */
  readonly hasMain: boolean;
  /** Runs the constructors that instantiation has not run. Called once. */
  initialize(): void;
  /**
   * Runs `main` and, when it returns and nothing keeps the guest alive, the libc's teardown; gives the exit status.
   * `returned` is called between the two, also when the teardown comes later. Throws whatever stopped the guest.
   */
  runMain(returned: () => void): number;
  /** Contents of a file in the guest's file system, or null. */
  readFile(path: string): Uint8Array | null;
  dispose(): void;
}

/** Makes an instance. Where the module has a start function, what stops that comes out as it is. */
export function instantiate(
  module: WebAssembly.Module,
  imports: Record<string, Record<string, WebAssembly.ImportValue>>,
): WebAssembly.Instance {
  refuseMissing(WebAssembly.Module.imports(module), imports);
  try {
    return new WebAssembly.Instance(module, imports);
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
    // Segments that do not fit: no code has run.
    if (error instanceof WebAssembly.RuntimeError && readGuestStack(error).offsets.length === 0) {
      throw new InvalidModuleError(`The engine cannot instantiate the module: ${reason}`, null, {
        cause: error,
      });
    }
    throw error;
  }
}

/** Throws when the module imports what nobody gives it, naming every such import. */
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

/** Thrown through the guest by `proc_exit`: it unwinds the guest and is caught where the host called it. */
export class ExitSignal {
  constructor(readonly exitCode: number) {}
}

/**
 * The exit that something thrown stands for; null when it is something else. Emscripten's glue throws an `ExitStatus`
 * of its own, which its functions that run callbacks know for what it is.
 */
export function exitSignalOf(error: unknown): ExitSignal | null {
  if (error instanceof ExitSignal) return error;
  const { name, status } = (error ?? {}) as { name?: unknown; status?: unknown };
  return name === 'ExitStatus' && typeof status === 'number' ? new ExitSignal(status) : null;
}

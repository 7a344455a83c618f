// attach(): a sandbox around a module that the caller's own JavaScript runs.

import { InvalidArgumentError } from '../errors.ts';
import { readOptions } from '../options/option-table.ts';
import { type GuestExports, type GuestTypes, ownBytes, type Sandbox } from '../sandbox/index.ts';
import { ATTACH_OPTIONS, type AttachOptions } from './attach-options.ts';
import { attachTo } from './attachment.ts';

/** A module with its own JavaScript, and the sandbox around it. */
export interface Attached<Module, Exports extends object = GuestExports, Types extends object = GuestTypes> {
  /** What the function given to attach() has returned; of a promise, what it was resolved with. */
  readonly module: Module;
  /** The heap of the module. Disposing of it ends the watching; the module goes on. */
  readonly sandbox: Sandbox<Exports, Types>;
}

/** Runs the JavaScript of a module. Emscripten's factories take options of the module. */
export type CreateModule<Module, ModuleOptions extends object = object> = (
  moduleOptions?: ModuleOptions,
) => Module | PromiseLike<Module>;

/** The type of `attach`. */
export interface Attach {
  /**
   * Runs the JavaScript of a module, and opens a sandbox around the instance that it makes.
   * @param createModule the factory that Emscripten has written, or a function that imports and starts other glue
   * @param moduleOptions options of the module, for the factory
   */
  <
    Module,
    Exports extends object = GuestExports,
    ModuleOptions extends object = object,
    Types extends object = GuestTypes,
  >(
    createModule: CreateModule<Module, ModuleOptions>,
    moduleOptions?: ModuleOptions,
    options?: AttachOptions,
  ): Promise<Attached<Module, Exports, Types>>;
  /**
   * The same for glue of any kind: opens a sandbox around the instance of the module with these bytes.
   * @param wasm the bytes of the module
   * @param load imports and starts the glue
   */
  bytes<Module, Exports extends object = GuestExports, Types extends object = GuestTypes>(
    wasm: Uint8Array | ArrayBuffer,
    load: () => Module | PromiseLike<Module>,
    options?: AttachOptions,
  ): Promise<Attached<Module, Exports, Types>>;
}

async function attachToFactory(
  createModule: unknown,
  moduleOptions: unknown = {},
  options: AttachOptions = {},
): Promise<Attached<unknown, object>> {
  const settings = readOptions('attach', options, ATTACH_OPTIONS);
  if (typeof createModule !== 'function') throw notAFunction('createModule', createModule);
  if (typeof moduleOptions !== 'object' || moduleOptions === null) {
    throw new InvalidArgumentError('moduleOptions', 'attach() takes an object of options for the module.');
  }
  return attachTo({ options: settings, bytes: null, run: () => createModule(moduleOptions) });
}

async function attachToBytes(
  wasm: unknown,
  load: unknown,
  options: AttachOptions = {},
): Promise<Attached<unknown, object>> {
  const settings = readOptions('attach.bytes', options, ATTACH_OPTIONS);
  const bytes = ownBytes('wasm', wasm);
  if (bytes === null) throw new InvalidArgumentError('wasm', 'attach.bytes() takes the bytes of a module.');
  if (typeof load !== 'function') throw notAFunction('load', load);
  return attachTo({ options: settings, bytes, run: () => load() });
}

/** Attaches to a module that other JavaScript runs. */
export const attach = Object.assign(attachToFactory, { bytes: attachToBytes }) as Attach;

function notAFunction(argument: string, given: unknown): InvalidArgumentError {
  const started = typeof given === 'object' && given !== null;
  return new InvalidArgumentError(
    argument,
    started
      ? 'attach() takes a function, and was given an object: a module that runs already, or a promise of one, cannot be ' +
          'attached to. Pass the factory itself, or a function that imports the glue.'
      : 'attach() takes the factory of a module, or a function that imports its glue.',
  );
}

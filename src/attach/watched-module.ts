// A module that is taken over: each instance that other code makes of it becomes a sandbox.

import { basename } from '../algorithms/posix-path.ts';
import { UnsupportedModuleError } from '../errors.ts';
import { engine } from '../host/index.ts';
import { openInstrumented } from '../instrument/instrumented-module.ts';
import {
  Boundary,
  checkRoom,
  checksOf,
  loadSymbols,
  type PreparedModule,
  prepareModule,
  prepareModuleNow,
  Sandbox,
  Session,
  type Subject,
  sessionOptions,
  symbolOptionsOf,
} from '../sandbox/index.ts';
import type { AttachOptions } from './attach-options.ts';
import { AttachedGuest, type GivenImports } from './attached-guest.ts';
import { graftNow } from './grafting.ts';
import type { Taken } from './interception.ts';

/** What is known of a module beside its bytes. */
export interface Watch {
  readonly options: AttachOptions;
  /** Called with each new sandbox, before constructors of the module run. */
  opened(sandbox: Sandbox<object>, guest: AttachedGuest): void;
}

/**
 * Prepares a module.
 * @param bytes the module; the result owns them
 * @param url where it comes from; null when it is not known
 */
export async function watchModule(
  bytes: Uint8Array,
  watch: Watch,
  url: string | null = null,
): Promise<Taken> {
  refuseComponents(bytes);
  const prepared = await prepareModule(bytes, watch.options.maxMemory, preparationOf(bytes, watch, url));
  if (prepared.seemsRust || watch.options.debugInfo !== undefined)
    await loadSymbols({ sourceMap: false, rust: true });
  // Each user gets a module object of its own, by which its instances are told apart. The engine shares the code.
  const module = await engine().compile(prepared.instrumented.bytes as Uint8Array<ArrayBuffer>);
  return takenOf(prepared, module, watch, url);
}

/** The same for code that does not wait. */
export function watchModuleNow(bytes: Uint8Array, watch: Watch): Taken {
  refuseComponents(bytes);
  const prepared = prepareModuleNow(
    bytes,
    watch.options.maxMemory,
    preparationOf(bytes, watch, null),
    graftNow,
  );
  const module = new (engine().Module)(prepared.instrumented.bytes as Uint8Array<ArrayBuffer>);
  return takenOf(prepared, module, watch, null);
}

function preparationOf(bytes: Uint8Array, { options }: Watch, url: string | null) {
  const { onProgress, recordOnly, name = url === null ? undefined : nameAfter(url) } = options;
  checkRoom(bytes, options);
  return {
    onProgress,
    name,
    access: checksOf(options).access,
    instrumented: openInstrumented(bytes),
    ...(recordOnly === undefined ? {} : { recordOnly }),
  };
}

function takenOf(
  prepared: PreparedModule,
  module: WebAssembly.Module,
  watch: Watch,
  url: string | null,
): Taken {
  return {
    module,
    instantiate: (imports, caller) => openInstance(prepared, imports, { caller, url }, watch),
  };
}

/** Where an instance comes from. */
interface Origin {
  /** The script that makes it; null when it is not known. */
  readonly caller: string | null;
  /** The address of its module; null when it is not known. */
  readonly url: string | null;
}

function openInstance(
  prepared: PreparedModule,
  imports: GivenImports,
  origin: Origin,
  watch: Watch,
): WebAssembly.Instance {
  const { options } = watch;
  const settings = sessionOptions(options, true);
  const subject = subjectOf(prepared, origin, options);
  const boundary = new Boundary(subject, settings);
  if (options.hideGlue === true && origin.caller !== null) boundary.hostStacks.hide(origin.caller);
  sayOnce(prepared, subject.name);
  const guest = new AttachedGuest(prepared, imports, boundary);
  const session = new Session(subject, settings, boundary, guest, guest.kept.addresses);
  const instance = guest.instanceForGlue();
  session.program.started();
  watch.opened(Sandbox.around(session), guest);
  return instance;
}

function subjectOf(prepared: PreparedModule, { caller, url }: Origin, options: AttachOptions): Subject {
  const { bytes, instrumented } = prepared;
  const cameInstrumented = bytes === instrumented.bytes;
  const name = options.name ?? nameAfter(url ?? caller);
  return {
    module: prepared,
    symbols: prepared.symbols({
      ...symbolOptionsOf(options),
      ...(cameInstrumented ? { bodies: instrumented.bodies, codeStart: instrumented.originalCodeStart } : {}),
    }),
    name,
    path: name,
    toolchain: null,
    warnings: [],
    comments: prepared.instrumented.notes,
    functions: prepared.functions(options.exports ?? null),
  };
}

/** Modules of which it was said that they are recorded only. */
const said = new WeakSet<PreparedModule>();

function sayOnce(prepared: PreparedModule, name: string): void {
  if (!prepared.recordsOnly || said.has(prepared)) return;
  said.add(prepared);
  const [why = 'Record only.'] = prepared.instrumented.notes;
  console.warn(`heapline: ${name}: ${why} Bad frees are not judged.`);
}

/** The module has no name of its own, so it is called after its address, or after the script that made the instance. */
export function nameAfter(origin: string | null): string {
  const file = (origin ?? '').replace(/[?#].*$/s, '').replaceAll('\\', '/');
  const base = basename(file);
  return base === '' ? 'module.wasm' : base.replace(/(\.[cm]?[jt]s|\.wasm)?$/, '.wasm');
}

const COMPONENT = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

function refuseComponents(bytes: Uint8Array): void {
  if (!COMPONENT.every((byte, at) => bytes[at] === byte)) return;
  throw new UnsupportedModuleError(
    'These bytes are a component, which contains modules: let jco transpile take it apart, and attach to the core ' +
      'module that contains malloc (attach.bytes with the .core.wasm file).',
  );
}

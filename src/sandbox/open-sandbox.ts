// Opens a sandbox of a module that is ready: the last step of every way to a sandbox.

import { fromRoot } from '../algorithms/posix-path.ts';
import { type Guest, type GuestOptions, openWasiGuest } from '../host/index.ts';
import type { Preopen } from '../platform/index.ts';
import type { SymbolizerOptions } from '../symbols/index.ts';
import type { Boundary } from './boundary.ts';
import { loadSymbols } from './module-symbols.ts';
import type { PreparedModule } from './prepared-module.ts';
import { loadTimelines } from './recording.ts';
import { type GuestTypes, Sandbox } from './sandbox.ts';
import { checksOf, type SandboxOptions } from './sandbox-options.ts';
import type { Instantiate, SessionOptions } from './session.ts';
import { loadMismatches } from './starting-mismatches.ts';
import type { Subject } from './subject.ts';

/** Where a module comes from and how it is to be shown. */
export interface Source extends Pick<Subject, 'name' | 'path' | 'toolchain' | 'warnings' | 'comments'> {
  readonly module: PreparedModule;
  readonly symbolOptions: SymbolizerOptions;
  /** Names of the functions to offer; null for all. */
  readonly names: readonly string[] | null;
  /** `argv[0]`; the name without its suffix by default. */
  readonly programName?: string;
}

/** Makes an instance and everything that it runs on. */
export type OpenGuest = (
  module: WebAssembly.Module,
  options: GuestOptions,
  boundary: Boundary,
) => Promise<Guest>;

const openWasi: OpenGuest = (module, options, { runtime }) => openWasiGuest(module, options, runtime);

/** Opens a sandbox of this module. @param openGuest for a module whose system interface is not WASI */
export async function openSandbox<Exports extends object, Types extends object = GuestTypes>(
  { names, symbolOptions, programName, ...source }: Source,
  options: SandboxOptions,
  openGuest = openWasi,
): Promise<Sandbox<Exports, Types>> {
  const { module } = source;
  const { debugInfo, sourceMap } = symbolOptions;
  const needs = { sourceMap: sourceMap !== undefined, rust: module.seemsRust || debugInfo !== undefined };
  await Promise.all([loadSymbols(needs), loadTimelines(options.timeline ?? false), loadMismatches(options)]);
  const subject = { ...source, symbols: module.symbols(symbolOptions), functions: module.functions(names) };
  const instantiate: Instantiate = (boundary, instantiated) => {
    const guestOptions: GuestOptions = {
      args: options.args ?? [],
      programName: programName ?? source.name.replace(/\.[^.]+$/, ''),
      env: options.env ?? {},
      stdin: boundary.stdin,
      files: filesOf(options),
      preopens: preopensOf(options),
      stdout: boundary.stdout,
      stderr: boundary.stderr,
      imports: options.imports ?? {},
      start: (make) => boundary.gate.start(make),
      instantiated,
    };
    return openGuest(module.module, guestOptions, boundary);
  };
  return Sandbox.open<Exports, Types>(subject, sessionOptions(options), instantiate);
}

/** How the guest of these options is watched. @param attached whether other code than Heapline's runs it */
export function sessionOptions(options: SandboxOptions, attached = false): SessionOptions {
  const { stdin = '' } = options;
  return {
    hostFrames: options.hostFrames ?? 'allocating',
    freeContexts: options.freeStacks ?? true,
    quarantine: checksOf(options).quarantine,
    timeline: options.timeline ?? false,
    mostBlocks: options.maxBlocks ?? 0,
    mostBytes: options.maxAllocation ?? 0,
    timeout: options.timeout,
    onError: options.onError ?? 'record',
    onFault: options.onFault,
    onLeakCheck: options.onLeakCheck,
    onExit: options.onExit,
    onProgress: options.onProgress,
    onCallbackError: options.onCallbackError,
    stdin: typeof stdin === 'function' ? stdin : toBytes(stdin),
    onStdout: options.onStdout,
    onStderr: options.onStderr,
    attached,
  };
}

/** The guest's files by path without `.` and `..`. */
function filesOf({ files = {} }: SandboxOptions): ReadonlyMap<string, Uint8Array> {
  return new Map(Object.entries(files).map(([path, contents]) => [fromRoot(path), toBytes(contents)]));
}

function preopensOf({ preopens = {} }: SandboxOptions): Preopen[] {
  return Object.entries(preopens).map(([guest, directory]) => {
    const { path, readOnly = false } = typeof directory === 'string' ? { path: directory } : directory;
    return { guest: fromRoot(guest), path, readOnly };
  });
}

function toBytes(contents: string | Uint8Array): Uint8Array {
  return typeof contents === 'string' ? new TextEncoder().encode(contents) : contents;
}

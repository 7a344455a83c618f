// Values of options as commands take them, shared by the commands. Each error says what is wrong and what would be right.

import { readFileSync, readSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { COMPILE_OPTIONS, type ToolchainName } from '../compile/compile-options.ts';
import { FileError, InvalidModuleError, MissingRuntimeError, UnsupportedModuleError } from '../errors.ts';
import { durationOf } from '../options/duration.ts';
import { usageError } from './failure.ts';
import { collect, optionsOf } from './table-options.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** The bytes that a text such as `64M`, `512k` or `1000` means. */
export function readSize(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i.exec(text.trim());
  const bytes = match === null ? Number.NaN : Math.floor(Number(match[1]) * UNITS[match[2]!.toLowerCase()]!);
  if (!(bytes > 0 && bytes <= 2 ** 32)) {
    throw usageError(option, `'${text}' is not a size up to 4G: write bytes, or 512k, 64M, 1G.`);
  }
  return bytes;
}

/** The milliseconds that a text such as `5s` or `500ms` means. */
export function readDuration(text: string, option: string): number {
  const milliseconds = durationOf(text);
  if (milliseconds !== null) return milliseconds;
  throw usageError(option, `'${text}' is not a time: write 500ms, 5s, 2m.`);
}

/** The whole number that a text means. It is not negative. */
export function readCount(text: string, option: string): number {
  if (!/^\d+$/.test(text)) throw usageError(option, `${option} takes a whole number, not '${text}'.`);
  return Number(text);
}

/** The bytes that a text such as `64M`, `512k` or `0` means. */
export function readTolerance(text: string, option: string): number {
  const match = /^(\d+)([kmg]?)(?:i?b)?$/i.exec(text.trim());
  const bytes = match === null ? Number.NaN : Number(match[1]) * UNITS[match[2]!.toLowerCase()]!;
  if (Number.isSafeInteger(bytes)) return bytes;
  throw usageError(option, `'${text}' is not a size: write bytes, or 512k, 64M.`);
}

/** Most bytes of standard input that are read at once, and milliseconds to wait where the system does not wait. */
const CHUNK = 2 ** 16;
const PAUSE = 10;
/** Milliseconds within which another thread stops this one. */
const SIGNAL_PAUSE = 200;

function pauseFor(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** The bytes of a file, or of standard input for `-`. */
export function readInput(path: string): Uint8Array {
  if (path === '-') return readStandardInput();
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError(path, 'read', error);
  }
}

function readStandardInput(): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = readOurInput(CHUNK);
    if (chunk.length === 0) return Buffer.concat(chunks);
    chunks.push(chunk);
  }
}

/** The next bytes of standard input, as soon as there are some; none at its end. */
export function readOurInput(length: number): Uint8Array {
  const bytes = new Uint8Array(Math.min(length, CHUNK));
  for (;;) {
    try {
      return bytes.subarray(0, readSync(0, bytes));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Windows reports the end of a pipe as an error.
      if (code === 'EOF') return new Uint8Array();
      // A signal arrived. If it is to stop C, another thread is about to do so, and a new read would delay it.
      if (code === 'EINTR') {
        pauseFor(SIGNAL_PAUSE);
        continue;
      }
      if (code !== 'EAGAIN') throw fileError('Standard input', 'read', error);
      // The program that opened this input made it non-blocking and has sent nothing yet. readFileSync(0) would give
      // up.
      pauseFor(PAUSE);
    }
  }
}

export function fileError(path: string, action: 'read' | 'written', error: unknown): FileError {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: action === 'read' ? 'there is no such file' : 'its directory does not exist; make it first',
    EACCES: 'permission denied',
    EISDIR: 'it is a directory',
    ENOSPC: 'the disk is full',
  };
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const reason = reasons[code] ?? (error as Error).message;
  return new FileError(path, `${path} cannot be ${action}: ${reason}.`, { cause: error });
}

/** Adds to an error which module cannot be used, and what kind of module is needed. */
export function moduleError(path: string, error: unknown): unknown {
  if (
    error instanceof InvalidModuleError ||
    error instanceof UnsupportedModuleError ||
    error instanceof MissingRuntimeError
  ) {
    const message = `${path === '-' ? 'standard input' : path}: ${error.message.replace(/\.$/, '')}.`;
    error.message =
      error instanceof InvalidModuleError
        ? `${message} A module that was linked with the Heapline runtime is needed, as \`heapline build\` makes it.`
        : message;
  }
  return error;
}

export const ENVIRONMENT_HELP = `
Environment:
  HEAPLINE_TOOLCHAIN  compiler to use where --toolchain does not say: auto, emscripten, clang or embedded
  HEAPLINE_EMCC       the emcc to use (default: that on PATH, else that of EMSDK)
  HEAPLINE_CLANG      the clang to use, a path or a name such as clang-22 (default: the first that works)
  HEAPLINE_CACHE      directory for compiled objects (default: node_modules/.cache/heapline, else ~/.cache/heapline)
  EMSDK, WASI_SDK_PATH  where Emscripten and wasi-sdk are, when they are not on PATH
  WASI_SYSROOT        the sysroot for clang (default: the one beside it, or its own)
  NO_COLOR            set: no colours
  FORCE_HYPERLINK     1: link reports and tables to sources; 0: never (default: in terminals that are known to show links)
  HEAPLINE_DEBUG      what to print of Heapline's own decisions: instrument, entries, cache (with commas), * for all`;

/** The options that say how C is compiled. */
export interface CompileArguments {
  toolchain?: 'auto' | ToolchainName;
  O?: string;
  I?: string[];
  D?: string[];
  U?: string[];
  /** The options -D and -U in their order, because the last one for a macro counts. */
  macros?: string[];
  l?: string[];
  stackSize?: number;
  stack?: boolean;
  cflag?: string[];
  ldflag?: string[];
}

/** Each of these options extends the value of `macros`. */
function inOrder(command: Command, option: 'D' | 'U'): void {
  command.on(`option:${option}`, (macro: string) => {
    const before = (command.getOptionValue('macros') as string[] | undefined) ?? [];
    command.setOptionValue('macros', [...before, option + macro]);
  });
}

const LEVELS = ['0', '1', '2', '3', 's', 'z', 'g', 'fast'];

const compileOption = optionsOf(COMPILE_OPTIONS);

export function addCompileOptions(command: Command): Command {
  inOrder(command, 'D');
  inOrder(command, 'U');
  return command
    .addOption(
      compileOption('toolchain', { value: '<name>', unset: 'HEAPLINE_TOOLCHAIN, or the first that works' }),
    )
    .addOption(new Option('-O <level>', 'optimisation level (default: 2)').choices(LEVELS))
    .addOption(compileOption('include', { flags: '-I <directory>', repeatable: true }))
    .addOption(compileOption('define', { flags: '-D <name[=value]>', repeatable: true }))
    .option('-U <name>', 'macro to undefine (repeatable)', collect)
    .option('-l <library>', 'library to link, as in -lm (repeatable)', collect)
    .addOption(compileOption('stackSize', { value: '<size>', unset: '1M', parse: readSize }))
    .addOption(compileOption('stack', { note: '; on with --access' }))
    .addOption(
      compileOption('stack', {
        flags: '--no-stack',
        help: 'no such room: with --access, only accesses to the heap are checked',
      }),
    )
    .addOption(
      compileOption('flags', { flags: '--cflag <flag>', note: ', as in --cflag=-std=c99', repeatable: true }),
    )
    .addOption(
      compileOption('link', {
        flags: '--ldflag <flag>',
        note: ', as in --ldflag=-Wl,--stack-first',
        repeatable: true,
      }),
    );
}

/** What to say when compiler's options are given for a module; null when there are none. */
export function idleOptionsNote(path: string, given: CompileArguments): string | null {
  const idle = givenCompileOptions(given);
  if (idle.length === 0) return null;
  return `${path} is already compiled: ${idle.join(', ')} had no effect.`;
}

/** The compiler's options that the user gave, as they are written on the command line. */
function givenCompileOptions(given: CompileArguments): string[] {
  const names = ['toolchain', 'O', 'I', 'D', 'U', 'l', 'cflag', 'ldflag'] as const;
  return [
    ...names
      .filter((name) => given[name] !== undefined)
      .map((name) => (name.length === 1 ? '-' : '--') + name),
    ...(given.stackSize === undefined ? [] : ['--stack-size']),
    ...(given.stack === undefined ? [] : [given.stack ? '--stack' : '--no-stack']),
  ];
}

/** The options as loadC() and compile() take them. */
export function compileOptions(given: CompileArguments) {
  const define: Record<string, string | boolean> = {};
  for (const each of given.macros ?? []) {
    const option = each[0]!;
    const macro = each.slice(1);
    const equals = option === 'U' ? -1 : macro.indexOf('=');
    const name = equals < 0 ? macro : macro.slice(0, equals);
    if (!/^[A-Za-z_]\w*(?:\([\w\s,.]*\))?$/.test(name)) {
      throw usageError(`-${option}`, `-${option} ${macro}: '${name}' is not the name of a macro.`);
    }
    define[name] = equals < 0 ? option === 'D' : macro.slice(equals + 1);
  }
  const flags = [...(given.O === undefined ? [] : [`-O${given.O}`]), ...(given.cflag ?? [])];
  const link = [...(given.l ?? []).map((library) => `-l${library}`), ...(given.ldflag ?? [])];
  return {
    ...(given.toolchain === undefined ? {} : { toolchain: given.toolchain }),
    ...(flags.length === 0 ? {} : { flags }),
    ...(given.I === undefined ? {} : { include: given.I }),
    ...(given.macros === undefined ? {} : { define }),
    ...(link.length === 0 ? {} : { link }),
    ...(given.stackSize === undefined ? {} : { stackSize: given.stackSize }),
    ...(given.stack === undefined ? {} : { stack: given.stack }),
  };
}

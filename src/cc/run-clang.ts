// Runs clang for `heapline cc`: questions, compilations and links. What clang prints goes to the user unchanged.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  type Cache,
  cxxLibraryArguments,
  emulationFlags,
  emulationLibraries,
  hasExceptions,
  hashOf,
  headerArguments,
  objectFlags,
  readMarks,
  SETJMP_FLAGS,
  sysrootArguments,
  TEXT_FLAGS,
  wasiCxxFlags,
  wasiProgramArguments,
  withTemporaryDirectory,
} from '../compile/index.ts';
import { isFile } from '../node/file-kinds.ts';
import { HEADER_FLAGS, packageDirectory, runtimeDirectory } from '../node/own-files.ts';
import { isArchive, readArchive, writeArchive } from './archive.ts';
import { type CommandLine, type LinkItem, withoutDepfiles } from './command-line.ts';
import { type Starter, writeExecutable } from './executable.ts';
import { librariesOf, type WasiClang } from './wasi-clang.ts';

/** What a run of clang left: its exit status, and what it printed when that was caught. */
interface Ended {
  readonly status: number;
  readonly printed: Buffer;
}

/** Signals as shells report them. */
const SIGNALLED = 128;

function run(
  command: string,
  args: readonly string[],
  { caught = false, env = process.env }: { caught?: boolean; env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const child = spawn(command, args, { stdio: ['inherit', 'inherit', caught ? 'pipe' : 'inherit'], env });
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (error) => {
      process.stderr.write(`heapline cc: ${command} cannot be started: ${error.message}\n`);
      resolve({ status: 127, printed: Buffer.concat(chunks) });
    });
    child.on('close', (status) => resolve({ status: status ?? SIGNALLED, printed: Buffer.concat(chunks) }));
  });
}

export class CompilerRun {
  readonly #starter: Starter;

  /** @param cxx whether it was called as a C++ compiler */
  constructor(
    private readonly compiler: WasiClang,
    private readonly cxx: boolean,
    private readonly cache: Cache,
    starter: Starter,
  ) {
    this.#starter = starter;
  }

  /** Carries out a command line and returns the exit status. */
  run(line: CommandLine): Promise<number> {
    switch (line.action) {
      case 'ask':
        return this.#ask(line);
      case 'compile':
        return this.#compile(line);
      case 'relocatable':
        return this.#relocatable(line);
      case 'link':
        return this.#link(line);
    }
  }

  /** Arguments of every run. */
  #base(): string[] {
    const { sysroot, major } = this.compiler;
    return [
      ...(this.cxx ? ['--driver-mode=g++'] : []),
      ...sysrootArguments(sysroot),
      // The old name of WASI's target is the only one that some sysroots know.
      ...(sysroot.target === 'wasm32-wasi' && major >= 19 ? ['-Wno-deprecated'] : []),
    ];
  }

  /** Arguments of compilations, before the user's own. */
  #flags(line: CommandLine): string[] {
    const { sysroot } = this.compiler;
    const isCxx = this.cxx || line.items.some(({ kind, text }) => kind === 'source' && CXX.test(text));
    return [
      ...objectFlags(),
      '-Wno-unused-command-line-argument',
      ...emulationFlags(librariesOf(sysroot)),
      ...(line.flags.includes('-nostdinc') ? [] : ['-isystem', UNIX_HEADERS, ...HEADER_FLAGS]),
      ...(isCxx ? wasiCxxFlags(line.flags) : librariesOf(sysroot)('setjmp') ? SETJMP_FLAGS : []),
    ];
  }

  async #ask(line: CommandLine): Promise<number> {
    const ld = path.join(path.dirname(this.#starter.runner), 'heapline-ld.js');
    if (line.all.some((arg) => /^-print-prog-name=ld$/.test(arg)) && isFile(ld)) {
      process.stdout.write(`${ld}\n`);
      return 0;
    }
    const asked = line.all.map((arg) =>
      /^-print-prog-name=(?:ld|collect2)$/.test(arg) ? '-print-prog-name=wasm-ld' : arg,
    );
    return (await run(this.compiler.clang, [...this.#base(), ...asked])).status;
  }

  #arguments(line: CommandLine): string[] {
    return [
      ...this.#base(),
      ...this.#flags(line),
      ...line.all,
      ...headerArguments(this.compiler.sysroot, this.cxx),
    ];
  }

  async #relocatable(line: CommandLine): Promise<number> {
    return (await run(this.compiler.clang, [...this.#base(), '-nostdlib', ...line.all])).status;
  }

  async #compile(line: CommandLine): Promise<number> {
    const { clang } = this.compiler;
    const sources = line.items.filter(({ kind }) => kind === 'source');
    const [source] = sources;
    const plain =
      sources.length === 1 &&
      line.items.length === 1 &&
      source!.text !== '-' &&
      line.flags.includes('-c') &&
      !line.flags.some((flag) => UNCACHED.test(flag));
    if (!plain) return (await run(clang, this.#arguments(line))).status;
    const object = line.output ?? `${path.basename(source!.text).replace(/\.[^.]+$/, '')}.o`;
    return this.#cached(line, path.resolve(source!.text), object);
  }

  async #cached(line: CommandLine, source: string, object: string): Promise<number> {
    const { cache } = this;
    const args = this.#arguments(line);
    const depfile = depfileOf(line.flags, object);
    const key = hashOf(
      ...['cc', this.compiler.identity, process.cwd(), JSON.stringify(args), environmentKey()],
      JSON.stringify(TEXT_FLAGS),
    );
    const what = `object of ${source} by heapline cc`;
    const known = cache.find(key, what);
    if (known?.blobs.object !== undefined) {
      process.stderr.write(known.blobs.printed ?? '');
      writeFileSync(object, known.blobs.object);
      if (depfile !== null && known.blobs.depfile !== undefined) writeFileSync(depfile, known.blobs.depfile);
      return 0;
    }
    return withTemporaryDirectory('clang', async (directory) => {
      const headers = path.join(directory, 'headers');
      const since = Date.now();
      const env = { ...process.env, CC_PRINT_HEADERS: '1', CC_PRINT_HEADERS_FILE: headers };
      const colored = process.stderr.isTTY ? ['-fcolor-diagnostics'] : [];
      const marks = await readMarks(source, line.flags, () => this.#toText(line, directory));
      const end = await run(this.compiler.clang, [...args, ...marks.flags, ...colored], {
        caught: true,
        env,
      });
      const { status } = end;
      const printed = Buffer.concat([Buffer.from(marks.output), end.printed]);
      process.stderr.write(printed);
      if (status !== 0 || !isFile(object)) return status;
      if (marks.flags.length > 0) writeFileSync(object, marks.list(readFileSync(object)));
      const inputs = [source, ...namedInputs(line.flags), ...headersIn(headers)];
      const blobs: Record<string, Uint8Array> = { object: readFileSync(object), printed };
      if (depfile !== null && existsSync(depfile)) blobs.depfile = readFileSync(depfile);
      cache.store(key, what, inputs, { meta: null, blobs }, since);
      return status;
    });
  }

  /** LLVM's text for the source; null when that cannot be had. */
  async #toText(line: CommandLine, directory: string): Promise<string | null> {
    const file = path.join(directory, 'text.ll');
    const flags = withoutDepfiles(line.flags).filter((flag) => flag !== '-c');
    const source = line.items.flatMap(({ text, language }) => [
      ...(language === undefined ? [] : ['-x', language]),
      text,
    ]);
    const own = { ...line, flags, all: [...flags, ...TEXT_FLAGS, ...source, '-o', file] };
    const { status } = await run(this.compiler.clang, this.#arguments(own), { caught: true });
    return status === 0 && isFile(file) ? readFileSync(file, 'utf8') : null;
  }

  async #link(line: CommandLine): Promise<number> {
    return withTemporaryDirectory('clang', async (directory) => {
      const items: LinkItem[] = [];
      for (const [index, item] of line.items.entries()) {
        if (item.kind !== 'source') {
          items.push(item);
          continue;
        }
        const object = path.join(directory, `${index}-${path.basename(item.text)}.o`);
        const status = await this.#compileForLink(line, item, object);
        if (status !== 0) return status;
        items.push({ kind: 'file', text: object });
      }
      const module = path.join(directory, 'module.wasm');
      const link = this.#linkArguments(line, items, directory);
      const { status } = await run(this.compiler.clang, [...link, '-o', module]);
      if (status !== 0) return status;
      const { instrumentLinked } = await import('./linked-module.ts');
      const bytes = await instrumentLinked(new Uint8Array(readFileSync(module)), line.access);
      writeExecutable(line.output ?? 'a.out', bytes, this.#starter);
      return 0;
    });
  }

  #compileForLink(line: CommandLine, { text, language }: LinkItem, object: string): Promise<number> {
    const flags = withoutDepfiles(line.flags);
    const source = [...(language === undefined ? [] : ['-x', language]), text];
    const own: CommandLine = {
      action: 'compile',
      flags: [...flags, '-c'],
      all: [...flags, '-c', ...source, '-o', object],
      items: [{ kind: 'source', text }],
      output: object,
      access: false,
    };
    return text === '-'
      ? run(this.compiler.clang, this.#arguments(own)).then((end) => end.status)
      : this.#compile(own);
  }

  #linkArguments(line: CommandLine, items: readonly LinkItem[], directory: string): string[] {
    const { sysroot } = this.compiler;
    const has = librariesOf(sysroot);
    const { builtins } = sysroot;
    const bare = items.some(
      ({ kind, text }) => kind === 'driver' && /^-(?:nostdlib|nodefaultlibs)$/.test(text),
    );
    const throws = this.cxx && hasExceptions(line.flags);
    const runtime = ['program', 'wasi', ...(throws ? ['exceptions'] : [])];
    return [
      ...this.#base(),
      '-mexec-model=reactor',
      '--no-wasm-opt',
      ...(builtins === null ? [] : ['-nodefaultlibs']),
      ...[...wasiProgramArguments(), `-zstack-size=${NATIVE_STACK}`].flatMap((arg) => ['-Xlinker', arg]),
      ...items.flatMap((item) => linkWords(item, directory)),
      ...runtime.map((name) => path.join(runtimeDirectory(), `heapline-${name}.o`)),
      ...(has('setjmp') ? ['-lsetjmp'] : []),
      ...emulationLibraries(has),
      ...(this.cxx ? cxxLibraryArguments(sysroot) : []),
      ...(builtins === null || bare ? [] : [...(this.cxx ? ['-lc++', '-lc++abi'] : []), '-lc', builtins]),
    ].filter((arg) => arg !== '--no-wasm-opt' || this.compiler.major >= 20);
  }
}

/** Bytes of stack that a native program usually has. */
const NATIVE_STACK = 8 * 2 ** 20;
/** Headers of Unix that wasi-libc lacks, and those that it cuts short. */
const UNIX_HEADERS = path.join(packageDirectory ?? '', 'csrc', 'posix', 'include');
const CXX = /\.(?:cc|cp|cpp|cxx|c\+\+|C|CC|CPP|CXX|ii)$/;
/** Options that write further files or whose result depends on what the cache does not see. */
const UNCACHED =
  /^-(?:save-temps|MJ|ftime-trace|fmodules|include-pch|emit-|E$|S$|M$|MM$|fsyntax-only|###|v$|Wp,)/;

/** Words of a link for an item. An archive without an index gets one in a copy. */
function linkWords({ kind, text }: LinkItem, directory: string): string[] {
  if (kind === 'linker') return ['-Xlinker', text];
  return [kind === 'file' ? indexed(text, directory) : text];
}

function indexed(file: string, directory: string): string {
  if (!/\.(?:a|lib)$/.test(file) || !isFile(file)) return file;
  const bytes = readFileSync(file);
  if (!isArchive(bytes)) return file;
  const archive = readArchive(bytes, file);
  if (archive.indexed) return file;
  const copy = path.join(directory, `${hashOf(path.resolve(file))}-${path.basename(file)}`);
  writeFileSync(copy, writeArchive(archive.members));
  return copy;
}

/** Variables that change what clang reads. */
function environmentKey(): string {
  const names = [
    'CPATH',
    'C_INCLUDE_PATH',
    'CPLUS_INCLUDE_PATH',
    'SOURCE_DATE_EPOCH',
    'CCC_OVERRIDE_OPTIONS',
  ];
  return names.map((name) => process.env[name] ?? '').join('\0');
}

/** The dependency file that a compilation writes; null when it writes none. */
function depfileOf(flags: readonly string[], object: string): string | null {
  if (!flags.some((flag) => flag === '-MD' || flag === '-MMD')) return null;
  const at = flags.findLastIndex((flag) => flag.startsWith('-MF'));
  if (at < 0) return `${object.replace(/\.[^./]*$/, '')}.d`;
  return flags[at] === '-MF' ? (flags[at + 1] ?? null) : flags[at]!.slice(3);
}

/** Files that options name and that clang's list of headers lacks. */
function namedInputs(flags: readonly string[]): string[] {
  const files: string[] = [];
  flags.forEach((flag, index) => {
    const value = flags[index + 1];
    if ((flag === '-include' || flag === '-imacros') && value !== undefined && isFile(value)) {
      files.push(path.resolve(value));
    }
  });
  return files;
}

/**
 * The headers in the list that clang writes: one a line, after dots that show how deep it is included. On Windows, clang
 * ends lines as that system does.
 */
export function headersIn(file: string): string[] {
  if (!isFile(file)) return [];
  const lines = readFileSync(file, 'utf8').split(/\r?\n/);
  return lines
    .map((each) => each.replace(/^\.+ /, ''))
    .filter((each) => each !== '')
    .map((each) => path.resolve(each));
}

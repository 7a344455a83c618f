// The driver for @yowasp/clang: clang and wasm-ld as WebAssembly, so that nothing has to be installed. Loading the
// compiler takes more than a second, so a separate thread loads it at the first cache miss (embedded-threads.ts). The
// compiler runs over a file system in memory. The caller's files are put under a prefix there, because the compiler's
// own headers live in /usr. The prefix is taken off again in DWARF, diagnostics and dependencies.
//
// Outputs are read from standard output, because the compiler's in-memory files copy themselves whole at every write.
// This cost is quadratic: sqlite3.o took more than ten minutes instead of seconds.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ToolchainError } from '../errors.ts';
import { isFile } from '../node/file-kinds.ts';
import { type Cache, hashOf } from './cache.ts';
import { parseDepfile } from './depfile.ts';
import { compileError, linkError, noObjectError } from './diagnostics.ts';
import { CompilerThreads, type JobResult, type Tree, threadLimit } from './embedded-threads.ts';
import { commonFlags, emulationFlags, emulationLibraries, SETJMP_FLAGS, wasiCxxFlags } from './flags.ts';
import { collectFiles } from './includes.ts';
import { type LinkJob, type LinkResult, WASI_LINK_IDENTITY, wasiLinkArguments } from './link.ts';
import { TEXT_FLAGS } from './marks.ts';
import { missingHeaderError } from './missing-headers.ts';
import { isCxx, mapPathFlags } from './options.ts';
import type { CompiledObject, Toolchain } from './toolchain.ts';

/** Where the caller's files appear in the compiler's file system. */
const PREFIX = '/@heapline';
const DEPFILE = 'heapline.d';

/** `/a/b.c` as `/@heapline/a/b.c`, and `C:\a\b.c` as `/@heapline/C:/a/b.c`. */
function toVirtual(file: string): string {
  const slashes = path.sep === '\\' ? file.replaceAll('\\', '/') : file;
  return slashes.startsWith('/') ? PREFIX + slashes : `${PREFIX}/${slashes}`;
}

function fromVirtual(file: string): string | null {
  if (!file.startsWith(`${PREFIX}/`)) return null;
  const rest = file.slice(PREFIX.length);
  return /^\/[A-Za-z]:\//.test(rest) ? rest.slice(1) : rest;
}

/** Removes the prefix wherever it occurs in a tool's output. */
function withoutPrefix(output: string): string {
  return output.replaceAll(/\/@heapline(\/[A-Za-z]:\/)?/g, (_, drive?: string) => drive?.slice(1) ?? '');
}

function treeOf(files: Iterable<readonly [string, Uint8Array]>): Tree {
  const root: Tree = {};
  for (const [file, bytes] of files) {
    const names = file.split('/').filter((name) => name !== '');
    const last = names.pop();
    if (last === undefined) continue;
    let directory = root;
    for (const name of names) {
      const next = directory[name];
      if (typeof next === 'object' && !(next instanceof Uint8Array)) {
        directory = next;
      } else {
        const created: Tree = {};
        directory[name] = created;
        directory = created;
      }
    }
    directory[last] = bytes;
  }
  return root;
}

/** The command that the driver would run, read from its output with `-###`. */
export function parseDriverCommand(output: string): string[] | null {
  for (const line of output.split('\n')) {
    if (!line.startsWith(' "')) continue;
    const words = [...line.matchAll(/ "((?:[^"\\]|\\.)*)"/g)].map((match) =>
      match[1]!.replaceAll(/\\(["\\$])/g, '$1'),
    );
    if (words[0] === '') words.shift();
    return words;
  }
  return null;
}

/** Flags that a compiler's driver does not pass on to the linker. Here no driver stands between. */
const COMPILER_FLAG = /^-(?:[fgDIUW]|std=|pipe|m(?!$|llvm))/;
const NEEDS_SETJMP = /Setjmp\/longjmp support requires Exception handling/;

const linkDirectories = (link: readonly string[]): string[] =>
  link.filter((item) => item.startsWith('-L')).map((item) => item.slice(2));

function archiveIn(directories: readonly string[], library: string): string | undefined {
  return directories.map((directory) => path.join(directory, `lib${library}.a`)).find(isFile);
}

class EmbeddedToolchain implements Toolchain {
  readonly name = 'embedded';
  readonly target = 'wasi';
  readonly linkIdentity = WASI_LINK_IDENTITY;
  readonly version: string;
  readonly identity: string;
  readonly #threads: CompilerThreads;
  readonly #cache: Cache;

  constructor(threads: CompilerThreads, version: string, cache: Cache) {
    this.#threads = threads;
    this.version = `@yowasp/clang ${version}`;
    this.identity = `embedded ${version}`;
    this.#cache = cache;
  }

  get parallel(): number {
    return threadLimit();
  }

  #run(args: string[], files: Tree, output?: string): Promise<JobResult> {
    return this.#threads.run({ args, files, ...(output === undefined ? {} : { output }) });
  }

  async compile(source: string, flags: readonly string[]): Promise<CompiledObject> {
    const files = collectFiles(source, flags, toVirtual);
    const plain = await this.#compileOnce(source, flags, files);
    if (plain.ok) return plain.result;
    if (!NEEDS_SETJMP.test(plain.output)) {
      throw missingHeaderError(this.name, plain.output) ?? compileError(source, plain.output);
    }
    const again = await this.#compileOnce(source, [...flags, ...SETJMP_FLAGS], files);
    if (!again.ok) throw compileError(source, again.output);
    return { ...again.result, setjmp: true };
  }

  async missingHeader(source: string, flags: readonly string[]): Promise<ToolchainError | null> {
    const files = collectFiles(source, flags, toVirtual);
    const command = await this.#command(source, flags, ['-M', toVirtual(source)]);
    const { ok, stderr } = await this.#run(command, treeOf(files));
    return ok ? null : missingHeaderError(this.name, withoutPrefix(stderr));
  }

  async toText(source: string, flags: readonly string[]): Promise<string | null> {
    const tree = treeOf(collectFiles(source, flags, toVirtual));
    const text = async (more: readonly string[]): Promise<JobResult> =>
      this.#run(
        await this.#command(source, [...flags, ...more], [...TEXT_FLAGS, toVirtual(source), '-o', '-']),
        tree,
      );
    let result = await text([]);
    if (!result.ok && NEEDS_SETJMP.test(result.stderr)) result = await text(SETJMP_FLAGS);
    return result.ok ? Buffer.from(result.stdout).toString() : null;
  }

  /** The command of the compiler proper. `mode` says what the compiler is to do, and names the source. */
  #command(source: string, flags: readonly string[], mode: readonly string[]): Promise<string[]> {
    const virtual = toVirtual(source);
    const prefixes = process.platform === 'win32' ? `${PREFIX}/=` : `${PREFIX}=`;
    return this.#frontEndCommand(virtual, [
      isCxx(source) ? 'clang++' : 'clang',
      ...commonFlags(virtual),
      ...emulationFlags(),
      ...(isCxx(source) ? wasiCxxFlags(flags) : []),
      `-ffile-prefix-map=${prefixes}`,
      ...mapPathFlags(flags, (value) => (path.isAbsolute(value) ? toVirtual(value) : value)),
      ...mode,
    ]);
  }

  async #compileOnce(
    source: string,
    flags: readonly string[],
    files: ReadonlyMap<string, Uint8Array>,
  ): Promise<{ ok: true; result: CompiledObject } | { ok: false; output: string }> {
    const virtual = toVirtual(source);
    const compiling = ['-MD', '-MF', `/${DEPFILE}`, '-c', virtual, '-o', '-'];
    const command = await this.#command(source, flags, compiling);
    const result = await this.#run(command, treeOf(files), DEPFILE);
    const output = withoutPrefix(result.stderr);
    if (!result.ok) return { ok: false, output };
    if (result.stdout.length === 0) throw noObjectError(source, flags);
    const read = result.output === null ? [] : parseDepfile(Buffer.from(result.output).toString());
    const inputs = new Set([source]);
    for (const file of read) {
      const real = fromVirtual(file);
      if (real !== null) inputs.add(path.normalize(real));
    }
    return {
      ok: true,
      result: { object: result.stdout, inputs: [...inputs], setjmp: false, output },
    };
  }

  // The driver cannot start processes itself, so it is asked which command it would run, and that command is run. The
  // answer depends only on the arguments, so the driver is asked once and not each time the source has changed.
  async #frontEndCommand(virtual: string, args: string[]): Promise<string[]> {
    const key = hashOf('driver', this.identity, JSON.stringify(args));
    const what = `front end's command of ${virtual}`;
    const known = this.#cache.find(key, what)?.meta;
    if (Array.isArray(known)) return known as string[];
    const [name, ...rest] = args;
    const answer = await this.#run([name!, '-###', ...rest], treeOf([[virtual, new Uint8Array()]]));
    const command = parseDriverCommand(answer.stderr + Buffer.from(answer.stdout).toString());
    if (!answer.ok || command === null)
      throw compileError(withoutPrefix(virtual), withoutPrefix(answer.stderr));
    this.#cache.store(key, what, [], { meta: command, blobs: {} });
    return command;
  }

  async link(job: LinkJob): Promise<LinkResult> {
    const files: [string, Uint8Array][] = [['/heapline/runtime.o', job.runtime]];
    const objects = job.objects.map((object, index) => {
      const file = `/heapline/${index}/${path.basename(object.source)}.o`;
      files.push([file, object.bytes]);
      return file;
    });
    if (job.exceptions !== null) files.push(['/heapline/exceptions.o', job.exceptions]);
    // Flags, files and libraries keep their order, because flags such as --whole-archive are for what follows them.
    const directories = linkDirectories(job.link);
    const extra: string[] = [];
    for (const item of job.link) {
      if (item.startsWith('-L') || (!item.startsWith('-Wl,') && COMPILER_FLAG.test(item))) continue;
      for (const word of item.startsWith('-Wl,') ? item.slice(4).split(',') : [item]) {
        // A library of the caller's is looked up here, because the in-memory file system lacks its directory.
        const file = /^-l./.test(word) ? archiveIn(directories, word.slice(2)) : word;
        if (file === undefined || (word === file && (item !== word || word.startsWith('-'))))
          extra.push(word);
        else {
          files.push([toVirtual(file), readFileSync(file)]);
          extra.push(toVirtual(file));
        }
      }
    }
    const cxx = job.objects.some((object) => isCxx(object.source));
    const result = await this.#run(
      [
        'wasm-ld',
        '-m',
        'wasm32',
        '-L/usr/lib/wasm32-wasip1',
        '/usr/lib/wasm32-wasip1/crt1-reactor.o',
        '--entry',
        '_initialize',
        ...objects,
        '/heapline/runtime.o',
        ...(job.exceptions === null ? [] : ['/heapline/exceptions.o']),
        ...wasiLinkArguments(job),
        ...extra,
        ...(cxx ? ['-lc++', '-lc++abi'] : []),
        ...(job.exceptions !== null || job.objects.some((object) => object.setjmp) ? ['-lsetjmp'] : []),
        ...emulationLibraries(),
        '-lc',
        '/usr/lib/wasm32-unknown-wasip1/libclang_rt.builtins.a',
        '-o',
        '-',
      ],
      treeOf(files),
    );
    if (!result.ok) throw linkError(withoutPrefix(result.stderr));
    return { wasm: result.stdout, glue: null, output: withoutPrefix(result.stderr) };
  }
}

/** One for the whole process, so that compilations shortly after each other find the compiler loaded. */
let threads: CompilerThreads | undefined;

/** The embedded toolchain. Throws a ToolchainError when its package is missing. The compiler is not loaded yet. */
export function openEmbedded(cache: Cache): Toolchain {
  try {
    const entry = createRequire(import.meta.url).resolve('@yowasp/clang');
    const manifest = path.join(path.dirname(entry), '..', 'package.json');
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
    threads ??= new CompilerThreads(pathToFileURL(entry));
    return new EmbeddedToolchain(threads, version, cache);
  } catch (cause) {
    throw new ToolchainError(
      'embedded',
      'The embedded compiler is missing: install the npm package @yowasp/clang (it is a dependency of heapline).',
      { cause },
    );
  }
}

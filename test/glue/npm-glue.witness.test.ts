// The host of Emscripten's glue under glue that other versions of Emscripten wrote. npm packages contain it, with the
// programs that belong to it. The programs have no runtime of Heapline's: this is a test of the host alone.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { UnsupportedModuleError } from '../../src/errors.ts';
import { openEmscriptenGuest } from '../../src/glue/index.ts';
import { EventLoop, exitSignalOf, Gate, type Guest, Input, Output } from '../../src/host/index.ts';
import type { RuntimeImports } from '../../src/runtime/index.ts';
import { fetchPackages } from '../corpora/fetch.mjs';
import packages from './packages.json' with { type: 'json' };

let directory: string;
beforeAll(async () => {
  directory = await fetchPackages('glue', packages);
});

/** What tells the generations of glue apart. */
const TRAITS = {
  quit: /Module\[["']quit["']\]/,
  asynchronous: /async function\(moduleArg/,
  wasmImports: /\bwasmImports\b/,
  scriptName: /\b_scriptName\b/,
  globalThisWindow: /globalThis\.window/,
} as const;
type Trait = keyof typeof TRAITS;

interface Package {
  readonly folder: keyof typeof packages;
  /** Path of its files, without `.js` and `.wasm`. */
  readonly script: string;
  readonly wasm?: string;
  /** The versions of Emscripten that write such glue. */
  readonly versions: string;
  readonly traits: readonly Trait[];
}

const OLD_7Z: Package = {
  folder: '7z-wasm-1.0',
  script: '7zz.umd.js',
  wasm: '7zz.wasm',
  versions: '2.0 to 3.1.5',
  traits: ['quit'],
};
const LIBARCHIVE: Package = {
  folder: 'libarchive-wasm',
  script: 'src/libarchive.js',
  versions: '3.1.44 to 3.1.57',
  traits: ['quit', 'wasmImports'],
};
const OLD_CLINGO: Package = {
  folder: 'clingo-wasm-0.3',
  script: 'src/clingo.js',
  versions: '3.1.61 to 3.1.64',
  traits: ['quit', 'wasmImports', 'scriptName'],
};
const NEW_7Z: Package = {
  folder: '7z-wasm-1.2',
  script: '7zz.umd.js',
  wasm: '7zz.wasm',
  versions: '4.0',
  traits: ['asynchronous', 'wasmImports', 'scriptName'],
};
const NEW_CLINGO: Package = {
  folder: 'clingo-wasm-0.5',
  script: 'src/clingo.js',
  versions: '5.0 and later',
  traits: ['asynchronous', 'wasmImports', 'scriptName', 'globalThisWindow'],
};
const GENERATIONS = [OLD_7Z, LIBARCHIVE, OLD_CLINGO, NEW_7Z, NEW_CLINGO];

const glueOf = ({ folder, script }: Package): string => readFileSync(join(directory, folder, script), 'utf8');

/** The same glue with the two parts that -sEXPORTED_RUNTIME_METHODS=FS,ENV exports. */
function exporting(glue: string): string {
  const parts = 'for(const[n,value]of[["FS",FS],["ENV",ENV]])Object.defineProperty(Module,n,{value})';
  const exported = glue.replace(/function preRun\(\) ?\{/, (start) => `${start}${parts};`);
  expect(exported).not.toBe(glue);
  return exported;
}

interface Opened {
  readonly guest: Guest;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly gate: Gate;
  /** What the glue exports. */
  readonly module: Record<string, unknown> & { ccall: (...args: unknown[]) => unknown };
}

interface Given {
  readonly args?: readonly string[];
  readonly stdin?: string;
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

/** Opens a guest as a sandbox does it. @param glue in place of the package's text */
async function open(
  from: Package,
  { args = [], stdin = '', files = {} }: Given,
  glue = exporting(glueOf(from)),
) {
  const wasm = from.wasm ?? from.script.replace(/js$/, 'wasm');
  const module = new WebAssembly.Module(readFileSync(join(directory, from.folder, wasm)));
  const [stdout, stderr] = [new Output(), new Output()];
  const gate = new Gate((error) => error);
  const guest = await openEmscriptenGuest(
    module,
    glue,
    {
      args,
      programName: 'program',
      env: { WHO: 'me' },
      stdin: new Input(Buffer.from(stdin)),
      files: new Map(Object.entries(files).map(([path, contents]) => [path, Buffer.from(contents)])),
      stdout,
      stderr,
      imports: {},
      instantiated() {},
    },
    {} as RuntimeImports,
    gate,
    new EventLoop({ read: (error) => error, report: undefined }),
  );
  return { guest, stdout, stderr, gate, module: (guest as unknown as Opened).module } satisfies Opened;
}

const written = (output: Output): string => Buffer.from(output.bytes()).toString();

/** Runs main. @returns the status, whichever way the program ended, and how often main was seen to return */
async function run(from: Package, given: Given) {
  const opened = await open(from, given);
  let returned = 0;
  let status: number;
  try {
    status = opened.guest.runMain(() => returned++);
  } catch (error) {
    const signal = exitSignalOf(error);
    if (signal === null) throw error;
    status = signal.exitCode;
  }
  return { ...opened, status, returned, out: written(opened.stdout), err: written(opened.stderr) };
}

describe.each(GENERATIONS)('$folder, glue of Emscripten $versions', (from) => {
  it('is of its generation', () => {
    const glue = glueOf(from);
    const found = (Object.keys(TRAITS) as Trait[]).filter((trait) => TRAITS[trait].test(glue));
    expect(found.sort()).toEqual([...from.traits].sort());
  });

  it('starts with the environment and the files that it was given, and with no others', async () => {
    const { guest, module, gate } = await open(from, { files: { '/in/deep/file': 'contents' } });
    expect(Buffer.from(guest.readFile('/in/deep/file')!).toString()).toBe('contents');
    expect(guest.readFile('/etc/passwd')).toBeNull();
    const environment = Object.entries(module.ENV as object).filter(([, value]) => value !== undefined);
    expect(environment).toEqual([['WHO', 'me']]);
    expect(guest.memory).toBeInstanceOf(WebAssembly.Memory);
    expect(gate.entry).toBeNull();
  });

  it('is rejected, with what it lacks, as it was published', async () => {
    const error = await open(from, {}, glueOf(from)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnsupportedModuleError);
    const lacks = from === NEW_7Z ? 'its environment' : 'its file system';
    expect((error as Error).message).toMatch(
      new RegExp(`does not give ${lacks}: link with .*-sEXPORTED_RUNTIME_METHODS=FS,ENV`),
    );
  });
});

describe('programs', () => {
  const text = 'first line\nlast line\n'.repeat(500);

  it.each([OLD_7Z, NEW_7Z])('of $folder run with arguments, files and both kinds of status', async (from) => {
    const packed = await run(from, { args: ['a', '/made.7z', '/in/text'], files: { '/in/text': text } });
    expect(packed).toMatchObject({ status: 0, returned: 1, err: '' });
    expect(packed.out).toContain('Everything is Ok');
    const archive = packed.guest.readFile('/made.7z')!;
    expect(Buffer.from(archive.subarray(0, 2)).toString()).toBe('7z');

    // Through standard output, byte for byte.
    const unpacked = await run(from, { args: ['e', '-so', '/made.7z'], files: { '/made.7z': archive } });
    expect(unpacked).toMatchObject({ status: 0, out: text });

    // Errors of the program are not errors of the host.
    const failed = await run(from, { args: ['t', '/bad.7z'], files: { '/bad.7z': text } });
    expect(failed).toMatchObject({ status: 2, err: expect.stringMatching(/bad\.7z/) });
  });

  it('of 7z-wasm read standard input', async () => {
    const packed = await run(NEW_7Z, { args: ['a', '-siname', '/made.7z'], stdin: text });
    expect(packed.status).toBe(0);
    const files = { '/made.7z': packed.guest.readFile('/made.7z')! };
    expect((await run(OLD_7Z, { args: ['e', '-so', '/made.7z'], files })).out).toBe(text);
  });

  it.each([OLD_CLINGO, NEW_CLINGO])('of $folder, a library, print by ccall', async (from) => {
    const { module, stdout, stderr, gate } = await open(from, {});
    const solve = (program: string): unknown =>
      module.ccall('run', 'number', ['string', 'string'], [program, '--outf=2 0']);
    try {
      solve('{a; b}. :- a, b. #show a/0.');
    } catch (error) {
      expect(exitSignalOf(error)).not.toBeNull();
    }
    const { Models: models, Result: result } = JSON.parse(written(stdout));
    expect([models.Number, result]).toEqual([3, 'SATISFIABLE']);
    expect(gate.entry).toBeNull();
    expect(written(stderr)).toBe('');
  });

  it('of libarchive-wasm, a library, work by cwrap', async () => {
    const made = await run(NEW_7Z, {
      args: ['a', '-ttar', '/made.tar', '/in/text'],
      files: { '/in/text': text },
    });
    const archive = made.guest.readFile('/made.tar')!;
    const { module } = await open(LIBARCHIVE, {});
    const { _malloc: malloc } = module as unknown as { _malloc(size: number): number };
    const call = (name: string, result: string, ...args: number[]): unknown =>
      (module.cwrap as (...of: unknown[]) => (...args: number[]) => unknown)(
        `archive_${name}`,
        result,
        args.map(() => 'number'),
      )(...args);
    const block = malloc(archive.length);
    (module.HEAP8 as Int8Array).set(archive, block);
    const reader = call('read_new', 'number') as number;
    call('read_support_filter_all', 'number', reader);
    call('read_support_format_all', 'number', reader);
    expect(call('read_open_memory', 'number', reader, block, archive.length)).toBe(0);
    const entry = call('read_next_entry', 'number', reader) as number;
    expect(call('entry_pathname_utf8', 'string', entry)).toBe('text');
    expect(call('entry_size', 'number', entry)).toBe(text.length);
    expect(call('read_free', 'number', reader)).toBe(0);
  });
});

describe('glue that cannot be used is rejected with the reason', () => {
  it.each<[string, Package, RegExp]>([
    [
      'closure has shortened the names in its file system',
      { folder: 'jspawn-qpdf', script: 'qpdf.js', versions: '3.1', traits: [] },
      /whose functions have shortened names: link it without --closure/,
    ],
    [
      'it takes no instance',
      { folder: 'neslinesli93-qpdf', script: 'dist/qpdf.js', versions: '3.1.61 to 3.1.74', traits: [] },
      /does not call instantiateWasm: link with instantiateWasm among -sINCOMING_MODULE_JS_API/,
    ],
    [
      'it starts its module itself',
      { folder: 'jq-web', script: 'jq.js', versions: '4.0', traits: [] },
      /does not define a module factory: link with -sMODULARIZE=1/,
    ],
    [
      'it uses the file system of Node.js',
      { folder: 'magic', script: 'dist/magic-js.js', versions: '3.1.44 to 3.1.57', traits: [] },
      /uses the file system of Node\.js itself.*link without -sNODERAWFS/,
    ],
  ])('%s', async (_, from, message) => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const error = await open(from, {}, glueOf(from)).catch((reason: unknown) => reason);
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('unhandledRejection', note);
    expect(error).toBeInstanceOf(UnsupportedModuleError);
    expect((error as Error).message).toMatch(message);
    expect(unhandled).toEqual([]);
  });
});

// Compiles csrc/ into heapline-wasi.o, heapline-emscripten.o, heapline-recorder.o (for modules that keep their own
// allocator), heapline-exceptions.o (C++ exceptions for WASI), heapline-program.o (csrc/posix/, for programs of
// `heapline cc`) and libheapline.a (the runtime for Rust). The embedded
// compiler compiles them, so that they are the same wherever they are built. Old linkers must accept them: they use the MVP
// instruction set plus bulk memory and sign extension, and their target_features section names nothing newer than those
// and what C++ exceptions need.
//
// Usage: node scripts/build-runtime.mjs [--out DIR] [--hooks] [--debug LEVEL] [--clang COMMAND]
//   --out DIR        where to write them; wasm/ when it is not given, which is what the package ships
//   --hooks          with the hooks of tests (HL_TEST and HL_TEST_IMPORT in csrc/interface.h); writes links to the objects
//                    in wasm/ that have no hooks
//   --debug LEVEL    with assertions (csrc/debug.h); implies --hooks
//   --clang COMMAND  with --hooks: a clang of this machine compiles them, which is five times as fast
// HEAPLINE_RUNTIME=DIR makes loadC() and `heapline` link the objects in DIR instead of the package's.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runLLVM } from '@yowasp/clang';

// V8 would spend more time on optimising the compiler than it saves with files as small as these.
setFlagsFromString('--wasm-tiering-budget=200000000');

const { values: options } = parseArgs({
  options: {
    out: { type: 'string' },
    hooks: { type: 'boolean' },
    debug: { type: 'string' },
    clang: { type: 'string' },
  },
});
const shippedObjects = new URL('../wasm/', import.meta.url);
const out =
  options.out === undefined ? shippedObjects : new URL(`${options.out}/`, `file://${process.cwd()}/`);
const debug = options.debug ?? '0';
if (!/^[0-3]$/.test(debug)) {
  console.error(`--debug takes a level from 0 to 3, not ${debug}`);
  process.exit(2);
}
const hooks = options.hooks === true || debug !== '0';
if (hooks && options.out === undefined) {
  console.error('--hooks and --debug need --out: wasm/ has the objects that are shipped');
  process.exit(2);
}
if (options.clang !== undefined && !hooks) {
  console.error('--clang needs --hooks: the embedded compiler compiles what is shipped');
  process.exit(2);
}

/** The sources in a folder, as the tree that the compiler takes. */
function sourcesIn(folder) {
  const entries = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return [[entry.name, sourcesIn(new URL(`${entry.name}/`, folder))]];
    const isSource = /\.(?:c|h|cc)$/.test(entry.name);
    return isSource ? [[entry.name, readFileSync(new URL(entry.name, folder), 'utf8')]] : [];
  });
  return Object.fromEntries(entries);
}
const files = {
  ...sourcesIn(new URL('../csrc/', import.meta.url)),
  ...sourcesIn(new URL('../include/', import.meta.url)),
};

const warnings = ['-Wall', '-Wextra', '-Werror'];
const instructions = ['-mcpu=mvp', '-mbulk-memory', '-msign-ext', '-mmutable-globals'];
const runtime = [
  ...['clang', '-c', 'heapline.c', '-O3', '-g0', '-std=c17', '-ffreestanding', '-fno-builtin', '-fno-ident'],
  ...warnings,
  // A function or variable that is neither static nor declared in csrc/interface.h is an error.
  ...['-Wmissing-prototypes', '-Wmissing-variable-declarations'],
  ...instructions,
  ...(hooks ? ['-DHL_TEST_HOOKS=1'] : []),
  ...(debug === '0' ? [] : [`-DHL_DEBUG=${debug}`]),
];
const objects = {
  wasi: [...runtime, '--target=wasm32-unknown-wasip1'],
  emscripten: [...runtime, '--target=wasm32-unknown-emscripten'],
  // The assertions of higher levels look at Heapline's own heap.
  recorder: [
    ...runtime.map((word) =>
      word === 'heapline.c' ? 'recorder.c' : word.replace(/^-DHL_DEBUG=.*/, '-DHL_DEBUG=1'),
    ),
    ...['-DHL_RECORDER', '--target=wasm32-unknown-wasip1'],
  ],
  program: [
    ...['clang', '-c', 'posix/program.c', '-O2', '-g0', '-std=gnu17', '-fno-builtin', '-fno-ident'],
    ...[
      '-D_GNU_SOURCE',
      '-D_WASI_EMULATED_MMAN',
      '-D_WASI_EMULATED_SIGNAL',
      '-D_WASI_EMULATED_PROCESS_CLOCKS',
      '-D_WASI_EMULATED_GETPID',
    ],
    // <setjmp.h> asks for it. Nothing in there jumps.
    ...['-mllvm', '-wasm-enable-sjlj'],
    ...['-isystem', 'posix/include'],
    ...warnings,
    ...instructions,
    '--target=wasm32-unknown-wasip1',
  ],
  rust: [
    ...['clang', '-c', 'rust.c', '-O2', '-g0', '-std=c17', '-ffreestanding', '-fno-builtin', '-fno-ident'],
    ...warnings,
    ...instructions,
    '--target=wasm32-unknown-wasip1',
  ],
  exceptions: [
    ...['clang++', '-c', 'exceptions.cc', '-O2', '-g0', '-std=c++17', '-fwasm-exceptions', '-fno-ident'],
    ...warnings,
    ...instructions,
    '--target=wasm32-unknown-wasip1',
  ],
};

// Old linkers and wasm-opt reject features that they do not know: clang 22 splits bulk memory into two names.
const knownFeatures = ['bulk-memory', 'mutable-globals', 'sign-ext'];
const featuresOf = { exceptions: ['exception-handling'] };

function leb(value) {
  const bytes = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>>= 7;
  } while (value);
  return bytes;
}

/** Replaces the object's target_features section (Tool Conventions, "Target Features Section"). */
function withFeatures(object, features) {
  const text = (string) => [...leb(string.length), ...Buffer.from(string)];
  const payload = [
    ...text('target_features'),
    ...leb(features.length),
    ...features.flatMap((name) => [0x2b /* '+': used */, ...text(name)]),
  ];
  const sections = [object.subarray(0, 8)];
  for (let at = 8; at < object.length; ) {
    const start = at;
    const id = object[at++];
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = object[at++];
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const end = at + size;
    const name = id === 0 ? Buffer.from(object.subarray(at + 1, at + 1 + object[at])).toString() : '';
    if (name !== 'target_features') sections.push(object.subarray(start, end));
    at = end;
  }
  sections.push(Uint8Array.from([0, ...leb(payload.length), ...payload]));
  return Buffer.concat(sections);
}

/** Runs one command of the embedded compiler and returns the file that it writes. */
async function written(command, inputs, output) {
  const messages = [];
  const collect = (bytes) => bytes && messages.push(Buffer.from(bytes));
  try {
    const result = await runLLVM(command, inputs, {
      stdout: collect,
      stderr: collect,
      fetchProgress: () => {},
    });
    return result[output];
  } catch (error) {
    // The error carries all files that the compiler received; only the compiler's messages help.
    console.error(Buffer.concat(messages).toString() || String(error));
    process.exit(1);
  }
}

function write(file, bytes) {
  writeFileSync(new URL(file, out), bytes);
  console.log(`${options.out ?? 'wasm'}/${file}  ${bytes.length} bytes`);
}

/** Compiles a source of csrc/ with a clang of this machine. */
function writtenBy(clang, [, ...args]) {
  const file = fileURLToPath(new URL('compiling.o', out));
  const { status, stderr } = spawnSync(clang, [...args, '-I', '../include', '-o', file], {
    cwd: fileURLToPath(new URL('../csrc/', import.meta.url)),
    encoding: 'utf8',
  });
  if (status !== 0) {
    console.error(stderr);
    process.exit(1);
  }
  const object = readFileSync(file);
  rmSync(file);
  return object;
}

async function compiled(name) {
  const object =
    options.clang === undefined
      ? await written([...objects[name], '-o', 'heapline.o'], files, 'heapline.o')
      : writtenBy(options.clang, objects[name]);
  return withFeatures(object, [...knownFeatures, ...(featuresOf[name] ?? [])]);
}

mkdirSync(out, { recursive: true });
const HOOKED = ['wasi', 'emscripten', 'recorder'];
if (hooks) {
  for (const name of HOOKED) write(`heapline-${name}.o`, await compiled(name));
  for (const file of ['heapline-program.o', 'heapline-exceptions.o', 'libheapline.a'])
    symlinkSync(fileURLToPath(new URL(file, shippedObjects)), new URL(file, out));
} else {
  const built = {};
  for (const name of Object.keys(objects)) built[`heapline-${name}.o`] = await compiled(name);
  const inArchive = ['heapline-wasi.o', 'heapline-rust.o'];
  const archive = await written(['llvm-ar', 'rcsD', 'libheapline.a', ...inArchive], built, 'libheapline.a');
  const { 'heapline-rust.o': _, ...shipped } = built;
  for (const [file, object] of Object.entries(shipped)) write(file, object);
  write('libheapline.a', archive);
}

// Compiles csrc/ into wasm/heapline-wasi.o, wasm/heapline-emscripten.o and wasm/heapline-exceptions.o (C++ exceptions
// for WASI) with the embedded compiler, so that the objects are the same wherever they are built. Old linkers must accept
// them: the MVP instruction set plus bulk memory and sign extension, and a target_features section that names nothing
// newer than those and what C++ exceptions need.
// Usage: node scripts/build-runtime.mjs [--out DIR]

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { runLLVM } from '@yowasp/clang';

const out = process.argv.includes('--out')
  ? new URL(`${process.argv[process.argv.indexOf('--out') + 1]}/`, `file://${process.cwd()}/`)
  : new URL('../wasm/', import.meta.url);
const source = new URL('../csrc/', import.meta.url);
const files = Object.fromEntries(
  readdirSync(source)
    .filter((name) => /\.(?:c|h|cc)$/.test(name))
    .map((name) => [name, readFileSync(new URL(name, source), 'utf8')]),
);

const warnings = ['-Wall', '-Wextra', '-Werror'];
const instructions = ['-mcpu=mvp', '-mbulk-memory', '-msign-ext', '-mmutable-globals'];
const runtime = [
  ...['clang', '-c', 'heapline.c', '-O3', '-g0', '-std=c17', '-ffreestanding', '-fno-builtin', '-fno-ident'],
  ...warnings,
  ...instructions,
];
const objects = {
  wasi: [...runtime, '--target=wasm32-unknown-wasip1'],
  emscripten: [...runtime, '--target=wasm32-unknown-emscripten'],
  exceptions: [
    ...['clang++', '-c', 'exceptions.cc', '-O2', '-g0', '-std=c++17', '-fwasm-exceptions', '-fno-ident'],
    ...warnings,
    ...instructions,
    '--target=wasm32-unknown-wasip1',
  ],
};

// Old linkers and wasm-opt refuse features they do not know: clang 22 splits bulk memory in two names.
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

mkdirSync(out, { recursive: true });
for (const [name, command] of Object.entries(objects)) {
  const messages = [];
  const collect = (bytes) => bytes && messages.push(Buffer.from(bytes));
  let result;
  try {
    result = await runLLVM([...command, '-o', 'heapline.o'], files, {
      stdout: collect,
      stderr: collect,
      fetchProgress: () => {},
    });
  } catch (error) {
    // The error carries all files that it was given; what the compiler said is what helps.
    console.error(Buffer.concat(messages).toString() || String(error));
    process.exit(1);
  }
  const object = withFeatures(result['heapline.o'], [...knownFeatures, ...(featuresOf[name] ?? [])]);
  const file = new URL(`heapline-${name}.o`, out);
  writeFileSync(file, object);
  console.log(`wasm/heapline-${name}.o  ${object.length} bytes`);
}

// Says what to do with a module that was linked without the runtime. The advice depends on the language of
// its source. The section "producers"
// (https://github.com/WebAssembly/tool-conventions/blob/main/ProducersSection.md) names the language; where
// the section is missing, imports and exports give hints.

import { ByteReader, ExternalKind, type WasmModule } from '../binary/index.ts';

const OF_C =
  'link the program with wasm/heapline-wasi.o or wasm/heapline-emscripten.o (`heapline build` does it, and `heapline link-flags` prints the flags), and export heapline_runtime, heapline_shadow, malloc and free';
const OF_EMSCRIPTEN =
  'Emscripten linked it with an allocator of its own. Link it with wasm/heapline-emscripten.o and -sMALLOC=none, as docs/linking.md says, or let `heapline build --toolchain emscripten` do it';
const OF_RUST =
  "it was compiled from Rust. Link it with Heapline's runtime: cargo rustc … -- $(npx heapline link-flags rust). For wasm32-unknown-unknown, also declare a #[global_allocator] that calls malloc and free; docs/rust.md has one";
const OF_ASSEMBLYSCRIPT =
  'it looks like AssemblyScript, whose runtime has an allocator and a garbage collector of its own and no C malloc. Heapline cannot follow it: it is for languages that allocate with malloc';
const OF_GO =
  'it was compiled from Go, whose garbage collector has a heap of its own. Heapline cannot follow it: use runtime/pprof in the Go program';

/** The names in the producers section, by field (`language`, `processed-by`), up to where it is malformed. */
function producers(module: WasmModule): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  const section = module.customSection('producers');
  if (section === undefined) return fields;
  try {
    const reader = new ByteReader(section);
    for (let left = reader.u32(); left > 0; left--) {
      const names: string[] = [];
      fields.set(reader.name(), names);
      for (let values = reader.u32(); values > 0; values--) {
        names.push(reader.name());
        reader.name(); // version
      }
    }
  } catch {
    // The section is malformed. It is for information only, so the names that were read are enough.
  }
  return fields;
}

/** AssemblyScript writes no producers. Nearly all its modules import `abort(message, file, line, column)`. */
function looksLikeAssemblyScript(module: WasmModule): boolean {
  if (module.exports.some(({ name }) => name === '__rtti_base' || name === '__pin')) return true;
  const abort = module.imports.find(
    ({ module: from, name, kind }) => from === 'env' && name === 'abort' && kind === ExternalKind.Function,
  );
  return abort !== undefined && module.functionType(abort.index).parameters.length === 4;
}

/** Says how to make a module of this program that Heapline can follow. The text is the end of a message. */
export function howToLink(module: WasmModule): string {
  const made = producers(module);
  const languages = made.get('language') ?? [];
  const tools = made.get('processed-by') ?? [];
  if (languages.includes('Rust')) return OF_RUST;
  if (
    languages.includes('Go') ||
    tools.includes('TinyGo') ||
    module.customSection('go:buildid') !== undefined ||
    module.imports.some(({ module: from }) => from === 'gojs' || from === 'go')
  ) {
    return OF_GO;
  }
  const emscripten =
    module.imports.some(({ name }) => name.startsWith('emscripten_')) ||
    module.exports.some(({ name }) => /^_?emscripten_/.test(name));
  if (emscripten) return OF_EMSCRIPTEN;
  if (made.size === 0 && looksLikeAssemblyScript(module)) return OF_ASSEMBLYSCRIPT;
  return OF_C;
}

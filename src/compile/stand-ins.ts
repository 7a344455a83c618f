// Emscripten's JavaScript compiler needs the name of every import, whatever its module. So a small library of stand-ins
// defines the runtime's imports and those that the caller gives. The host passes the real functions.

import type { HostImport } from './link.ts';

/** Emscripten's JavaScript compiler turns import names into variables, so only identifiers work. */
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** The functions that the runtime imports from the host. */
export function runtimeImports(runtime: Uint8Array): HostImport[] {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(runtime as BufferSource));
  return imports.filter(({ module }) => module === 'heapline');
}

export const markOf = (name: string): string => `heapline stand-in: ${name};`;

/** The text of a JavaScript library for emcc. A function of Emscripten's own library with the same name is kept. */
export function standIns(given: readonly HostImport[]): string {
  const names = new Set(given.map(({ name }) => name).filter((name) => IDENTIFIER.test(name)));
  return [...names]
    .map((name) => {
      const quoted = JSON.stringify(name);
      const body = `throw ${JSON.stringify(markOf(name))};`;
      return `if (!(${quoted} in LibraryManager.library)) mergeInto(LibraryManager.library, { ${quoted}: function() { ${body} } });\n`;
    })
    .join('');
}

/** A JavaScript library for emcc with the runtime's imports, which attach() provides. */
export function runtimeStandIns(runtime: Uint8Array): string {
  return standIns(runtimeImports(runtime));
}

// The list of functions whose accesses are not checked, because their sources say so: a custom section with an entry for
// each. An entry has four bytes with the offset of the function from the start of the code section's payload, which linkers
// adjust, and the symbol's name. Names serve where code was moved after the link, as by Emscripten's optimiser.

import { ByteReader, type WasmModule } from '../binary/index.ts';
import { InvalidModuleError } from '../errors.ts';

/** Name of the section. */
export const UNCHECKED_SECTION = 'heapline.unchecked';

interface Entry {
  readonly offset: number;
  readonly symbol: string;
}

/**
 * The bodies that the list names. Functions that the linker has dropped are skipped.
 * @param moved by how many bytes the code has moved since it was linked
 */
export function uncheckedBodies(module: WasmModule, moved: number): ReadonlySet<number> {
  const found = new Set<number>();
  const entries = entriesOf(module);
  if (entries.length === 0) return found;
  const names = module.functionNames();
  const nameOf = (body: number): string | undefined => names.get(body + module.importedFunctions);
  const starts = new Map(module.bodies.map(({ start }, body) => [start - module.codeStart - moved, body]));
  for (const { offset, symbol } of entries) {
    const body = starts.get(offset);
    if (body !== undefined && (names.size === 0 || isNameOf(nameOf(body), symbol))) found.add(body);
    else {
      for (let other = 0; other < module.bodies.length; other += 1)
        if (isNameOf(nameOf(other), symbol)) found.add(other);
    }
  }
  return found;
}

/** Entries up to the first malformed one: custom sections do not make a module invalid. */
function entriesOf(module: WasmModule): Entry[] {
  const entries: Entry[] = [];
  const content = module.customSection(UNCHECKED_SECTION);
  if (content === undefined) return entries;
  const reader = new ByteReader(content);
  try {
    while (!reader.done) {
      const at = content.byteOffset + reader.offset;
      reader.skip(4);
      const offset = new DataView(content.buffer, at, 4).getUint32(0, true);
      entries.push({ offset, symbol: reader.name() });
    }
  } catch (error) {
    if (!(error instanceof InvalidModuleError)) throw error;
  }
  return entries;
}

/** Whether a name of the name section, in which linkers write C++ as in its source, is that of a symbol. */
function isNameOf(name: string | undefined, symbol: string): boolean {
  if (name === symbol) return true;
  const path = qualified(symbol);
  if (name === undefined || path === '') return false;
  const at = name.indexOf(path);
  return at >= 0 && !/\w/.test(name[at - 1] ?? '') && /[(<]/.test(name[at + path.length] ?? '');
}

/** The name of a function of C++ with its namespaces and classes, up to the first template; '' when it has another form. */
function qualified(symbol: string): string {
  let at = /^_Z(?:L|NK?)?(?=\d)/.exec(symbol)?.[0].length ?? symbol.length;
  const parts: string[] = [];
  for (;;) {
    const length = /^\d+/.exec(symbol.slice(at, at + 4))?.[0];
    if (length === undefined) return parts.join('::');
    at += length.length;
    parts.push(symbol.slice(at, at + Number(length)));
    at += Number(length);
  }
}

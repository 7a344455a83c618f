// The symbol table of a relocatable object: subsection 8 of its "linking" section, version 2, as LLVM 14 to
// 22 write it (tool-conventions, Linking.md). An undefined symbol has the name of its import unless the
// object gives it another name.

import { InvalidModuleError } from '../errors.ts';
import { ByteReader } from './byte-reader.ts';
import { ExternalKind, SectionId, type WasmModule } from './module.ts';
import { readModule } from './read-module.ts';

export interface ObjectSymbol {
  readonly name: string;
  readonly kind: 'function' | 'data' | 'global' | 'section' | 'tag' | 'table';
  readonly binding: 'global' | 'weak' | 'local';
  readonly hidden: boolean;
  /** False if another object has to define the symbol. */
  readonly defined: boolean;
  /** Marked for export (`__attribute__((export_name))` or `used`). */
  readonly exported: boolean;
  /** Index in the index space of its kind: a function, a data segment, …; -1 for undefined data. */
  readonly index: number;
  /** Where defined data begin in their segment, in bytes; 0 for others. */
  readonly offset: number;
  /** Size of defined data in bytes; 0 for others. */
  readonly size: number;
}

export interface ObjectSymbols {
  readonly symbols: readonly ObjectSymbol[];
  readonly functions: readonly ObjectSymbol[];
}

const SYMBOL_TABLE = 8;
const kinds = ['function', 'data', 'global', 'section', 'tag', 'table'] as const;
const importKinds = [
  ExternalKind.Function,
  null,
  ExternalKind.Global,
  null,
  ExternalKind.Tag,
  ExternalKind.Table,
] as const;

const BINDING_WEAK = 0x01;
const BINDING_LOCAL = 0x02;
const VISIBILITY_HIDDEN = 0x04;
const UNDEFINED = 0x10;
const EXPORTED = 0x20;
const EXPLICIT_NAME = 0x40;

/** Names of imports by kind and index. */
function importNames(module: WasmModule): Map<string, string> {
  const names = new Map<string, string>();
  for (const each of module.imports) names.set(`${each.kind} ${each.index}`, each.name);
  return names;
}

function readSymbol(reader: ByteReader, imports: Map<string, string>): ObjectSymbol {
  const code = reader.byte();
  const kind = kinds[code];
  if (kind === undefined) return reader.fail(`unknown symbol kind ${code}`, reader.offset - 1);
  const flags = reader.u32();
  const defined = (flags & UNDEFINED) === 0;
  let name = '';
  let index = -1;
  let offset = 0;
  let size = 0;
  if (kind === 'data') {
    name = reader.name();
    if (defined) {
      index = reader.u32();
      offset = Number(reader.u64());
      size = Number(reader.u64());
    }
  } else {
    index = reader.u32();
    if (kind !== 'section') {
      name =
        defined || (flags & EXPLICIT_NAME) !== 0
          ? reader.name()
          : (imports.get(`${importKinds[code]} ${index}`) ??
            reader.fail('undefined symbol without an import'));
    }
  }
  const binding = (flags & BINDING_LOCAL) !== 0 ? 'local' : (flags & BINDING_WEAK) !== 0 ? 'weak' : 'global';
  return {
    name,
    kind,
    binding,
    hidden: (flags & VISIBILITY_HIDDEN) !== 0,
    defined,
    exported: (flags & EXPORTED) !== 0,
    index,
    offset,
    size,
  };
}

/** Reads the symbols of a relocatable object file. Throws an InvalidModuleError for anything else. */
export function readObjectSymbols(bytes: Uint8Array): ObjectSymbols {
  const module = readModule(bytes);
  const section = module.sections.find((each) => each.id === SectionId.Custom && each.name === 'linking');
  if (section === undefined) {
    throw new InvalidModuleError('not a relocatable object: there is no "linking" section');
  }
  const reader = new ByteReader(bytes, section.content, section.end);
  const version = reader.u32();
  if (version !== 2)
    reader.fail(`"linking" section of version ${version} (only 2 is known)`, section.content);
  const symbols: ObjectSymbol[] = [];
  const imports = importNames(module);
  while (!reader.done) {
    const type = reader.byte();
    const subsection = reader.slice(reader.u32());
    if (type !== SYMBOL_TABLE) continue;
    const count = subsection.count(3);
    for (let index = 0; index < count; index += 1) symbols.push(readSymbol(subsection, imports));
    if (!subsection.done) subsection.fail('symbol table is longer than its content');
  }
  return { symbols, functions: symbols.filter((each) => each.kind === 'function') };
}

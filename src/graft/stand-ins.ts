// What a scratch instance imports: functions that do nothing, and tables, globals and tags of the right types. Only the
// import by which Emscripten's programs let their memory grow does its work where an allocator is to be used in earnest.

import { type Export, ExternalKind, SectionId, type WasmModule } from '../binary/index.ts';
import { UnsupportedModuleError } from '../errors.ts';

const TYPES: Readonly<Record<number, 'i32' | 'i64' | 'f32' | 'f64' | 'externref' | 'anyfunc'>> = {
  127: 'i32',
  126: 'i64',
  125: 'f32',
  124: 'f64',
  112: 'anyfunc',
  111: 'externref',
};

const PAGE = 0x10000;

/** Imports that do nothing. `called` runs at each call. */
export function standIns(
  module: WasmModule,
  memory: () => WebAssembly.Memory,
  called: () => void = () => {},
): WebAssembly.Imports {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name, kind, index } of module.imports) {
    imports[from] ??= {};
    imports[from][name] = standIn(module, kind, index, memory, called);
  }
  return imports;
}

function standIn(
  module: WasmModule,
  kind: Export['kind'],
  index: number,
  memory: () => WebAssembly.Memory,
  called: () => void,
): WebAssembly.ImportValue {
  switch (kind) {
    case ExternalKind.Memory: {
      return memory();
    }
    case ExternalKind.Table: {
      const { minimum, maximum, type } = module.tables[index]!;
      const element = TYPES[type.code] === 'externref' ? 'externref' : 'anyfunc';
      const limits = maximum === null ? {} : { maximum: Number(maximum) };
      return new WebAssembly.Table({ element, initial: Number(minimum), ...limits });
    }
    case ExternalKind.Global: {
      const { type, mutable } = module.globals[index]!;
      const value = TYPES[type.code];
      if (value === undefined)
        throw new UnsupportedModuleError('the module imports a global of an unknown type');
      return new WebAssembly.Global({ value, mutable }, value === 'i64' ? 0n : 0);
    }
    case ExternalKind.Function: {
      const { results } = module.functionType(index);
      const result = results[0]?.code === 0x7e ? 0n : 0;
      return () => {
        called();
        return result;
      };
    }
    default: {
      const Tag = (WebAssembly as unknown as { Tag: new (type: object) => WebAssembly.ImportValue }).Tag;
      const parameters = module.types[module.tags[index]!]!.parameters.map(({ code }) => TYPES[code]);
      return new Tag({ parameters });
    }
  }
}

/** The memory that a scratch instance imports, made at the first request. */
export function memoryOf(module: WasmModule): () => WebAssembly.Memory {
  let memory: WebAssembly.Memory | null = null;
  return () => {
    const { minimum, maximum } = module.memories[0]!;
    memory ??= new WebAssembly.Memory({
      initial: Number(minimum),
      ...(maximum === null ? {} : { maximum: Number(maximum) }),
    });
    return memory;
  };
}

/**
 * Lets the import by which Emscripten's programs ask for memory do what they expect: it returns whether the memory has that
 * many bytes now. Programs that begin with little memory have no heap without it.
 * @param resize index of the imported function; null for none
 */
export function giveGrowth(
  module: WasmModule,
  imports: WebAssembly.Imports,
  resize: number | null,
  memory: () => WebAssembly.Memory,
): void {
  for (const { module: from, name, kind, index } of module.imports) {
    if (kind !== ExternalKind.Function || index !== resize) continue;
    imports[from]![name] = (size: number): number => {
      const missing = Math.ceil(((size >>> 0) - memory().buffer.byteLength) / PAGE);
      try {
        if (missing > 0) memory().grow(missing);
      } catch (error) {
        if (error instanceof RangeError) return 0;
        throw error;
      }
      return 1;
    };
  }
}

/** The module without its start function, so that none of the program's code runs by itself. */
export function withoutStart(module: WasmModule): Uint8Array<ArrayBuffer> {
  const section = module.section(SectionId.Start);
  if (section === undefined) return module.bytes as Uint8Array<ArrayBuffer>;
  const bytes = new Uint8Array(module.bytes.length - (section.end - section.start));
  bytes.set(module.bytes.subarray(0, section.start));
  bytes.set(module.bytes.subarray(section.end), section.start);
  return bytes;
}

/** What the engine makes of a module. Throws an UnsupportedModuleError when it rejects the module. */
export function accepted<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof UnsupportedModuleError) throw error;
    throw new UnsupportedModuleError(`the engine rejects the module (${(error as Error).message})`);
  }
}

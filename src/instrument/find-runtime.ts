// Finds the Heapline runtime in a linked module, and says what to do about a module that has none.

import { ByteReader, ExternalKind, Opcode, type WasmModule } from '../binary/index.ts';
import { MissingRuntimeError, UnsupportedModuleError } from '../errors.ts';
import { ABI_VERSION, MAGIC, RUNTIME_IGNORED_COUNT, SHADOW_SLOTS, SLOT_SIZE } from '../runtime/layout.ts';
import { howToLink } from './how-to-link.ts';
import { RECORDER } from './instrumented-module.ts';

const PAGE = 0x10000;

/** Addresses of the runtime's two exported objects in linear memory. */
export interface RuntimePlace {
  readonly runtimeAddress: number;
  readonly shadowAddress: number;
}

/** Value of the constant i32 global exported under `name`. */
function exportedAddress(module: WasmModule, name: string): number {
  const found = module.export(name, ExternalKind.Global);
  if (found === undefined) {
    const object = module.customSection('linking') !== undefined && module.importedFunctions > 0;
    throw new MissingRuntimeError(
      `the module does not export ${name}: ${object ? 'if this is a relocatable object, link it first; ' : ''}${howToLink(module)}`,
    );
  }
  const global = module.globals[found.index]!;
  const value = global.initializer?.i32 ?? null;
  if (value === null || global.mutable) {
    throw new MissingRuntimeError(`the export ${name} is not a constant address: ${howToLink(module)}`);
  }
  return value;
}

/**
 * The initial word of memory at `address`; null when no active segment has any of it. Optimisers leave zeros out of
 * segments, also in the middle of a word.
 */
export function initialWord(module: WasmModule, address: number): number | null {
  const word = new Uint8Array(4);
  let found = false;
  for (const { mode, memory, offset, start, end } of module.data) {
    const base = offset?.i32;
    if (mode !== 'active' || memory !== 0 || base === undefined || base === null) continue;
    for (let byte = 0; byte < word.length; byte += 1) {
      const at = start + address + byte - base;
      if (at < start || at >= end) continue;
      word[byte] = module.bytes[at]!;
      found = true;
    }
  }
  return found ? new DataView(word.buffer).getUint32(0, true) : null;
}

/**
 * True for a function that only calls others, one of them of its own type: wasm-ld exports such a function in
 * place of each function of a WASI command, so that constructors and destructors run at every entry.
 */
function isCommandWrapper(module: WasmModule, index: number): boolean {
  const body = module.bodies[index - module.importedFunctions]!;
  const reader = new ByteReader(module.bytes, body.start, body.end);
  if (reader.u32() !== 0) return false;
  const called: number[] = [];
  for (;;) {
    const opcode = reader.byte();
    if (opcode === Opcode.End) break;
    if (opcode !== Opcode.Call && opcode !== Opcode.LocalGet) return false;
    const immediate = reader.u32();
    if (opcode === Opcode.Call) called.push(immediate);
  }
  const own = module.functionType(index);
  return called.length > 1 && called.some((callee) => module.functionType(callee) === own);
}

function checkAllocator(module: WasmModule): void {
  for (const name of ['malloc', 'free']) {
    const found = module.export(name, ExternalKind.Function);
    if (found === undefined || found.index < module.importedFunctions) {
      throw new MissingRuntimeError(`the module does not export ${name}: ${howToLink(module)}`);
    }
    if (isCommandWrapper(module, found.index)) {
      throw new UnsupportedModuleError(
        'the module is a WASI command, whose every export runs the constructors again: link it with -mexec-model=reactor, and export __main_void for its main',
      );
    }
  }
}

/** Throws unless the runtime lies in the initial memory and is one of this version. */
function checkContent(module: WasmModule, { runtimeAddress, shadowAddress }: RuntimePlace): void {
  // The block of a recorder is taken when the module starts, and the memory may have to grow for it.
  if (module.export(RECORDER, ExternalKind.Global) !== undefined) return;
  const memory = module.memories[0];
  const size = memory === undefined ? 0 : Number(memory.minimum) * PAGE;
  const end = Math.max(runtimeAddress + RUNTIME_IGNORED_COUNT + 4, shadowAddress + SHADOW_SLOTS * SLOT_SIZE);
  if (end > size) {
    throw new MissingRuntimeError(
      `the runtime ends at address ${end}, outside of the ${size} bytes of initial memory: ${howToLink(module)}`,
    );
  }
  const magic = initialWord(module, runtimeAddress);
  const version = initialWord(module, runtimeAddress + 4);
  if (magic !== null && magic !== MAGIC) {
    throw new MissingRuntimeError(`heapline_runtime is not the Heapline runtime: ${howToLink(module)}`);
  }
  if (magic !== null && version !== null && version !== ABI_VERSION) {
    throw new MissingRuntimeError(
      `the module was linked with a runtime of version ${version}, this is version ${ABI_VERSION}: link it again`,
    );
  }
}

/**
 * Finds the runtime. Throws a MissingRuntimeError, with what to do, if it is missing or of another version, and an
 * UnsupportedModuleError for a WASI command.
 */
export function findRuntime(module: WasmModule): RuntimePlace {
  const runtimeAddress = exportedAddress(module, 'heapline_runtime');
  const shadowAddress = exportedAddress(module, 'heapline_shadow');
  checkAllocator(module);
  checkContent(module, { runtimeAddress, shadowAddress });
  return { runtimeAddress, shadowAddress };
}

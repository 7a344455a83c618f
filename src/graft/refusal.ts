// Says that the runtime cannot be put into a module.

import { ExternalKind, type WasmModule } from '../binary/index.ts';
import { UnsupportedModuleError } from '../errors.ts';

/** Throws an UnsupportedModuleError. */
export function refuse(reason: string): never {
  throw new UnsupportedModuleError(`the runtime cannot be grafted into the module: ${reason}`);
}

/** What to call a function in messages. */
export function nameOf(module: WasmModule, index: number): string {
  const name = module.functionNames().get(index);
  const exported = module.exports.find((each) => each.kind === ExternalKind.Function && each.index === index);
  if (name !== undefined) return `function ${index} (${name})`;
  return exported === undefined ? `function ${index}` : `function ${index}, exported as ${exported.name},`;
}

// Finds the functions of the runtime in a module. They are not checked, because they look after memory that the program
// must not touch. What only they call is theirs, too.

import { ExternalKind, type WasmModule } from '../binary/index.ts';
import { UnsupportedModuleError } from '../errors.ts';
import { howToLink, type ScannedCalls, type ShadowPlace } from '../instrument/index.ts';
import type { Rewriter } from '../rewrite/index.ts';
import { RUNTIME_EXPORTS } from '../runtime/index.ts';
import type { CheckFunctions } from './check-code.ts';
import { JudgeFunctions } from './judge-functions.ts';

/** Leads to libc's exit, which runs code of the program. */
const EXIT = '__wrap_exit';

/** The functions that checks call. @param place where the shadow is */
export function checkFunctions(rewriter: Rewriter, place: ShadowPlace): CheckFunctions {
  const { module } = rewriter;
  const shadow = place.base;
  const find = (name: string): number => {
    const found = module.export(name, ExternalKind.Function);
    if (found !== undefined) return found.index;
    throw new UnsupportedModuleError(`the module does not export ${name}: ${howToLink(module)}`);
  };
  return {
    judges: new JudgeFunctions(rewriter, { access: find('heapline_access'), shadow }),
    range: find('heapline_access_range'),
    string: find('heapline_access_string'),
    shadow,
    shadowBytes: place.bytes,
  };
}

/** The functions that are called, directly, by the runtime's exports or by functions so called. */
export function runtimeFunctions(module: WasmModule, { sites, isDirect }: ScannedCalls): Uint8Array {
  const found = new Uint8Array(module.functions.length);
  const pending: number[] = [];
  const add = (index: number): void => {
    if (found[index] === 1) return;
    found[index] = 1;
    pending.push(index);
  };
  const own = new Set(RUNTIME_EXPORTS);
  own.delete(EXIT);
  for (const { kind, name, index } of module.exports) {
    if (kind === ExternalKind.Function && own.has(name)) add(index);
  }
  for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
    const body = index - module.importedFunctions;
    if (body < 0) continue;
    for (let site = sites.first[body]!; site < sites.first[body + 1]!; site += 1) {
      if (isDirect(site)) add(sites.target[site]!);
    }
  }
  return found;
}

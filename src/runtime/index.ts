// The C runtime (csrc/) as TypeScript sees it: the layout of its memory, its imports and its exports. All of it is
// generated from the C headers.

export {
  ALLOCATION_FAMILY,
  HOST_EXPORTS,
  REQUEST_FUNCTIONS,
  type RuntimeExports,
  type RuntimeImports,
  type RuntimeTestExports,
  type RuntimeTestImports,
} from './interface.ts';
export * as layout from './layout.ts';

import { ALLOCATION_FAMILY, HOST_EXPORTS, REQUEST_FUNCTIONS, type RuntimeExports } from './interface.ts';

/** The runtime's exports that are functions. */
export type RuntimeFunctions = Omit<RuntimeExports, 'heapline_runtime' | 'heapline_shadow'>;

/** The names that the linker exports from every module. */
export const RUNTIME_EXPORTS: readonly string[] = [
  ...HOST_EXPORTS,
  ...ALLOCATION_FAMILY,
  ...REQUEST_FUNCTIONS,
];

/** The runtime's functions among the exports of an instance. A module that was linked by hand may lack some. */
export function runtimeFunctions(exports: Readonly<Record<string, unknown>>): Partial<RuntimeFunctions> {
  const functions = RUNTIME_EXPORTS.filter((name) => typeof exports[name] === 'function');
  return Object.fromEntries(functions.map((name) => [name, exports[name]]));
}

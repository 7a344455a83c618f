// What every engine accepts: the limits of WebAssembly's JavaScript interface (JS API specification,
// "Limits"). A module that would exceed one of them through an edit is rejected here, because an engine's
// message would not name the cause.

import { UnsupportedModuleError } from '../errors.ts';

export const MAXIMUM_FUNCTIONS = 1_000_000;
/** Locals of a function, parameters included. */
export const MAXIMUM_LOCALS = 50_000;
/** Bytes of a function body. */
export const MAXIMUM_BODY = 7_654_321;

/** Throws an UnsupportedModuleError if a module cannot have `count` functions. */
export function checkFunctions(count: number): void {
  if (count <= MAXIMUM_FUNCTIONS) return;
  throw new UnsupportedModuleError(
    `the module would have more than ${MAXIMUM_FUNCTIONS} functions with those that are added`,
  );
}

/** Throws an UnsupportedModuleError if function `index`, which has `locals` locals, cannot get one more. */
export function checkLocals(index: number, locals: number): void {
  if (locals < MAXIMUM_LOCALS) return;
  throw new UnsupportedModuleError(
    `function ${index} has ${locals} locals, the most that engines allow (${MAXIMUM_LOCALS}): there is no room for one more`,
  );
}

/** Throws an UnsupportedModuleError if the body of function `index` cannot be `length` bytes long. */
export function checkBody(index: number, length: number): void {
  if (length <= MAXIMUM_BODY) return;
  throw new UnsupportedModuleError(
    `function ${index} would grow to ${length} bytes with what is inserted; engines allow ${MAXIMUM_BODY}`,
  );
}

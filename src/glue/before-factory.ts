// What glue finds until its factory is known. Glue without a factory starts its module at once, and would fail much later,
// in promises for which nobody waits. What it starts here never goes on, so that it can be rejected in peace.

import { UnsupportedModuleError } from '../errors.ts';

/** The error for glue without a factory. */
export function withoutFactory(): UnsupportedModuleError {
  return new UnsupportedModuleError(
    "Emscripten's glue does not define a module factory: link with -sMODULARIZE=1.",
  );
}

/** Begins something that never ends. */
export const never = (): Promise<never> => new Promise(() => {});

/** An engine that never has compiled a module. Glue that does not wait gets the error at once. */
export function stillEngine(): typeof WebAssembly {
  const engine: Record<string, unknown> = Object.defineProperties(
    {},
    Object.getOwnPropertyDescriptors(WebAssembly),
  );
  const later = { value: never };
  return Object.defineProperties(engine, {
    instantiate: later,
    instantiateStreaming: later,
    compile: later,
    compileStreaming: later,
    Module: {
      value: class {
        constructor() {
          throw withoutFactory();
        }
      },
    },
  }) as unknown as typeof WebAssembly;
}

/** The part of Node's `fs` with which glue reads its module. */
export const STILL_FILES = {
  existsSync: () => true,
  readFileSync: () => new Uint8Array(),
  readFile() {},
  promises: { readFile: never },
};

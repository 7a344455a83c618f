// The engine's own functions of WebAssembly. `attach` puts others in their place for a while, to take over the modules of
// the caller's code. Heapline's own modules must not pass through those. The package may be loaded twice, as ESM and as
// CommonJS, so the functions are kept where both copies find them.

/** What Heapline calls of the engine. */
export type Engine = Pick<typeof WebAssembly, 'Instance' | 'Module' | 'compile'>;

const KEY = Symbol.for('heapline.engine');
const holder = globalThis as { [KEY]?: Engine };

/** The functions as the engine made them. */
export function engine(): Engine {
  return holder[KEY] ?? WebAssembly;
}

/** The functions of WebAssembly are about to be replaced, or the engine's own are there again. */
export function keepEngine(replaced: boolean): void {
  if (!replaced) {
    // Somebody else may have put functions in front of ours, which stay then.
    if (WebAssembly.Instance === holder[KEY]?.Instance) delete holder[KEY];
    return;
  }
  const { Instance, Module, compile } = WebAssembly;
  holder[KEY] ??= { Instance, Module, compile };
}

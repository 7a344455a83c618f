// The engine's own functions of WebAssembly. `attach` puts others in their place for a while, to take over the modules of
// the caller's code. Heapline's own modules must not pass through those. The package may be loaded twice, as ESM and as
// CommonJS, so the copy that is loaded first keeps the functions for both.

/** What Heapline calls of the engine. */
type Engine = Pick<typeof WebAssembly, 'Instance' | 'Module' | 'compile'>;

const KEY = Symbol.for('heapline.engine');
const holder = globalThis as { [KEY]?: Engine };

holder[KEY] ??= {
  Instance: WebAssembly.Instance,
  Module: WebAssembly.Module,
  compile: WebAssembly.compile,
};

/** The functions as the engine made them. */
export const engine: Engine = holder[KEY];

// Which kind of guest a module becomes: with Emscripten's JavaScript, or on WASI.

import type { OpenGuest } from '../sandbox/index.ts';

/**
 * Opens guests with this JavaScript from Emscripten. Undefined for a module without glue, which runs on WASI and does
 * not need that code.
 */
export async function guestWithGlue(glue: string | null): Promise<OpenGuest | undefined> {
  if (glue === null) return undefined;
  const { openEmscriptenGuest } = await import('../glue/index.ts');
  return (module, options, { runtime, gate, loop }) =>
    openEmscriptenGuest(module, glue, options, runtime, gate, loop);
}

// Which kind of guest a module becomes: with Emscripten's JavaScript, or on WASI.

import { openEmscriptenGuest } from '../glue/index.ts';
import type { OpenGuest } from '../sandbox/index.ts';

/** Opens guests with this JavaScript from Emscripten. Undefined for a module without glue, which runs on WASI. */
export function guestWithGlue(glue: string | null): OpenGuest | undefined {
  if (glue === null) return undefined;
  return (module, options, { runtime, gate, loop }) =>
    openEmscriptenGuest(module, glue, options, runtime, gate, loop);
}

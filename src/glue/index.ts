// Door of the glue: guests that Emscripten has linked, with its JavaScript in a world of its own (node:vm).

export { openEmscriptenGuest } from './emscripten-guest.ts';

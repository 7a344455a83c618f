// The door of this room: guests linked by Emscripten, whose JavaScript runs in a context of its own (node:vm).

export { openEmscriptenGuest } from './emscripten-guest.ts';

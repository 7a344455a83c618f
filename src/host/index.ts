// The host: a module that runs, and everything that passes between it and JavaScript.

export type { CxxException } from './cxx-exceptions.ts';
export { openEmscriptenGuest } from './emscripten.ts';
export {
  ALLOCATES,
  Gate,
  type GuestFunction,
  type RawFunction,
  type ValueType,
  valueTypeOf,
} from './entries.ts';
export { EventLoop } from './event-loop.ts';
export { type UserPart, withUserParts } from './glue-code.ts';
export { embeddedParts, endOfStatement } from './glue-parts.ts';
export { ExitSignal, exitSignalOf, type Guest, type GuestOptions, type RuntimeImports } from './guest.ts';
export { GuestStacks } from './guest-stacks.ts';
export { HostStacks } from './host-stacks.ts';
export { Input, type InputReader } from './input.ts';
export { Output } from './output.ts';
export type { Thrown } from './thrown-object.ts';
export { type GuestStack, isTrap, readGuestStack } from './traps.ts';
export { openWasiGuest } from './wasi.ts';

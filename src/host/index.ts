// Door of the host: a running module, and everything that passes between it and JavaScript.

export { callerScript } from './caller-script.ts';
export type { CxxException } from './cxx-exceptions.ts';
export { engine, keepEngine } from './engine.ts';
export {
  ALLOCATES,
  Gate,
  type GuestFunction,
  type RawFunction,
  type ValueType,
  valueTypeOf,
} from './entries.ts';
export { EventLoop } from './event-loop.ts';
export { GlueCode, INVOKE, type UserPart, withUserParts } from './glue-code.ts';
export {
  ExitSignal,
  exitSignalOf,
  type Guest,
  type GuestOptions,
  instantiate,
  memoryIn,
} from './guest.ts';
export { GuestMemory } from './guest-memory.ts';
export { GuestStacks } from './guest-stacks.ts';
export { connectHooks } from './hooks.ts';
export { ENTRY_MODULE, HostStacks } from './host-stacks.ts';
export { Input, type InputReader } from './input.ts';
export { KeptBlocks } from './kept-blocks.ts';
export { openWasiGuest } from './lazy-wasi.ts';
export { Output } from './output.ts';
export { preopenFailure, rejectHiddenFiles } from './preopens.ts';
export { type ErrorClasses, TableEntries } from './table-entries.ts';
export type { Thrown } from './thrown-object.ts';
export { prepareToInterrupt } from './timed-calls.ts';
export { currentGuestStack, type GuestStack, isTrap, readGuestStack } from './traps.ts';
export { ALL_RIGHTS, APPEND, FileType, FOLLOW, OpenFlag, Right, SetTime } from './wasi-numbers.ts';
export {
  type DirectoryRecord,
  type FileStatus,
  writeDescriptorStatus,
  writeFileStatus,
  writeRecords,
} from './wasi-records.ts';

// The list of functions that allocate, in the three forms in which it is needed: the calls that contexts are made
// for, the calls that a compiler must not remove, and the frames that readers of profiles drop.

import { ALLOCATION_FAMILY } from '../runtime/index.ts';

export { ALLOCATION_FAMILY };

/** Functions of libc that clang knows to return a new block: it may remove a call whose result nobody uses. */
export const REMOVABLE_ALLOCATORS: readonly string[] = [...ALLOCATION_FAMILY, 'strdup', 'strndup'];

/** Names under which C++ and the libcs call the family, and which therefore appear in stacks. */
const WRAPPERS: readonly string[] = [
  '__libc_malloc',
  '__libc_calloc',
  '__libc_realloc',
  '__libc_free',
  'emscripten_builtin_malloc',
  'emscripten_builtin_memalign',
  'emscripten_builtin_free',
  'operator new',
  'operator new[]',
  'operator delete',
  'operator delete[]',
  '_Znwm',
  '_Znam',
  '_Znwj',
  '_Znaj',
  '_ZdlPv',
  '_ZdaPv',
];
/**
 * Frames of the allocation family as a `drop_frames` expression: readers remove them, so that the caller is the leaf.
 * Heapline's stacks end at the caller anyway, but C++ operators and libc's own wrappers do appear.
 */
export const DROP_FRAMES = [...ALLOCATION_FAMILY, ...WRAPPERS]
  .map((name) => name.replace(/[[\]]/g, '\\$&'))
  .join('|');

// The list of functions that allocate, in the three forms in which it is needed: the calls that contexts are made
// for, the calls that a compiler must not remove, and the frames that readers of profiles drop.

import { ALLOCATION_FAMILY } from '../runtime/index.ts';

export { ALLOCATION_FAMILY };

/** Functions of libc that clang knows to return a new block: it may remove a call whose result nobody uses. */
export const REMOVABLE_ALLOCATORS: readonly string[] = [...ALLOCATION_FAMILY, 'strdup', 'strndup'];

/** Names under which C++, Rust and the libcs call the family, and which therefore appear in stacks. */
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
  ...['__rust_', '__rdl_', '__rg_'].flatMap((kind) =>
    ['alloc', 'alloc_zeroed', 'realloc', 'dealloc'].map((name) => kind + name),
  ),
  'alloc::alloc::alloc',
  'alloc::alloc::alloc_zeroed',
  'alloc::alloc::realloc',
  'alloc::alloc::exchange_malloc',
  'alloc::alloc::Global::alloc_impl',
  '<alloc::alloc::Global>::alloc_impl',
  'alloc::alloc::Global::grow_impl',
  '<alloc::alloc::Global>::grow_impl',
  '<alloc::alloc::Global as core::alloc::Allocator>::allocate',
  '<alloc::alloc::Global as core::alloc::Allocator>::allocate_zeroed',
  '<alloc::alloc::Global as core::alloc::Allocator>::grow',
];
const NAMES: ReadonlySet<string> = new Set([...ALLOCATION_FAMILY, ...WRAPPERS]);
/** The functions of an allocator that Rust's library calls. */
const RUST_ALLOCATOR = /^<.* as core::alloc::global::GlobalAlloc>::\w+$/;

/** Whether a function does nothing but hand an allocation on to the runtime. */
export function isAllocator(name: string): boolean {
  return NAMES.has(name) || RUST_ALLOCATOR.test(name);
}

/** Whether readers of profiles drop frames of this name. */
export function isDropped(name: string): boolean {
  return NAMES.has(name);
}

/**
 * Frames of the allocation family as a `drop_frames` expression: readers remove them, so that the caller is the leaf.
 * Heapline's stacks end at the caller anyway, but C++ operators, Rust's functions and libc's own wrappers do appear.
 */
export const DROP_FRAMES = [...NAMES].map((name) => name.replace(/[^\w ]/g, '\\$&')).join('|');

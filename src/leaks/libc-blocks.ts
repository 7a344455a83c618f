// Memory that a libc takes for itself, once, and keeps: the table of preopened directories, the environment, the
// arguments of main. It is nobody's leak, so reports leave it out, as Valgrind does with glibc's through
// __libc_freeres. Known by the libc's own function names, and only by them: whatever the program's code asked libc
// for (fopen, strdup, getline) is the program's.

import type { Frame } from '../errors.ts';
import type { LeakKind } from '../report/index.ts';

/** Start-up code. A stack of nothing else is libc's own, whatever has become of the block. */
const startUp =
  /^(_start|_initialize|__wasm_call_ctors|__main_void|__libc_start_main|__libc_start_init|init_libc|__wasilibc_\w+|__emscripten_environ_constructor|emscripten_stack_init)$/;

/** Tables that libc fills when they are first needed and never gives back, wherever the need arose. */
const tables =
  /^(__wasilibc_(populate|register|init|initialize|ensure)\w*|internal_register_preopened_fd(_unlocked)?|__wasilibc_populate_preopens|tzset|__tzset|do_tzset)$/;

/** True for a block that libc keeps for itself. */
export function isLibcBlock(kind: LeakKind, frames: readonly Frame[]): boolean {
  // Below them stands the JavaScript that ran the program.
  const own = frames.filter((frame) => frame.language === 'c');
  if (own.length === 0) return false;
  if (own.every((frame) => startUp.test(frame.function))) return true;
  return kind === 'reachable' && own.some((frame) => tables.test(frame.function));
}

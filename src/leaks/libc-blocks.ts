// Memory that a libc, the C++ runtime or embind takes once for itself and keeps: the table of preopened
// directories, the environment, the arguments of main, locales, atexit functions, the data of bound functions.
// Nobody leaks these blocks, so reports leave them out, as Valgrind does with glibc's through __libc_freeres. They
// are recognised only by the names of the libraries' functions. A block that the program asked libc for (fopen,
// strdup, getline) belongs to the program. Blocks that Emscripten's JavaScript keeps have no such names
// (src/host/kept-blocks.ts).

import { type Frame, foldStacks, rememberedByFrame, type Stack } from '../frames/index.ts';
import type { LeakKind } from '../report/index.ts';

/** Start-up code. A stack that has no other C frames is libc's own, whatever happened to the block. */
const startUp =
  /^(_start|_initialize|__wasm_call_ctors|__main_void|__libc_start_main|__libc_start_init|init_libc|__wasilibc_\w+|__emscripten_environ_constructor|emscripten_stack_init)$/;

/**
 * Functions that fill libc's tables. libc fills a table when it is first needed, wherever that is, and never frees
 * it.
 */
const tables = new RegExp(
  `^(${[
    '__wasilibc_(populate|register|init|initialize|ensure)\\w*',
    'internal_register_preopened_fd(_unlocked)?',
    // Time zones, locales, translations.
    '(__)?tzset|do_tzset|__secs_to_zone',
    '__get_locale|setlocale|bindtextdomain|bind_textdomain_codeset|dcngettext|(__)?dngettext|textdomain',
    // Functions to run at the end, variables of the environment, keys of threads.
    '_*(cxa_|cxa_thread_)?atexit(_impl)?|at_quick_exit',
    'setenv|__putenv|putenv|unsetenv|clearenv|__env_rm_add|__env_change',
    '(__)?pthread_key_create|pthread_setspecific|__cxa_get_globals(_fast)?|__emutls_get_address|get_emutls\\w*',
    // Results that the next call replaces.
    'getpwent|getpwnam|getpwuid|__getpw_a|getgrent|getgrnam|getgrgid|__getgrent_a|__getgr_a',
    'gethostbyname2?|gethostbyaddr|getservent|dlerror|__dl_seterr|__dl_vseterr|sem_open|shm_open',
  ].join('|')})$`,
);

/** embind keeps a bound function and its context as long as the module lives. Only JavaScript has their addresses. */
const binding = /(^|::)getContext(<|$)/;
const BINDING_HEADER = /(^|\/)emscripten\/bind\.h$/;

/** Facts about the C frames of a stack. */
interface Kinds {
  /** All of them are libc's start-up code. */
  readonly startUp: boolean;
  /** One of them fills a table that belongs to libc. */
  readonly table: boolean;
  /** One of them belongs to embind and keeps a bound function. */
  readonly binding: boolean;
  /** There is at least one. */
  readonly any: boolean;
}

/** Whether blocks of this class and stack are a library's own. */
export type LibcBlockTest = (kind: LeakKind, stack: Stack) => boolean;

/** Makes a function that is true for blocks that a library keeps for itself. */
export function libcBlocks(): LibcBlockTest {
  const ofFrame = rememberedByFrame((frame) => ({
    startUp: startUp.test(frame.function),
    table: tables.test(frame.function),
    binding: isBinding(frame),
  }));
  const none: Kinds = { startUp: true, table: false, binding: false, any: false };
  const kindsOf = foldStacks(none, (outer, frame) => {
    // The JavaScript that ran the program does not count.
    if (frame.language !== 'c') return outer;
    const own = ofFrame(frame);
    return {
      startUp: outer.startUp && own.startUp,
      table: outer.table || own.table,
      binding: outer.binding || own.binding,
      any: true,
    };
  });
  return (kind, stack) => {
    const { startUp, table, binding, any } = kindsOf(stack);
    return any && (startUp || binding || (kind === 'reachable' && table));
  };
}

function isBinding(frame: Frame): boolean {
  if (!binding.test(frame.function)) return false;
  return frame.file === ''
    ? frame.function.includes('emscripten::internal')
    : BINDING_HEADER.test(frame.file);
}

// Memory that a libc, the C++ runtime or embind takes for itself, once, and keeps: the table of preopened directories,
// the environment, the arguments of main, locales, atexit functions, what embind remembers of a bound function. It is
// nobody's leak, so reports leave it out, as Valgrind does with glibc's through __libc_freeres. Known by the libraries'
// own function names, and only by them: whatever the program's code asked libc for (fopen, strdup, getline) is the
// program's. What Emscripten's JavaScript keeps has no such names (src/host/kept-blocks.ts).

import type { Frame } from '../errors.ts';
import { foldStacks, rememberedByFrame, type Stack } from '../frames/index.ts';
import type { LeakKind } from '../report/index.ts';

/** Start-up code. A stack of nothing else is libc's own, whatever has become of the block. */
const startUp =
  /^(_start|_initialize|__wasm_call_ctors|__main_void|__libc_start_main|__libc_start_init|init_libc|__wasilibc_\w+|__emscripten_environ_constructor|emscripten_stack_init)$/;

/** Tables that libc fills when they are first needed and never gives back, wherever the need arose. */
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

/** embind keeps a function and its context for as long as the module lives; only JavaScript has their addresses. */
const binding = /(^|::)getContext(<|$)/;
const BINDING_HEADER = /(^|\/)emscripten\/bind\.h$/;

/** What the C frames of a stack are. */
interface Kinds {
  /** There are none but libc's start-up code. */
  readonly startUp: boolean;
  /** Some function of libc's fills a table. */
  readonly table: boolean;
  /** Some function is embind's that keeps what is bound. */
  readonly binding: boolean;
  /** There are any. */
  readonly any: boolean;
}

/** A function that is true for blocks that libc keeps for itself, given their class and stack. */
export function libcBlocks(): (kind: LeakKind, stack: Stack) => boolean {
  const ofFrame = rememberedByFrame((frame) => ({
    startUp: startUp.test(frame.function),
    table: tables.test(frame.function),
    binding: isBinding(frame),
  }));
  const none: Kinds = { startUp: true, table: false, binding: false, any: false };
  const kindsOf = foldStacks(none, (outer, frame) => {
    // Below the C frames stands the JavaScript that ran the program.
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

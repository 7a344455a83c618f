// Test files that need a process of their own, by their paths in test/ without the tier. All others share processes, which
// spares each of them the start of a process, the loading of all modules, and that of the embedded compiler.

export const OWN_PROCESS: readonly string[] = [
  // They look at all sandboxes of the process, at V8's own heap, or at the threads.
  'serve/*',
  'page/live',
  'sandbox/many',
  'compile/embedded-threads',
  // They count what a process loads, prepares or tells for the first time.
  'access/kept',
  'sandbox/progress',
  'sandbox/sandbox',
  'sandbox/session',
  // They take over functions of the process, as other people's JavaScript does that they run.
  'attach/*',
  'glue/*',
  'oracle/attached',
  'host/host-stacks',
  'host/live-directories',
  'host/user-code',
  // They change settings of V8, the environment or the test runner.
  'instrument/semantics',
  'host/wasi',
  'compile/before-compiling',
  'compile/choose',
  'compile/surroundings',
  'sandbox/option-names',
  'sweep/*',
  'testing/*',
  // They stop a guest that works in this thread, or let it go on when a test has ended.
  'sandbox/later',
  'sandbox/limits',
];

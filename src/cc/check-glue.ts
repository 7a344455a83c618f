// What the JavaScript of a program that `heapline emcc` has linked loads in Node.js: its modules are tracked, and when the
// process ends, their heaps are checked as those of `heapline cc` are, with HEAPLINE_OPTIONS.

import '../node/install.ts';
import { trackModulesNow } from '../attach/index.ts';
import { loadPasses, loadSymbols, type Sandbox } from '../sandbox/index.ts';
import { checkAtExit as check } from './exit-check.ts';
import { type ProgramSettings, programOptionsHelp, readProgramOptions } from './program-options.ts';

const sandboxes: Sandbox[] = [];
let settings: ProgramSettings | null = null;

/** Tracks the modules of this process from now on, and checks their heaps when it ends. */
export function checkAtExit(name: string): void {
  if (settings !== null) return;
  settings = readProgramOptions(process.env.HEAPLINE_OPTIONS ?? '', (text) =>
    console.error(`${name}: HEAPLINE_OPTIONS: ${text}`),
  );
  if (settings.help) console.error(programOptionsHelp());
  const asked = settings;
  // The program's first module is compiled in this turn of the event loop, so only what follows can wait.
  void loadPasses();
  void loadSymbols();
  trackModulesNow(() => true, {
    options: { hostFrames: 'off', onError: asked.halt_on_error ? 'throw' : 'record' },
    opened: (sandbox) => void sandboxes.push(sandbox as Sandbox),
  });
  process.on('exit', (code) => {
    process.exitCode = sandboxes.reduce((status, sandbox) => statusAfter(sandbox, status, asked), code);
  });
}

function statusAfter(sandbox: Sandbox, status: number, asked: ProgramSettings): number {
  const fault = sandbox.heap.faults().length > 0;
  // An error that JavaScript did not catch ends the process with 1 or 7, and leaves blocks behind.
  const failed = sandbox.trapped || (fault && asked.halt_on_error);
  return check(sandbox, { status, failed, fault }, asked);
}

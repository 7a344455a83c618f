// What the JavaScript of a program that `heapline emcc` has linked loads in Node.js: its modules are tracked, and when the
// process ends, their heaps are checked as those of `heapline cc` are, with HEAPLINE_OPTIONS.

import '../symbols/install-rust-names.ts';

import '../node/install.ts';
import '../profile/install-presentation.ts';
import * as checking from '../access/index.ts';
import { trackModulesNow } from '../attach/index.ts';
import * as cTypes from '../c-types/index.ts';
import * as contents from '../contents/index.ts';
import * as instrumenting from '../instrument/instrument.ts';
import {
  type Sandbox,
  usePasses,
  useShapes,
  useSymbols,
  useUninstrumented,
  useViews,
} from '../sandbox/index.ts';
import * as shapes from '../shapes/index.ts';
import * as symbols from '../symbols/index.ts';
import { checkAtExit as check } from './exit-check.ts';
import { linkedModule, readableLinkedModule } from './linked-module.ts';
import { type ProgramSettings, programOptionsHelp, readProgramOptions } from './program-options.ts';

const sandboxes: Sandbox[] = [];
let settings: ProgramSettings | null = null;

/**
 * Tracks the modules of this process from now on, and checks their heaps when it ends.
 * @param linkedWithChecks whether the program was linked with -fsanitize=address
 */
export function checkAtExit(name: string, linkedWithChecks = false): void {
  if (settings !== null) return;
  settings = readProgramOptions(process.env.HEAPLINE_OPTIONS ?? '', (text) =>
    console.error(`${name}: HEAPLINE_OPTIONS: ${text}`),
  );
  if (settings.help) console.error(programOptionsHelp());
  const asked = settings;
  const access = asked.access || linkedWithChecks;
  // The program's first module is compiled in this turn of the event loop, and the program may end in it.
  usePasses(instrumenting, checking);
  useSymbols(symbols);
  useShapes(shapes);
  useViews(cTypes, contents);
  useUninstrumented(readableLinkedModule);
  trackModulesNow(() => true, {
    options: {
      hostFrames: 'off',
      onError: asked.halt_on_error ? 'throw' : 'record',
      access,
      quarantine: asked.quarantine_size_kb * 1024,
    },
    ...(asked.access && !linkedWithChecks ? { original: (bytes) => linkedModule(bytes) ?? bytes } : {}),
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

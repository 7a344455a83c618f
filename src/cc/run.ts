// Runs a program that `heapline cc` has linked, as its script starts it: `node cc-run.js PROGRAM ARGUMENTS…`. The
// program sees what a native one would: arguments, environment, standard streams, the files of this machine. At its end
// its heap is checked.

import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  CorruptLedgerError,
  ExitError,
  HeapFaultError,
  HeaplineError,
  StackOverflowError,
  TimeoutError,
  TrapError,
} from '../errors.ts';
import { openWasiGuest } from '../host/index.ts';
import { openInstrumented } from '../instrument/instrumented-module.ts';
import { liveFiles } from '../node/live-files.ts';
import { machine } from '../node/machine.ts';
import { codeDirectory } from '../node/own-files.ts';
import { writeOutputBytes } from '../node/standard-streams.ts';
import { posixPath } from '../node/windows-paths.ts';
import { type Scripts, usePlatform } from '../platform/index.ts';
import type { GuestExports, OpenGuest, Sandbox } from '../sandbox/index.ts';
import { loadShapes } from '../sandbox/module-wrappers.ts';
import { openModule } from '../sandbox/open-module.ts';
import type { SandboxOptions } from '../sandbox/sandbox-options.ts';
import { moreWasi } from '../web/more-wasi.ts';
import { moduleIn } from './executable.ts';
import { type ProgramSettings, programOptionsHelp, readProgramOptions } from './program-options.ts';

/**
 * Exit statuses, as a shell reports them for a native program: 128 plus the number of the signal. 124 is that of
 * timeout(1). 70 is a fault here.
 */
const STATUS = {
  late: 124,
  abort: 134,
  arithmetic: 136,
  segmentation: 139,
  pipe: 141,
  noProgram: 127,
  software: 70,
} as const;

const say = (text: string): void => {
  try {
    writeOutputBytes(2, Buffer.from(text));
  } catch {
    // Standard error is closed: nobody can be told.
  }
};

async function runProgram([file = '', ...args]: readonly string[]): Promise<number> {
  const name = path.basename(file);
  const settings = readProgramOptions(process.env.HEAPLINE_OPTIONS ?? '', (text) =>
    say(`${name}: HEAPLINE_OPTIONS: ${text}\n`),
  );
  if (settings.help) say(programOptionsHelp());
  let bytes: Uint8Array | null;
  try {
    bytes = moduleIn(readFileSync(file));
  } catch (error) {
    say(`heapline: ${file} cannot be read: ${(error as Error).message}\n`);
    return STATUS.noProgram;
  }
  if (bytes === null) {
    say(
      `heapline: ${file} has no WebAssembly module behind its script: something has stripped it. Link it again.\n`,
    );
    return STATUS.noProgram;
  }
  const checked = settings.access ? await moduleToCheck(bytes, name) : null;
  const sandbox = await openModule<GuestExports>(
    { bytes: checked ?? bytes, path: file, symbolOptions: {}, programName: file, once: true },
    { ...options(args, settings), access: checked !== null },
    openProgram,
  );
  let status: number;
  let failure: unknown = null;
  try {
    status = sandbox.run().exitCode & 0xff;
  } catch (error) {
    if (!(error instanceof HeaplineError)) throw error;
    failure = error;
    status = error instanceof ExitError ? error.exitCode & 0xff : trapStatus(error);
    if (!(error instanceof HeapFaultError)) say(`${name}: ${error.message}\n`);
  }
  if (endsClean(sandbox, failure !== null, settings)) return status;
  const [{ checkAtExit }] = await Promise.all([import('./exit-check.ts'), loadContents(), loadShapes()]);
  return checkAtExit(
    sandbox,
    { status, failed: failure !== null, fault: failure instanceof HeapFaultError },
    settings,
  );
}

/** Loads what shows types and fields in reports. They are found in what the linker wrote. */
async function loadContents(): Promise<void> {
  const [{ loadViews, useUninstrumented }, { readableLinkedModule }] = await Promise.all([
    import('../sandbox/module-symbols.ts'),
    import('./linked-module.ts'),
  ]);
  useUninstrumented(readableLinkedModule);
  await loadViews();
}

/** The module whose accesses can be checked: this one when it was linked so, otherwise what the linker wrote. */
async function moduleToCheck(bytes: Uint8Array, name: string): Promise<Uint8Array | null> {
  const instrumented = openInstrumented(bytes);
  if (instrumented === null || instrumented.shadow !== null) return bytes;
  const { linkedModule } = await import('./linked-module.ts');
  const linked = linkedModule(bytes);
  if (linked === null) {
    say(
      `${name}: HEAPLINE_OPTIONS: access=1 is ignored: another version of Heapline has linked the program.\n`,
    );
  }
  return linked;
}

/** Whether the end has nothing to report. Looking costs little, and a report needs much code. */
function endsClean(sandbox: Sandbox, failed: boolean, settings: ProgramSettings): boolean {
  if (settings.pprof !== '' || settings.verbosity > 0) return false;
  try {
    // Blocks that a stopped program still held are no leaks.
    return !sandbox.heap.mayLeak(failed || !settings.detect_leaks ? [] : settings.leak_kinds);
  } catch (error) {
    if (error instanceof CorruptLedgerError) return false;
    throw error;
  }
}

function options(args: readonly string[], settings: ProgramSettings): SandboxOptions {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && name !== '' && !name.includes('=')) env[name] = value;
  }
  // C starts in this directory, and removes the identity before main (csrc/posix/program.c).
  const here = machine.workingDirectory();
  if (here !== undefined) env.PWD = process.platform === 'win32' ? posixPath(here) : here;
  env.HEAPLINE_IDENTITY = identity();
  if (process.platform === 'win32') env.TMPDIR ??= posixPath(os.tmpdir());
  return {
    args,
    env,
    hostFrames: 'off',
    onLeakCheck: (report) => say(`${report}\n`),
    onError: settings.halt_on_error ? 'throw' : 'record',
    quarantine: settings.quarantine_size_kb * 1024,
    ...(settings.timeout === 0 ? {} : { timeout: settings.timeout }),
  };
}

/** Who the process is: its number, its parent's, user and group (real and effective), the mask of new files. */
function identity(): string {
  const { getuid, geteuid, getgid, getegid } = process;
  const ids = [getuid, geteuid, getgid, getegid].map((get) => get?.call(process) ?? 0);
  return [process.pid, process.ppid, ...ids, process.umask()].join(' ');
}

/** A guest with the files and the standard streams of this machine. */
const openProgram: OpenGuest = (module, options, { runtime }) => {
  const root = { guest: '/', path: '/', readOnly: false };
  const streams = { brokenPipe: () => process.exit(STATUS.pipe) };
  return openWasiGuest(
    module,
    {
      ...options,
      fileSystem: (memory, numbers) => liveFiles([root], memory, numbers, { streams }),
    },
    runtime,
  );
};

function trapStatus(error: HeaplineError): number {
  if (error instanceof TimeoutError) return STATUS.late;
  if (error instanceof StackOverflowError) return STATUS.segmentation;
  if (!(error instanceof TrapError)) return STATUS.abort;
  if (/divide|overflow|unrepresentable|remainder/i.test(error.message)) return STATUS.arithmetic;
  return /out of bounds|null function|signature/i.test(error.message) ? STATUS.segmentation : STATUS.abort;
}

/** Where scripts stand: reports of programs show no JavaScript. */
const scripts: Scripts = {
  ownDirectory: codeDirectory,
  toPath: (file) => file,
  originalPosition: (file, line, column) => ({ file, line, column }),
  mapsStackText: () => false,
  mainError: Error,
};

/** Runs the program that these arguments begin with, and ends this process with its status. */
export async function main(args: readonly string[]): Promise<void> {
  // @wasmer/wasi takes 30 ms to load; a program at the command line needs little of it.
  usePlatform({ ...machine, scripts, moreWasi: async (given, env) => moreWasi(given, env) });
  try {
    process.exitCode = await runProgram(args);
  } catch (error) {
    const known = error instanceof HeaplineError;
    say(`heapline: ${known ? error.message : `unexpected ${(error as Error)?.stack ?? String(error)}`}\n`);
    process.exitCode = known ? STATUS.noProgram : STATUS.software;
  }
}

// Runs a program that `heapline cc` has linked, as its script starts it: `node cc-run.js PROGRAM ARGUMENTS…`. The
// program sees what a native one would: arguments, environment, standard streams, the files of this machine. At its end
// its heap is checked.

import { readFileSync } from 'node:fs';
import nodeModule from 'node:module';
import path from 'node:path';
import { ExitError, HeapFaultError, HeaplineError, StackOverflowError, TrapError } from '../errors.ts';
import { openWasiGuest } from '../host/index.ts';
import { liveFiles } from '../node/live-files.ts';
import { nodePlatform } from '../node/node-platform.ts';
import { writeOutputBytes } from '../node/standard-streams.ts';
import { posixPath } from '../node/windows-paths.ts';
import { usePlatform } from '../platform/index.ts';
import type { GuestExports, OpenGuest } from '../sandbox/index.ts';
import { openModule } from '../sandbox/open-module.ts';
import type { SandboxOptions } from '../sandbox/sandbox-options.ts';
import { moreWasi } from '../web/more-wasi.ts';
import { moduleIn } from './executable.ts';
import { type ProgramSettings, programOptionsHelp, readProgramOptions } from './program-options.ts';

/** Exit statuses, as a shell reports them for a native program: 128 plus the number of the signal. */
const STATUS = { abort: 134, arithmetic: 136, segmentation: 139, pipe: 141, noProgram: 127 } as const;

const say = (text: string): void => {
  try {
    writeOutputBytes(2, Buffer.from(text));
  } catch {
    // Standard error is closed: nobody can be told.
  }
};

async function main([file = '', ...args]: readonly string[]): Promise<number> {
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
  const sandbox = await openModule<GuestExports>(
    { bytes, path: file, symbolOptions: {}, programName: file },
    options(args, settings),
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
  if (!settings.detect_leaks && settings.pprof === '' && !(failure instanceof HeapFaultError)) return status;
  const { checkAtExit } = await import('./exit-check.ts');
  return checkAtExit(
    sandbox,
    { status, failed: failure !== null, fault: failure instanceof HeapFaultError },
    settings,
  );
}

function options(args: readonly string[], settings: ProgramSettings): SandboxOptions {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && name !== '' && !name.includes('=')) env[name] = value;
  }
  // C starts in this directory (csrc/program.c).
  const here = nodePlatform.workingDirectory();
  if (here !== undefined) env.PWD = process.platform === 'win32' ? posixPath(here) : here;
  return {
    args,
    env,
    hostFrames: 'off',
    onError: settings.halt_on_error ? 'throw' : 'record',
    quarantine: settings.quarantine_size_kb * 1024,
  };
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
  if (error instanceof StackOverflowError) return STATUS.segmentation;
  if (!(error instanceof TrapError)) return STATUS.abort;
  if (/divide|overflow|unrepresentable|remainder/i.test(error.message)) return STATUS.arithmetic;
  return /out of bounds|null function|signature/i.test(error.message) ? STATUS.segmentation : STATUS.abort;
}

// @wasmer/wasi takes 30 ms to load; a program at the command line needs little of it.
usePlatform({ ...nodePlatform, moreWasi: async (args, env) => moreWasi(args, env) });
(nodeModule as { enableCompileCache?: () => void }).enableCompileCache?.();
void main(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    const known = error instanceof HeaplineError;
    say(`heapline: ${known ? error.message : `unexpected ${(error as Error)?.stack ?? String(error)}`}\n`);
    process.exitCode = known ? STATUS.noProgram : 70;
  },
);

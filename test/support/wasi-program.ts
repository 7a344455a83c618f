// Builds the C programs of test/host for WASI without Heapline's runtime, and runs them with only the host.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExitSignal, type GuestOptions, Input, Output, openWasiGuest } from '../../src/host/index.ts';

/** A directory that is removed when the process ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'heapline-host-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export const program = (name: string): string =>
  new URL(`../host/programs/${name}`, import.meta.url).pathname;

/** Compiles a program of test/host with the system's clang. */
export async function buildWasi(name: string): Promise<WebAssembly.Module> {
  const output = join(temporaryDirectory(), 'program.wasm');
  execFileSync('clang', ['--target=wasm32-wasi', '-O1', program(name), '-o', output]);
  return WebAssembly.compile(readFileSync(output));
}

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The error that stopped the program, if it neither returned nor exited. */
  readonly error: unknown;
  readonly readFile: (path: string) => Uint8Array | null;
}

/** Runs a program once. */
export async function runWasi(
  module: WebAssembly.Module,
  args: readonly string[] = [],
  options: Partial<GuestOptions> = {},
): Promise<Ran> {
  const stdout = options.stdout ?? new Output();
  const stderr = options.stderr ?? new Output();
  const guest = await openWasiGuest(
    module,
    {
      args,
      programName: 'program',
      env: {},
      stdin: new Input(new Uint8Array()),
      files: new Map(),
      imports: {},
      instantiated() {},
      ...options,
      stdout,
      stderr,
    },
    { host_stack: () => 0, fault() {}, point: () => 0, exiting() {} },
  );
  let exitCode = 0;
  let error: unknown = null;
  try {
    guest.initialize();
    exitCode = guest.runMain(() => {});
  } catch (thrown) {
    if (thrown instanceof ExitSignal) exitCode = thrown.exitCode;
    else error = thrown;
  }
  return {
    exitCode,
    stdout: stdout.text(),
    stderr: stderr.text(),
    error,
    readFile: (path) => guest.readFile(path),
  };
}

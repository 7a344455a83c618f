// Runs a program of this folder as plain emcc links it, under Node.js, and under Heapline's command. The outcome says
// what the program wrote and how it ended.

import { execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import type { Case } from './programs.ts';

/** How a process ended: its status, or `alive` when it did not end by itself. */
export interface Outcome {
  readonly status: number | 'alive';
  readonly stdout: string;
  readonly stderr: string;
}

const folder = new URL('./', import.meta.url);
const run = promisify(execFile);

/** The emcc that Heapline uses, too. */
const emcc = process.env.HEAPLINE_EMCC || 'emcc';

/** No program takes this long unless it hangs. */
const LIMIT = 60_000;

/** The path of a program's source. */
export function sourceOf({ source }: Case): string {
  return fileURLToPath(new URL(source, folder));
}

/** Links a program as emcc links it without Heapline, at the optimisation level of Heapline's link. */
export async function buildPlain(program: Case, directory: string, name: string): Promise<string> {
  const script = join(directory, `${name}.js`);
  const extra: string[] = [];
  if (program.env !== undefined) {
    const setter = join(directory, `${name}.pre.js`);
    writeFileSync(
      setter,
      `Module.preRun = function () { Object.assign(ENV, ${JSON.stringify(program.env)}); };\n`,
    );
    extra.push('--pre-js', setter);
  }
  const compiler = emcc.replace(/emcc$/, program.source.endsWith('.cpp') ? 'em++' : 'emcc');
  await run(compiler, [
    '-O1',
    sourceOf(program),
    ...(program.flags ?? []),
    ...(program.link ?? []),
    ...extra,
    '-sENVIRONMENT=node',
    '-o',
    script,
  ]);
  return script;
}

/** Runs the program that buildPlain() has made. */
export function runPlain(program: Case, script: string): Promise<Outcome> {
  // Older glue takes Node's fetch for a browser's, and all glue takes the language of this machine from the navigator of
  // current Node.js. A guest under Heapline sees neither.
  const options = ['--import', 'data:text/javascript,delete globalThis.fetch;delete globalThis.navigator'];
  return outcome([process.execPath, ...options, script, ...(program.args ?? [])], program);
}

/** Runs a program through the command. */
export function runHeapline(program: Case, directory: string): Promise<Outcome> {
  return outcome(
    [
      process.execPath,
      inject('command'),
      'run',
      '--toolchain=emscripten',
      '-O1',
      '--no-pprof',
      ...(program.flags ?? []).flatMap((flag) => [`--cflag=${flag}`, `--ldflag=${flag}`]),
      ...(program.link ?? []).map((flag) => `--ldflag=${flag}`),
      ...Object.entries(program.env ?? {}).map(([name, value]) => `--env=${name}=${value}`),
      sourceOf(program),
      '--',
      ...(program.args ?? []),
    ],
    program,
    directory,
  );
}

function outcome(line: readonly string[], program: Case, cwd?: string): Promise<Outcome> {
  const whole = program.merged ? ['/bin/sh', '-c', 'exec "$@" 2>&1', 'sh', ...line] : line;
  const [file, ...args] = whole;
  return new Promise((resolve, reject) => {
    const child = spawn(file!, args, { cwd, stdio: 'pipe' });
    const streams = { stdout: '', stderr: '' };
    let status: Outcome['status'] | null = null;
    let timer: NodeJS.Timeout | undefined;
    const limit = (milliseconds: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        status = 'alive';
        child.kill('SIGKILL');
      }, milliseconds);
    };
    limit(LIMIT);
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        // The time of compiling does not count.
        if (streams.stdout === '' && program.endless !== undefined) limit(program.endless);
        streams[name] += text;
      });
    }
    child.stdin.on('error', () => {});
    child.stdin.end(program.stdin ?? '');
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ status: status ?? code ?? -1, ...streams });
    });
  });
}

/** True when an uncaught error ended the process. The glue of some versions reports such an error itself. */
export function crashed({ status, stderr }: Outcome): boolean {
  return status !== 0 && /\nNode\.js v\d+|^exiting due to exception: /m.test(stderr);
}

// `heapline emcc` and `em++`: the emcc of this machine with what Heapline needs. All options are emcc's own. A link gets
// the runtime in place of Emscripten's malloc, and a few lines at the start of the JavaScript, by which Node.js checks
// the heap when the process ends (check-glue.ts). Browsers skip these lines.

import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { commandOf, cxxDriverOf } from '../compile/emscripten-versions.ts';
import {
  findEmcc,
  HOW_TO_GET_EMSCRIPTEN,
  objectFlags,
  readMarks,
  runtimeStandIns,
  TEXT_FLAGS,
  withTemporaryDirectory,
} from '../compile/index.ts';
import { InvalidArgumentError, ToolchainError } from '../errors.ts';
import { isFile } from '../node/file-kinds.ts';
import { HEADER_FLAGS, runtimeDirectory } from '../node/own-files.ts';
import { actionOf, onlySource, withoutOutput } from './command-line.ts';

/** Options whose meaning emcc cannot have here, and what to do instead. */
const REJECTED: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:-shared|--shared|-dynamiclib|-sSIDE_MODULE(?!=0)|-sMAIN_MODULE(?!=0)|-sRELOCATABLE(?!=0))/,
    'Heapline links its runtime into one module, so there is no dynamic linking. Configure a static build: ' +
      './configure --disable-shared, cmake -DBUILD_SHARED_LIBS=OFF, meson -Ddefault_library=static.',
  ],
  [
    /^(?:-pthreads?|-sUSE_PTHREADS(?!=0)|-sPTHREADS(?!=0)|-sWASM_WORKERS(?!=0)|-sSHARED_MEMORY(?!=0))/,
    'Heapline profiles one thread. Leave the option out: <pthread.h> is still there, and only pthread_create fails.',
  ],
  [/^-sMEMORY64(?!=0)/, 'modules have 32-bit memory here. Leave the option out.'],
  [/^-sWASM=0|^-sWASM=2/, 'the heap of a program in JavaScript cannot be read. Leave the option out.'],
];

/** Runs emcc or em++. Returns its exit status. `checker` is the bundle that the program's JavaScript loads. */
export async function runEmcc(cxx: boolean, args: readonly string[], checker: string): Promise<number> {
  const emcc = findEmcc();
  if (emcc === null) throw new ToolchainError('emscripten', `no emcc was found: ${HOW_TO_GET_EMSCRIPTEN}.`);
  const { action, output, words, access } = actionOf(args);
  for (const [at, word] of words.entries()) {
    // `-s NAME` is one option in two words.
    const option = word === '-s' ? `-s${words[at + 1] ?? ''}` : word;
    const reason = REJECTED.find(([pattern]) => pattern.test(option))?.[1];
    if (reason !== undefined) throw new InvalidArgumentError(option, `${option}: ${reason}`);
  }
  const { command, before } = commandOf(cxx ? cxxDriverOf(emcc) : emcc);
  const start = (more: readonly string[]): Promise<number> => run(command, [...before, ...more]);
  if (action === 'ask') return start(args);
  if (action !== 'link') return compileOnly(start, words, output);
  return withTemporaryDirectory('emscripten', async (directory) => {
    const status = await start([
      ...objectFlags(),
      ...HEADER_FLAGS,
      ...words,
      ...linkArguments(directory, { checker, name: path.basename(output ?? 'a.out.js'), access }),
    ]);
    if (status === 0) await instrumentOutput(output ?? 'a.out.js', words, access);
    return status;
  });
}

/** Compiles without a link. Functions that a source marks so are left out of access checks. */
async function compileOnly(
  start: (more: readonly string[]) => Promise<number>,
  words: readonly string[],
  output: string | null,
): Promise<number> {
  const args = [...objectFlags(), ...HEADER_FLAGS, ...words];
  const source = words.includes('-c') ? onlySource(words) : null;
  if (source === null) return start(args);
  const toText = (): Promise<string | null> =>
    withTemporaryDirectory('emscripten', async (directory) => {
      const file = path.join(directory, 'text.ll');
      const flags = withoutOutput(args).filter((word) => word !== '-c');
      return (await start([...flags, ...TEXT_FLAGS, '-o', file])) === 0 ? readFileSync(file, 'utf8') : null;
    });
  const marks = await readMarks(path.resolve(source), words, toText);
  process.stderr.write(marks.output);
  const status = await start([...args, ...marks.flags]);
  const object = output ?? `${path.basename(source).replace(/\.[^.]+$/, '')}.o`;
  if (status === 0 && marks.flags.length > 0) writeFileSync(object, marks.list(readFileSync(object)));
  return status;
}

/** What the JavaScript of a program tells the checker. */
interface CheckedProgram {
  /** The bundle that it loads. */
  readonly checker: string;
  readonly name: string;
  /** Whether accesses are checked, whatever HEAPLINE_OPTIONS says. */
  readonly access: boolean;
}

/** What a link gets, with the files that it names. */
function linkArguments(directory: string, program: CheckedProgram): string[] {
  const runtime = path.join(runtimeDirectory(), 'heapline-emscripten.o');
  const flags = path.join(runtimeDirectory(), 'link-emscripten.rsp');
  const standIns = path.join(directory, 'heapline-imports.js');
  const preamble = path.join(directory, 'heapline-check.js');
  writeFileSync(standIns, runtimeStandIns(readFileSync(runtime)));
  writeFileSync(preamble, preambleOf(program));
  return [
    runtime,
    // Functions that nothing defines stay errors, because configure scripts look for functions by linking.
    ...readFileSync(flags, 'utf8')
      .split('\n')
      .filter((word) => word !== '' && word !== '-g' && !word.startsWith('-sERROR_ON_UNDEFINED_SYMBOLS')),
    ...['--js-library', standIns, '--pre-js', preamble],
    '-Wno-limited-postlink-optimizations',
    // clang, which compiles sources that are linked in the same command, does not know that warning of Emscripten's.
    '-Wno-unknown-warning-option',
  ];
}

/** JavaScript that every version of Emscripten's optimiser reads. */
function preambleOf({ checker, name, access }: CheckedProgram): string {
  return `// Heapline checks the heap when the process ends.
if (typeof process === 'object' && process.versions && process.versions.node) {
  (function(file) {
    var load = typeof require === 'function' ? require : process.getBuiltinModule && process.getBuiltinModule('module').createRequire(file);
    try {
      load(file).checkAtExit(${JSON.stringify(name)}, ${access});
    } catch (error) {
      console.error('heapline: the heap of ' + ${JSON.stringify(name)} + ' is not checked: ' + error.message);
    }
  })(${JSON.stringify(checker)});
}
`;
}

/** Instruments the module of an output, so that its start does not wait for it. */
async function instrumentOutput(output: string, words: readonly string[], access: boolean): Promise<void> {
  // A source map has the offsets of the module as it is now. With SINGLE_FILE there is no file of the module.
  if (words.some((word) => word.startsWith('-gsource-map'))) return;
  const file = output.endsWith('.wasm') ? output : `${output.replace(/\.(?:m?js|html)$/, '')}.wasm`;
  if (!isFile(file) || words.some((word) => /SINGLE_FILE(?:=1)?$/.test(word))) return;
  const { instrumentLinked } = await import('./linked-module.ts');
  writeFileSync(file, await instrumentLinked(new Uint8Array(readFileSync(file)), access));
}

function run(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit' });
    child.on('error', (error) => {
      process.stderr.write(`heapline emcc: ${command} cannot be started: ${error.message}\n`);
      resolve(127);
    });
    child.on('close', (status) => resolve(status ?? 128));
  });
}

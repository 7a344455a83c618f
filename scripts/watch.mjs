// The development loop: rebuilds the outputs that a change affects, and says how long that took.
//   csrc/  →  the runtime's objects in wasm/   (scripts/build-runtime.mjs)
//   src/   →  the library in dist/             (tsup, without declarations: ./build.sh writes those)
// The tests import the sources, so they need this only for wasm/ and, if they test the package or the command, dist/.
// Usage: npm run dev, or ./build.sh watch; ends with Ctrl-C.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync, watch } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Milliseconds without another change before a build starts: editors write a file in several steps. */
const QUIET = 100;

/** Runs a command and shows its output; returns whether it succeeded. */
async function run(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  const [status] = await once(child, 'close');
  return status === 0;
}

async function timed(what, build) {
  const start = performance.now();
  const succeeded = await build();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${what}: ${succeeded ? 'built' : 'FAILED'} in ${seconds} s`);
}

const newest = (folder, ending) =>
  Math.max(
    0,
    ...readdirSync(`${root}${folder}`, { recursive: true })
      .filter((name) => ending.test(name))
      .map((name) => statSync(`${root}${folder}/${name}`).mtimeMs),
  );
const oldest = (folder, ending) =>
  Math.min(
    ...readdirSync(`${root}${folder}`, { recursive: true })
      .filter((name) => ending.test(name))
      .map((name) => statSync(`${root}${folder}/${name}`).mtimeMs),
  );

const buildRuntime = () => timed('wasm/', () => run(process.execPath, ['scripts/build-runtime.mjs']));

/** Builds the runtime after each change of csrc/. A change during a build leads to another build after it. */
function watchRuntime() {
  let timer;
  let building = false;
  let again = false;
  const build = async () => {
    if (building) {
      again = true;
      return;
    }
    building = true;
    do {
      again = false;
      await buildRuntime();
    } while (again);
    building = false;
  };
  watch(`${root}csrc`, { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(build, QUIET);
  });
}

/** The lines of tsup that matter here. tsup reports errors on stderr, which is shown whole. */
const WORTH_SHOWING = /Change detected|Build (success|failed)/;

/** Lets tsup rebuild dist/ after each change of src/. */
function watchLibrary() {
  const child = spawn('npx', ['--no-install', 'tsup', '--watch', 'src', '--no-dts'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (WORTH_SHOWING.test(line)) console.log(`dist/: ${line}`);
  });
  let ending = false;
  process.on('SIGINT', () => {
    ending = true;
    child.kill('SIGINT');
  });
  child.on('close', (status) => {
    if (!ending) console.error(`tsup ended with status ${status}, so dist/ is not rebuilt any more.`);
    process.exit(ending ? 0 : 1);
  });
}

const objectsAreCurrent =
  existsSync(`${root}wasm/heapline-wasi.o`) && newest('csrc', /\.(c|h|cc)$/) <= oldest('wasm', /\.o$/);
if (objectsAreCurrent) console.log('wasm/: current');
else await buildRuntime();
watchRuntime();
watchLibrary();

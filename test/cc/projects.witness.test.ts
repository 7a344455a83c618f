// C projects, unmodified, built by their own builds with `heapline cc`: their own tests give the same results as natively,
// no test leaks or touches memory that is not its own, and a leak that is planted is reported at its line.

import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { FULL } from '../support/full.ts';
import { PROJECTS, type Project, type Tools } from './projects/projects.ts';
import { fetchSources } from './projects/sources.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tool = (name: string): string => path.join(root, 'dist', `heapline-${name}.js`);
const chosen = Object.entries(PROJECTS).filter(([, { always }]) => FULL || always);

/** The longest that a project may take, which is sqlite's. */
const MINUTES = 30;

const NATIVE: Tools = { cc: 'gcc', ar: 'ar', ranlib: 'ranlib', cmake: '' };
const HEAPLINE: Tools = {
  cc: tool('cc'),
  ar: tool('ar'),
  ranlib: tool('ranlib'),
  cmake: '--toolchain "$TOOLCHAIN"',
};

interface Ended {
  readonly status: number;
  readonly output: string;
}

/** A copy of a project's sources, in which one of the two builds works. */
class Copy {
  readonly directory: string;

  constructor(name: string, sources: string, project: Project, kind: string) {
    this.directory = path.join(root, '.cache', 'projects', `${name}-${kind}`);
    rmSync(this.directory, { recursive: true, force: true });
    mkdirSync(path.dirname(this.directory), { recursive: true });
    cpSync(path.join(sources, project.source), this.directory, { recursive: true, preserveTimestamps: true });
  }

  read(file: string): string {
    return readFileSync(path.join(this.directory, file), 'utf8');
  }

  write(file: string, text: string): void {
    writeFileSync(path.join(this.directory, file), text);
  }

  run(command: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return new Promise((resolve) => {
      const options = { cwd: this.directory, env: { ...process.env, ...env }, maxBuffer: 2 ** 28 };
      execFile('sh', ['-c', `exec 2>&1; ${command}`], options, (error, stdout) => {
        resolve({ status: error === null ? 0 : Number(error.code ?? -1), output: stdout });
      });
    });
  }

  /** Runs a command that has to succeed. */
  async succeed(command: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
    const { status, output } = await this.run(command, env);
    if (status !== 0) throw new Error(`${command} ended with ${status}:\n${output.slice(-4000)}`);
    return output;
  }
}

let sources = '';
let env: NodeJS.ProcessEnv = {};

beforeAll(async () => {
  sources = await fetchSources(chosen.map(([, { source }]) => source));
  const toolchain = await new Promise<string>((resolve, reject) =>
    execFile(process.execPath, [path.join(root, 'dist', 'cli.js'), 'cmake'], (error, stdout) =>
      error === null ? resolve(stdout.trim()) : reject(error),
    ),
  );
  env = { TOOLCHAIN: toolchain, HEAPLINE_TOOLCHAIN: 'clang' };
});

/** Builds and tests a copy. Tools that the build itself makes and runs may leak; its tests may not, and are checked. */
async function buildAndCheck(copy: Copy, project: Project, tools: Tools): Promise<readonly string[]> {
  await copy.succeed(project.configure(tools), env);
  await copy.succeed(project.make(tools), { ...env, HEAPLINE_OPTIONS: 'exitcode=0' });
  const access = FULL || project.alwaysChecked ? 1 : 0;
  const options = { ...env, HEAPLINE_OPTIONS: `access=${access}` };
  return project.results(await copy.succeed(project.check(tools), options));
}

describe.each(chosen)('%s', (name, project) => {
  test(
    'passes its own tests as it does natively, and a planted leak is reported at its line',
    async () => {
      const native = new Copy(name, sources, project, 'native');
      const copy = new Copy(name, sources, project, 'heapline');
      const expected = await buildAndCheck(native, project, NATIVE);
      expect(expected.length).toBeGreaterThan(0);
      expect(await buildAndCheck(copy, project, HEAPLINE)).toEqual(expected);

      const { file, without, allocated, make, run } = project.leak;
      const text = copy.read(file);
      const at = text.lastIndexOf(without);
      expect(at, `${file} has the text that is taken out`).toBeGreaterThan(0);
      copy.write(file, text.slice(0, at) + ';'.padEnd(without.length) + text.slice(at + without.length));
      await copy.succeed(make(HEAPLINE), { ...env, HEAPLINE_OPTIONS: 'exitcode=0' });
      const { status, output } = await copy.run(run, env);
      const place = allocated.file ?? file;
      const lines = copy.read(place).split('\n');
      const line = lines.findIndex((each) => each.includes(allocated.line)) + 1;
      expect(line, `${place} has the line that allocates`).toBeGreaterThan(0);
      expect(output).toMatch(
        new RegExp(`definite leak: [\\s\\S]*at ${allocated.by} \\(\\S*${place}:${line}[:)]`),
      );
      expect(status).toBe(23);
    },
    MINUTES * 60_000,
  );
});

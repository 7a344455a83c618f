// The TypeScript frames above C under everything that runs TypeScript: vitest, tsx, and tsup's output with and
// without --enable-source-maps. Each must show the same functions and lines of programs/host-frames.ts.

import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { HeapProfile, loadC } from '../../src/index.ts';
import { programPath, run } from '../support/served.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** The package as it is published, and an application that uses it. */
const sandboxes = join(root, '.cache/host-frames');
const built = join(sandboxes, 'package');
const application = join(sandboxes, 'application');

const script = programPath('host-frames.ts');
const lines = readFileSync(script, 'utf8').split('\n');
const lineOf = (text: string): number => lines.findIndex((line) => line.includes(text)) + 1;
const source = programPath('callback.c');

interface Result {
  stacks: { bytes: number; frames: { name: string; file: string; line: number; language: string }[] }[];
  mappings: string[];
}

beforeAll(async () => {
  rmSync(sandboxes, { recursive: true, force: true });
  mkdirSync(join(application, 'node_modules'), { recursive: true });
  mkdirSync(built, { recursive: true });
  const tsup = join(root, 'node_modules/tsup/dist/cli-default.js');
  await run(process.execPath, [tsup, '--silent', '--no-dts', '--out-dir', join(built, 'dist')], {}, root);
  writeFileSync(join(built, 'package.json'), readFileSync(join(root, 'package.json')));
  for (const name of ['wasm', 'csrc']) symlinkSync(join(root, name), join(built, name));
  symlinkSync(built, join(application, 'node_modules/heapline'));
  writeFileSync(join(application, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(application, 'tsconfig.json'), '{}');
  await run(
    process.execPath,
    [
      tsup,
      script,
      '--silent',
      '--no-config',
      '--no-dts',
      '--tsconfig',
      join(application, 'tsconfig.json'),
      '--external',
      'heapline',
      '--format',
      'esm',
      '--sourcemap',
      '--minify',
      '--target',
      'node20',
      '--out-dir',
      join(application, 'dist'),
    ],
    {},
    root,
  );
});

async function resultOf(args: readonly string[], directory: string): Promise<Result> {
  return JSON.parse(await run(process.execPath, args, { HOST_FRAMES_SOURCE: source }, directory)) as Result;
}

const environments: readonly [string, () => Promise<Result>][] = [
  [
    'vitest',
    async () => (await import('./programs/host-frames.ts')).stacks(loadC, source) as Promise<Result>,
  ],
  ['tsx', () => resultOf(['--import', 'tsx', script], root)],
  ["tsup's minified output", () => resultOf([join(application, 'dist/host-frames.js')], application)],
  [
    "tsup's minified output with --enable-source-maps",
    () => resultOf(['--enable-source-maps', join(application, 'dist/host-frames.js')], application),
  ],
];

describe.each(environments)('under %s', (_, obtain) => {
  let result: Result;
  beforeAll(async () => {
    result = await obtain();
  });

  /** The only stack that holds this number of bytes, without the frames outside the script. */
  const stackOf = (bytes: number): string[] => {
    const found = result.stacks.filter((stack) => stack.bytes === bytes);
    expect(found).toHaveLength(1);
    return found[0]!.frames.map(({ name, file, line }) => `${name} ${file}:${line}`);
  };
  const here = (name: string, text: string): RegExp =>
    new RegExp(`^${name} ${script.replaceAll('.', '\\.')}:${lineOf(text)}$`);
  const inC = (name: string): RegExp => new RegExp(`^${name} ${source.replaceAll('.', '\\.')}:\\d+$`);

  test('a leaked C string appears at its line of TypeScript', () => {
    const stack = stackOf('a name of twenty-two\0'.length);
    expect(stack[0]).toMatch(here('\\S+', 'leaked here'));
    expect(stack[1]).toMatch(here('\\S+', "leakName('a name"));
  });

  test('the call into C stands above the frames of C', () => {
    const stack = stackOf(5000);
    expect(stack[0]).toMatch(inC('store'));
    expect(stack[1]).toMatch(here('\\S+', 'entered here'));
  });

  test('calls through both languages and back are complete and in order', () => {
    const stack = stackOf(100);
    const expected = [
      inC('store'),
      inC('descend'),
      here('\\S+', 'back into C here'),
      inC('descend'),
      here('\\S+', 'back into C here'),
      inC('descend'),
      here('\\S+', 'entered from stacks()'),
    ];
    // At -O1 the compiler may inline store into descend. Both frames must be there in either case.
    for (const [i, frame] of expected.entries()) expect(stack[i]).toMatch(frame);
  });

  test('entries after an await and from a callback appear at their lines', () => {
    expect(stackOf(6000)[1]).toMatch(here('\\S+', 'entered after an await'));
    const callback = stackOf(7000);
    expect(callback[1]).toMatch(here('\\S+', 'entered from a callback'));
    expect(callback.filter((frame) => frame.includes(script)).length).toBeGreaterThanOrEqual(3);
  });

  test('no frame belongs to the engine or to Heapline', () => {
    for (const { frames } of result.stacks) {
      for (const { file, name, language } of frames) {
        if (language === 'c') continue;
        expect(file).not.toMatch(
          /^node:|^wasm:|heapline:emscripten|\/host-frames\/package\/|\/src\/(?!symbols)/,
        );
        expect(name).not.toMatch(/^(wasm-|js-to-wasm)|host_stack|#wrap/);
      }
    }
  });

  test('JavaScript has a mapping of its own', () => {
    expect(result.mappings).toContain('[javascript]');
    expect(result.mappings).toContain(source);
  });
});

describe('the published package', () => {
  const program = (lines: readonly string[]): string => {
    const file = join(application, `program-${Math.random().toString(36).slice(2)}.mjs`);
    writeFileSync(file, lines.join('\n'));
    return file;
  };

  test('serves the sandboxes of its CommonJS entry from its ESM entry, and the other way round', async () => {
    const output = await run(
      process.execPath,
      [
        program([
          "import { createRequire } from 'node:module';",
          "import * as esm from 'heapline';",
          "import * as esmServe from 'heapline/pprof';",
          'const require = createRequire(import.meta.url);',
          "const cjs = require('heapline');",
          "const cjsServe = require('heapline/pprof');",
          "const options = { toolchain: 'clang', imports: { host: { visit() {} } } };",
          `const one = await esm.loadC(${JSON.stringify(source)}, options);`,
          `const two = await cjs.loadC(${JSON.stringify(source)}, options);`,
          'one.exports.store(100); two.exports.store(200);',
          'const profiles = [];',
          'for (const { pprofFetch } of [esmServe, cjsServe]) {',
          "  const answer = await pprofFetch({ host: true })(new Request('http://x/debug/pprof/heap'));",
          "  profiles.push(Buffer.from(await answer.arrayBuffer()).toString('base64'));",
          '}',
          'console.log(JSON.stringify(profiles)); process.exit();',
        ]),
      ],
      {},
      application,
    );
    for (const encoded of JSON.parse(output) as string[]) {
      const held = new Map<unknown, number>();
      for (const { labels, values } of HeapProfile.decode(Buffer.from(encoded, 'base64')).samples()) {
        if (labels.heap === 'c') held.set(labels.instance, (held.get(labels.instance) ?? 0) + values[3]!);
      }
      expect([...held]).toEqual([
        ['callback.c', 100],
        ['callback.c#2', 200],
      ]);
    }
  });
});

// docs/rust.md, as a reader follows it: its commands and files make a project that is new. Then examples/rust, of which
// release builds are checked, too. The compiler is Debian's.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GuestExports, loadWasm, type Sandbox } from '../../src/index.ts';
import { FULL } from '../support/full.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'heapline-rust-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Debian's Rust, before any other on PATH. Nothing is fetched, and nothing of the user's is read. */
const env = {
  ...process.env,
  PATH: `/usr/bin:${process.env.PATH}`,
  CARGO_HOME: join(directory, 'cargo'),
  CARGO_NET_OFFLINE: 'true',
};
delete (env as NodeJS.ProcessEnv).RUSTUP_TOOLCHAIN;

const targets = execFileSync('/usr/bin/rustc', ['--print', 'target-list'], { encoding: 'utf8' }).split('\n');
/** The page has the name of current versions. */
const wasi = targets.includes('wasm32-wasip1') ? 'wasm32-wasip1' : 'wasm32-wasi';
const inThisRust = (text: string): string => text.replaceAll('wasm32-wasip1', wasi);

/** Runs commands in a shell. The command ends with a status other than 0 when it finds leaks, as it should. */
function run(folder: string, commands: string): string {
  const cli = `"${process.execPath}" "${join(root, 'dist/cli.js')}"`;
  const functions = `heapline() { ${cli} "$@" 2>&1 || test $? = 1; }\nnpx() { "$@"; }\n`;
  return execFileSync('bash', ['-euc', functions + inThisRust(commands)], {
    cwd: folder,
    env,
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

describe('docs/rust.md', () => {
  const page = readFileSync(join(root, 'docs/rust.md'), 'utf8');
  const project = join(directory, 'project');
  const commands = [...page.matchAll(/^```sh\n(.*?)^```/gms)].map(([, text]) => text!);
  const [, setUp, program, library] = commands;

  beforeAll(() => {
    mkdirSync(project);
    expect(commands).toHaveLength(4);
    expect(setUp).toBe('cargo init --name leaky\nnpm install --save-dev heapline\n');
    run(project, 'cargo init --vcs none --name leaky');
    for (const [, text] of page.matchAll(/^```rust\n(.*?)^```/gms)) {
      const file = join(project, /^\/\/ (\S+)/.exec(text!)![1]!);
      mkdirSync(dirname(file), { recursive: true });
      // Cargo would take the library into the program, and the page makes the program first.
      if (!file.endsWith('lib.rs')) writeFileSync(file, text!);
    }
  });

  it('finds the cycle of the program at the lines that the page shows', () => {
    const output = run(project, program!);
    expect(output).toContain('Ada and ADA');
    const shown = [...page.matchAll(/^ {4} *(\S.*)$/gm)].map(([, line]) => line!.trim());
    const lines = shown.filter((line) => /^(definite leak|at leaky)/.test(line));
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(output).toContain(line);
    expect(output).toMatch(/at \[\d+ frames outside of the project\]/);
  });

  it('finds the leaked box of the library', () => {
    const [lib] = [...page.matchAll(/^```rust\n(\/\/ src\/lib\.rs\n.*?)^```/gms)].map(([, text]) => text!);
    writeFileSync(join(project, 'src/lib.rs'), lib!);
    const output = run(project, library!);
    expect(output).toMatch(/definite leak: 100 bytes in 1 block/);
    expect(output).toMatch(/at boxed \(src\/lib\.rs:7:\d+\)/);
  });

  it('has the allocator of the example', () => {
    const [, allocator] = /^```rust\n\/\/ src\/allocator\.rs\n(.*?)^```/ms.exec(page)!;
    expect(
      readFileSync(join(root, 'examples/rust/src/allocator.rs'), 'utf8').replace(/^\/\/!.*\n\n/, ''),
    ).toBe(allocator);
  });
});

describe('examples/rust, optimised', () => {
  const project = join(directory, 'example');
  const flags = '$(npx heapline link-flags rust)';
  const places = async (file: string, call?: (sandbox: Sandbox<GuestExports>) => void) => {
    using sandbox = await loadWasm(join(project, file), { hostFrames: 'off' });
    if (call !== undefined) call(sandbox);
    else expect(sandbox.run()).toMatchObject({ exitCode: 0, stdout: '6 1225\n100\n' });
    const report = sandbox.heap.leaks();
    expect(sandbox.warnings).toEqual([]);
    return report.records
      .filter(({ kind }) => kind === 'definite' || kind === 'indirect')
      .map(({ kind, bytes, frames, indirect }) => {
        const mine = frames.filter((frame) => frame.file.startsWith(join(project, 'src')));
        const own = mine.filter(({ file }) => !file.endsWith('allocator.rs'));
        expect(frames.at(-1)).toBe(own.at(-1));
        return [
          kind,
          bytes,
          own.map(({ function: name, file, line }) => `${name} ${file.slice(project.length + 1)}:${line}`),
          indirect,
        ];
      });
  };
  const nothing = { blocks: 0, bytes: 0 };
  const lineOf = (file: string, text: string): string =>
    `src/${file}:${
      readFileSync(join(project, 'src', file), 'utf8')
        .split('\n')
        .findIndex((line) => line.includes(text)) + 1
    }`;

  beforeAll(() => cpSync(join(root, 'examples/rust'), project, { recursive: true }));

  it.each([
    ['legacy', ''],
    ['v0', '-C symbol-mangling-version=v0'],
  ])('a program has its leaks at their lines, with %s names', async (_, mangling) => {
    run(project, `cargo rustc --release --bin leaky --target wasm32-wasip1 -- ${mangling} ${flags}`);
    const found = await places(`target/${wasi}/release/leaky.wasm`);
    const main = (text: string): string => `leaky::main ${lineOf('main.rs', text)}`;
    const friends = (text: string): string[] => [
      `leaky::friends ${lineOf('main.rs', text)}`,
      main('friends("Ada")'),
    ];
    expect(found).toEqual(
      expect.arrayContaining([
        [
          'definite',
          200,
          [`leaky::forgotten ${lineOf('main.rs', '.collect()')}`, main('forgotten(50')],
          nothing,
        ],
        ['definite', 100, [`boxed ${lineOf('lib.rs', 'vec![7u8; size]')}`, main('leaky::boxed')], nothing],
        ['definite', 28, friends('let first'), { blocks: 3, bytes: 34 }],
      ]),
    );
    expect(found).toHaveLength(3);
  });

  it('a library without WASI has its leak at its line', async () => {
    run(project, `cargo rustc --release --lib --target wasm32-unknown-unknown -- ${flags}`);
    const call = ({ exports }: Sandbox<GuestExports>): void => {
      expect(exports.boxed!(100)).toBe(100);
    };
    expect(await places('target/wasm32-unknown-unknown/release/leaky.wasm', call)).toEqual([
      ['definite', 100, [`boxed ${lineOf('lib.rs', 'vec![7u8; size]')}`], nothing],
    ]);
  });
});

interface Counted {
  counted_bytes(): number;
  counted_blocks(): number;
  work(rounds: number): number;
  lose(size: number): void;
}

describe('a library with the allocator of Rust, without the runtime', () => {
  it.each(FULL ? ['0', '2'] : ['2'])(
    'agrees with a counter in front of that, at opt-level %s',
    async (level) => {
      const source = join(root, 'test/smoke/programs/counted.rs');
      const file = join(directory, `counted${level}.wasm`);
      const target = '--target wasm32-unknown-unknown --crate-type cdylib --edition 2021';
      run(directory, `rustc ${target} -g -C opt-level=${level} "${source}" -o "${file}"`);
      const { exports } = await WebAssembly.instantiate(readFileSync(file)).then(({ instance }) => instance);
      const plain = exports as unknown as Counted;
      using sandbox = await loadWasm<Counted>(file);
      const { work, lose, counted_bytes } = sandbox.exports;
      expect(work(400)).toBe(plain.work(400));
      // In the sandbox it counts the recorder's memory as well, which comes from the same allocator.
      const { inUseBytes, inUseObjects } = sandbox.heap.stats();
      expect([inUseBytes, inUseObjects]).toEqual([plain.counted_bytes(), plain.counted_blocks()]);
      expect(counted_bytes()).toBeGreaterThan(inUseBytes);
      expect(sandbox.heap.leaks().totals.definite.blocks).toBe(0);
      lose(77);
      const [lost] = sandbox.heap.leaks().records.filter(({ kind }) => kind === 'definite');
      expect(lost).toMatchObject({ blocks: 1, bytes: 77 });
      expect(lost!.frames.some(({ function: name }) => name === 'lose')).toBe(true);
    },
  );
});

describe.runIf(FULL)('access checks', () => {
  it.each(['0', '2'])(
    'find what unsafe code does beside a Vec and after a drop, at opt-level %s',
    (level) => {
      const source = join(root, 'test/smoke/programs/unsafe.rs');
      const flags = `--edition 2021 --target wasm32-wasip1 -g -C opt-level=${level}`;
      run(directory, `rustc ${flags} "${source}" $(npx heapline link-flags rust) -o unsafe.wasm`);
      const output = run(directory, 'npx heapline check --access unsafe.wasm');
      expect(output).toMatch(/^45 <0>,<1>,/);
      expect(output.match(/heap-[\w-]+ in [\w:]+: read of \d+ bytes? at \w+, .*block of \d+ bytes/g)).toEqual(
        [
          expect.stringMatching(
            /heap-buffer-overflow .* of 4 .* 0 bytes past the end of a block of 40 bytes/,
          ),
          expect.stringMatching(/heap-use-after-free .* of 1 .* 0 bytes into a freed block of 5 bytes/),
        ],
      );
      const lines = readFileSync(source, 'utf8').split('\n');
      for (const text of ['*start.add(index)', 'read_volatile(start)', 'drop(text)', 'let bad']) {
        const line = lines.findIndex((each) => each.includes(text)) + 1;
        expect(output).toContain(`unsafe.rs:${line}:`);
      }
    },
  );
});

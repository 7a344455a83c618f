// Names of Rust as LLVM (v0) and GNU's binutils (legacy) read them: those of Rust's own library, and of a source with
// every kind of name.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { rustName } from '../../../src/symbols/rust-names.ts';

const directory = mkdtempSync(join(tmpdir(), 'heapline-rust-names-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const run = (command: string, args: readonly string[], input?: string): string =>
  execFileSync(command, args, {
    encoding: 'utf8',
    input,
    maxBuffer: 2 ** 28,
    stdio: ['pipe', 'pipe', 'ignore'],
  });

/** The symbols of a file whose names begin so. */
function symbolsOf(file: string, prefix: string): string[] {
  const names = run('llvm-nm-22', ['--just-symbol-name', file]).split('\n');
  return [...new Set(names.filter((name) => name.startsWith(prefix)))];
}

const source = new URL('names.rs', import.meta.url).pathname;
const rustlib = '/usr/lib/rustlib';
const target = readdirSync(rustlib).find((name) => name.startsWith('wasm32-wasi'))!;

function compiled(mangling: readonly string[]): string {
  const file = join(directory, `${mangling.length}.o`);
  const args = ['--edition=2021', '-g', '--crate-type=rlib', '--emit=obj', `--target=${target}`, ...mangling];
  run('/usr/bin/rustc', [...args, source, '-o', file]);
  return file;
}

describe('the names of Rust', () => {
  it('with v0 mangling are those of LLVM', () => {
    const names = symbolsOf(compiled(['-C', 'symbol-mangling-version=v0']), '_R');
    expect(names.length).toBeGreaterThan(800);
    const theirs = run('llvm-cxxfilt-22', [], names.join('\n')).trimEnd().split('\n');
    // LLVM writes characters in constants by their numbers.
    expect(names.map(rustName)).toEqual(theirs.map((name) => name.replaceAll("'\\u{2202}'", "'∂'")));
    for (const part of [
      "Sq<5, true, '∂'>",
      '::<-77>',
      'größe::länge',
      '{closure#',
      ' as v0::Shape<i32>>::area',
    ])
      expect(theirs.join('\n').replaceAll("'\\u{2202}'", "'∂'").replaceAll('names::', 'v0::')).toContain(
        part,
      );
  });

  it('with legacy mangling are those of binutils, without hashes', () => {
    const libraries = readdirSync(join(rustlib, target, 'lib')).filter((file) =>
      /^lib(std|core|alloc)-.*\.rlib$/.test(file),
    );
    const files = [compiled([]), ...libraries.map((file) => join(rustlib, target, 'lib', file))];
    const names = files.flatMap((file) => symbolsOf(file, '_ZN'));
    expect(names.length).toBeGreaterThan(3000);
    const theirs = run('c++filt', ['--format=rust'], names.join('\n')).trimEnd().split('\n');
    const wrong = names
      .map((name, i) => [rustName(name), theirs[i]!.replace(/::h[0-9a-f]{16}$/, '')] as const)
      // binutils leaves letters that are not ASCII as they are written.
      .filter(([ours, expected]) => ours !== expected && !/\$u[0-9a-f]+\$/.test(expected));
    expect(wrong).toEqual([]);
  });
});

// Makes wasm files for tests with the tools of the system: from C with clang 22 and wasm-ld 22, from text with
// wat2wasm.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ABI_VERSION, MAGIC, SHADOW_SLOTS } from '../../src/runtime/layout.ts';

/** A folder for one test file. Call `remove` at the end. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'heapline-build-'));
  #count = 0;

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  path(suffix: string): string {
    this.#count += 1;
    return join(this.folder, `${this.#count}${suffix}`);
  }

  file(suffix: string, content: string | Uint8Array): string {
    const path = this.path(suffix);
    writeFileSync(path, content);
    return path;
  }

  read(path: string): Uint8Array {
    return new Uint8Array(readFileSync(path));
  }

  run(tool: string, ...options: string[]): string {
    return execFileSync(tool, options, {
      encoding: 'utf8',
      maxBuffer: 2 ** 27,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Compiles one C file without libc and returns the object's path. */
  object(source: string, ...flags: string[]): string {
    const path = this.path('.o');
    const options = [
      '--target=wasm32-unknown-unknown',
      '-O1',
      '-g',
      '-fno-builtin-malloc',
      '-fno-builtin-free',
    ];
    this.run('clang-22', ...options, ...flags, '-c', source, '-o', path);
    return path;
  }

  /** The compiled recording runtime of fixtures/. */
  runtime(): string {
    const constants = [
      `-DHL_MAGIC=${MAGIC}`,
      `-DHL_ABI_VERSION=${ABI_VERSION}`,
      `-DHL_SHADOW_SLOTS=${SHADOW_SLOTS}`,
    ];
    return this.object(
      fileURLToPath(new URL('../instrument/fixtures/recording-runtime.c', import.meta.url)),
      '-O2',
      ...constants,
    );
  }

  /** Links objects and exports the runtime's symbols, as the drivers do. */
  link(objects: readonly string[], ...flags: string[]): Uint8Array {
    const path = this.path('.wasm');
    this.run(
      'wasm-ld-22',
      '--no-entry',
      '--export=heapline_runtime',
      '--export=heapline_shadow',
      ...flags,
      ...objects,
      '-o',
      path,
    );
    return this.read(path);
  }

  /** Assembles text with the features that engines ship and wabt supports. */
  assemble(text: string, ...flags: string[]): Uint8Array {
    const path = this.path('.wasm');
    const features = ['exceptions', 'tail-call', 'threads', 'multi-memory', 'memory64', 'extended-const'];
    const enable = features.map((feature) => `--enable-${feature}`);
    this.run('wat2wasm', ...enable, ...flags, this.file('.wat', text), '-o', path);
    return this.read(path);
  }
}

// Wrong accesses in the reports, on the command line, and where checks are impossible.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { compile } from '../../src/compile/index.ts';
import {
  attach,
  formatGitHub,
  formatJson,
  formatJUnit,
  formatSarif,
  formatText,
  InvalidArgumentError,
  type LoadWasmOptions,
  loadC,
  loadWasm,
  UnsupportedModuleError,
} from '../../src/index.ts';
import { instrument } from '../../src/instrument/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'heapline-access-reports-'));
const source = join(folder, 'names.c');
writeFileSync(
  source,
  `#include <stdlib.h>
#include <string.h>
static char *copy(const char *name) {
  char *own = malloc(strlen(name));
  for (size_t i = 0; i <= strlen(name); i++)
    own[i] = name[i];
  return own;
}
int main(void) {
  char *name = copy("twelve bytes");
  int first = name[0];
  free(name);
  return first == 't' ? 0 : name[1];
}
`,
);
afterAll(() => rmSync(folder, { recursive: true }));

function command(...args: string[]): { status: number | null; stderr: string } {
  return spawnSync(process.execPath, [inject('command'), ...args], { encoding: 'utf8', cwd: folder });
}

describe('reports of wrong accesses', () => {
  it('count instructions of one line and column once, where the compiler has unrolled a loop', async () => {
    const unrolled = join(folder, 'unrolled.c');
    writeFileSync(
      unrolled,
      `int sum(const volatile char *from, int count) {
  int sum = 0;
#pragma clang loop unroll_count(4)
  for (int i = 0; i < count; i++) sum += from[i];
  return sum;
}
int two(const volatile char *from) { return from[9] + from[10]; }
`,
    );
    using lib = await loadC<{ sum(from: number, count: number): number; two(from: number): number }>(
      unrolled,
      {
        toolchain: 'clang',
        flags: ['-O2'],
        checks: true,
        hostFrames: 'off',
      },
    );
    const block = lib.heap.malloc(8);
    const places = () => lib.heap.faults().map(({ frames }) => `${frames[0]!.line}:${frames[0]!.column}`);
    lib.exports.sum(block, 16);
    expect(lib.heap.stats().faults).toBeGreaterThan(1);
    expect(places()).toEqual(['4:42']);
    lib.exports.two(block);
    expect(places()).toEqual(['4:42', '7:45', '7:55']);
  });

  it('name the access, its place and its block, and show the memory around it', async () => {
    using lib = await loadC(source, { toolchain: 'clang', flags: ['-O0'], checks: true, hostFrames: 'off' });
    lib.run();
    const report = lib.heap.leaks();
    const text = formatText(report, { root: folder });
    expect(text).toMatch(
      /heap fault: heap-buffer-overflow in copy: write of 1 byte at 0x[0-9a-f]{8}, 0 bytes past the end of a block of 12 bytes\n {2}at copy \(names\.c:6:12\)\n {2}at main \(names\.c:10:16\)/,
    );
    expect(text).toMatch(/allocated\n {4}at copy \(names\.c:4:15\)/);
    expect(text).toMatch(/74 {2}77 {2}65 {2}6c {2}76 {2}65 {2}20 {2}62 {2}79 {2}74 {2}65 {2}73 \[--\] --/);
    const words = 'write of 1 byte at';
    expect(JSON.parse(formatJson(report)).errors[0]).toMatchObject({
      kind: 'heap-buffer-overflow',
      access: { kind: 'write', size: 1, position: '0 bytes past the end of a block of 12 bytes' },
    });
    expect(formatJUnit(report)).toContain(words);
    expect(formatGitHub(report, { root: folder })).toContain(words);
    const sarif = JSON.parse(formatSarif(report));
    expect(sarif.runs[0].results[0]).toMatchObject({ ruleId: 'heap-buffer-overflow', level: 'error' });
    expect(report.isClean()).toBe(false);
  });

  it('come from heapline check --access, with its status', () => {
    const plain = command('check', '--toolchain', 'clang', source);
    expect([plain.status, plain.stderr]).toEqual([0, expect.stringContaining('no leaks, no heap faults')]);
    const { status, stderr } = command('check', '--access', '--toolchain', 'clang', source);
    expect(stderr).toMatch(/heap-buffer-overflow in copy: write of \d bytes? at/);
    expect(status).toBe(1);
  });

  it('come from modules that heapline instrument --access wrote', () => {
    expect(command('build', '--toolchain', 'clang', '-o', 'names.wasm', source).status).toBe(0);
    const instrumented = command('instrument', '--access', 'names.wasm', '-o', 'checked.wasm');
    expect(instrumented).toMatchObject({ status: 0, stderr: expect.stringContaining('Wrote checked.wasm') });
    const { status, stderr } = command('check', 'checked.wasm');
    expect(stderr).toMatch(/heap-buffer-overflow in copy: write of \d bytes? at/);
    expect(status).toBe(1);
    command('instrument', 'names.wasm', '-o', 'slots.wasm');
    expect(command('check', '--access', 'slots.wasm')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/instrumented without checks/),
    });
    expect(command('build', '--access', '-o', 'x.wasm', source)).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/--instrument/),
    });
  });
});

describe('variables on the command line', () => {
  it('have room with --access, with build --stack, and not with --no-stack', () => {
    const numbers = join(folder, 'numbers.c');
    writeFileSync(
      numbers,
      'int sums[4];\nint main(int argc, char **argv) {\n  int v[3] = {argc, 2, 3};\n  return v[argc + 2] + sums[argc + 3] == 123456;\n}\n',
    );
    const found =
      /stack-buffer-overflow in main: read of 4 bytes[\s\S]*'v' \(12 bytes, line 3\) in main[\s\S]*global-buffer-overflow in main/;
    const { status, stderr } = command('check', '--access', '-O0', '--toolchain', 'clang', numbers);
    expect(stderr).toMatch(found);
    expect(status).toBe(1);
    const without = command('check', '--access', '--no-stack', '-O0', '--toolchain', 'clang', numbers);
    expect(without).toMatchObject({ status: 0, stderr: expect.stringContaining('no heap faults') });
    expect(
      command('build', '--stack', '-O0', '--toolchain', 'clang', '-o', 'numbers.wasm', numbers).status,
    ).toBe(0);
    expect(command('check', '--access', 'numbers.wasm').stderr).toMatch(found);
    // --stack asks whether a module has room.
    const asked = command('check', '--access', '--stack', 'numbers.wasm').stderr;
    expect(asked).toMatch(found);
    expect(asked).not.toContain('no effect');
    // Without checks, nobody reads what the code writes about its variables.
    expect(command('check', 'numbers.wasm')).toMatchObject({ status: 0 });
  });
});

describe('checks that are impossible', () => {
  it('say so: a module instrumented without them, too little memory', async () => {
    const { wasm } = await compile([source], { toolchain: 'clang' });
    const { bytes } = instrument(wasm);
    await expect(loadWasm(bytes, { access: true })).rejects.toThrow(UnsupportedModuleError);
    await expect(loadWasm(wasm, { access: true, maxMemory: 65536 })).rejects.toThrow(InvalidArgumentError);
    using lib = await loadWasm(wasm, { access: true, maxMemory: 2 ** 22 });
    expect(lib.heap.stats().memoryBytes).toBeLessThanOrEqual((2 ** 22 * 8) / 7 + 2 * 65536);
  });

  it('say so: variables of a module without room, and room that nobody would look at', async () => {
    const { wasm } = await compile([source], { toolchain: 'clang' });
    const withoutRoom = /compiled without room around its variables.*`heapline build --stack`/;
    await expect(loadWasm(wasm, { checks: true, stack: true })).rejects.toThrow(withoutRoom);
    await expect(loadWasm(wasm, { stack: true })).rejects.toThrow(/stack: true needs access: true/);
    const run = async () => (await WebAssembly.instantiate(wasm as Uint8Array<ArrayBuffer>)).instance;
    await expect(attach(run, {}, { access: true, stack: true })).rejects.toThrow(withoutRoom);
    await expect(attach(run, {}, { stack: true })).rejects.toThrow(/stack: true needs access: true/);
    const wrong = { checks: true, stack: false } as unknown as LoadWasmOptions;
    await expect(loadWasm(wasm, wrong)).rejects.toThrow(/The option stack must be true, or left out/);
  });

  it('go with a module that was instrumented with them', async () => {
    const { wasm } = await compile([source], { toolchain: 'clang' });
    const { instrumentWithChecks } = await import('../../src/access/index.ts');
    const { bytes } = await instrumentWithChecks(wasm);
    using lib = await loadWasm(bytes);
    lib.run();
    expect(lib.heap.faults().map(({ kind }) => kind)).toEqual(['heap-buffer-overflow']);
  });
});

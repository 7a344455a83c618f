// The debug information of compiled modules, read by llvm-dwarfdump.

import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { readModule } from '../../src/binary/index.ts';
import { type CompiledModule, compile } from '../../src/compile/index.ts';
import { toolchainNames } from '../support/source-tree.ts';
import { programTree } from './program-tree.ts';

const { tree, cacheDir } = programTree();

describe.each(toolchainNames)('%s', (toolchain) => {
  let program: CompiledModule;
  beforeAll(async () => {
    program = await compile([tree.file('program.c')], { toolchain, cacheDir });
  });

  it('keeps every call of malloc, on its own line', () => {
    const output = execFileSync('llvm-dwarfdump-22', ['--debug-line', '-'], {
      input: program.wasm,
    }).toString();
    for (const line of [13, 15]) expect(output).toMatch(new RegExp(`^0x[0-9a-f]+ +${line} +12 `, 'm'));
  });

  it('writes absolute paths of the real files into DWARF', () => {
    const info = execFileSync('llvm-dwarfdump-22', ['--debug-info', '-'], { input: program.wasm }).toString();
    expect(info).toContain(`DW_AT_name\t("${tree.file('program.c')}")`);
    expect(info).not.toContain('@heapline');
    const files = execFileSync('llvm-dwarfdump-22', ['--debug-line', '-'], {
      input: program.wasm,
    }).toString();
    expect(files).not.toContain('@heapline');
  });

  it('leaves code where the linker put it: functions in DWARF start where bodies do', () => {
    const module = readModule(program.wasm);
    const starts = new Set(module.bodies.map((body) => body.start - module.codeStart));
    const info = execFileSync('llvm-dwarfdump-22', ['--debug-info', '-'], { input: program.wasm }).toString();
    const subprograms = [...info.matchAll(/DW_TAG_subprogram\n\s+DW_AT_low_pc\t\(0x([0-9a-f]+)\)/g)];
    const pcs = subprograms.map((match) => Number.parseInt(match[1]!, 16)).filter((pc) => pc !== 0);
    expect(pcs.length).toBeGreaterThan(3);
    for (const pc of pcs.filter((each) => each < 0xffff_fff0)) expect(starts).toContain(pc);
  });
});

const USELESS = `#include <stdlib.h>
#include <string.h>
void f(void) {
  free(malloc(1));
  free(calloc(2, 3));
  free(realloc(NULL, 4));
  free(aligned_alloc(16, 16));
  free(strdup("x"));
}
`;

describe('useless allocations', () => {
  it.each(toolchainNames)('are still made with %s', async (toolchain) => {
    const library = await compile([tree.write('useless.c', USELESS)], {
      toolchain,
      cacheDir,
      flags: ['-O3'],
    });
    const output = execFileSync('llvm-dwarfdump-22', ['--debug-line', '-'], {
      input: library.wasm,
    }).toString();
    for (const line of [4, 5, 6, 7, 8]) {
      // Two calls on each line, so two rows at the columns of the calls.
      const rows = output.match(new RegExp(`^0x[0-9a-f]+ +${line} +(3|8) `, 'gm'));
      expect(rows?.length).toBeGreaterThanOrEqual(2);
    }
  });
});

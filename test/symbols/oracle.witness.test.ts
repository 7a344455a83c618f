// Compares frames with llvm-symbolizer at every instruction of small programs, for each compiler, DWARF
// version and level of optimisation. There must be no difference at all.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readModule } from '../../src/binary/index.ts';
import { Symbolizer } from '../../src/symbols/index.ts';
import { FULL } from '../support/full.ts';
import {
  callOffsets,
  compareFrames,
  instructionOffsets,
  llvmFrames,
  type OracleFrame,
} from '../support/llvm-symbolizer.ts';
import { build, type Toolchain } from '../support/symbol-modules.ts';
import { nestedInlines, shapes } from '../support/symbol-programs.ts';

/** Versions of DWARF with the levels at which programs are compiled: every day one level for each, in turns. */
const buildsOf = (turn: number) =>
  [2, 3, 4, 5].flatMap((version) =>
    (FULL ? ['-O0', '-O1', '-O2', '-O3', '-Os', '-Oz'] : [(version + turn) % 2 === 0 ? '-O0' : '-O2']).map(
      (level) => [version, level] as const,
    ),
  );

async function expectAgreement(
  program: typeof shapes,
  toolchain: Toolchain,
  flags: readonly string[],
  tool?: string,
): Promise<void> {
  const path = await build(program, { toolchain, flags: ['-g', ...flags] });
  const wasm = readFileSync(path);
  const symbolizer = Symbolizer.open(wasm);
  expect(symbolizer.source).toBe('dwarf');
  const result = compareFrames(
    symbolizer,
    path,
    instructionOffsets(wasm, () => true),
    tool,
  );
  expect(result.differences).toEqual([]);
  expect(result.inlined).toBeGreaterThan(0);
  expect(result.compared - result.unknown).toBeGreaterThan(callOffsets(wasm).length);
  expect(symbolizer.warnings).toEqual([]);
}

describe.each<Toolchain>(['clang-14', 'clang-22'])(
  'frames of %s equal those of llvm-symbolizer',
  (toolchain) => {
    test.each(buildsOf(0))('C in DWARF %i at %s', (version, level) =>
      expectAgreement(nestedInlines, toolchain, [`-gdwarf-${version}`, level]),
    );

    test.each(buildsOf(1))('C++ in DWARF %i at %s', (version, level) =>
      expectAgreement(shapes, toolchain, [`-gdwarf-${version}`, level]),
    );
  },
);

describe('frames of the embedded compiler equal those of llvm-symbolizer', () => {
  test.each([4, 5])('C and C++ in DWARF %i', async (version) => {
    await expectAgreement(nestedInlines, 'embedded', [`-gdwarf-${version}`, '-O2']);
    await expectAgreement(shapes, 'embedded', [`-gdwarf-${version}`, '-O2']);
  });
});

// Emscripten runs Binaryen on the linked module, and Binaryen rewrites the debug information. Without
// optimisation, calls keep their positions; between calls, some instructions get positions of their
// neighbours.
describe('Emscripten', () => {
  const program = { ...nestedInlines, exports: ['entry', 'dispatch', 'outer'] };

  test.each(['-O0', '-O2'])(
    'linked at -O0: frames of all calls in C at %s equal those of llvm-symbolizer',
    async (level) => {
      const path = await build(program, { toolchain: 'emscripten', flags: ['-g', level] });
      const wasm = readFileSync(path);
      // Binaryen gives functions of libc that the linker removed the address 0, and llvm-symbolizer finds them in the
      // first bytes of the code, whatever is there.
      const names = new Set(readModule(wasm).functionNames().values());
      const symbolizer = Symbolizer.open(wasm);
      const offsets = callOffsets(wasm);
      const answers = llvmFrames(path, offsets).map((frames) => frames.at(-1)!.function);
      const kept = offsets.filter(
        (offset, index) =>
          names.has(answers[index]!) || symbolizer.frames(offset).at(-1)?.function === answers[index],
      );
      const result = compareFrames(symbolizer, path, kept);
      expect(result.differences).toEqual([]);
      expect(result.inlined).toBeGreaterThan(0);
      expect(result.compared).toBeGreaterThan(offsets.length / 2);
    },
  );

  test('linked at -O2: more stacks equal those of the unoptimised module than with llvm-symbolizer', async () => {
    const options = { toolchain: 'emscripten', flags: ['-g', '-O2'] } as const;
    const before = readFileSync(await build(program, options));
    const path = await build(program, { ...options, link: ['-O2'] });
    const after = readFileSync(path);
    const describeStack = (frames: readonly OracleFrame[]): string =>
      frames.map((frame) => `${frame.function} ${frame.file}:${frame.line}:${frame.column}`).join('\n');
    const symbols = Symbolizer.open(before);
    const genuine = new Set(callOffsets(before).map((offset) => describeStack(symbols.frames(offset))));
    const optimised = Symbolizer.open(after);
    const offsets = callOffsets(after);
    const ours = offsets.filter((offset) => genuine.has(describeStack(optimised.frames(offset)))).length;
    const theirs = llvmFrames(path, offsets).filter((frames) => genuine.has(describeStack(frames))).length;
    expect(ours).toBeGreaterThanOrEqual(theirs);
    expect(ours / offsets.length).toBeGreaterThan(0.8);
  });
});

test('code that the linker dropped does not appear', async () => {
  const program = { ...nestedInlines, exports: ['outer'] };
  for (const version of [4, 5]) {
    await expectAgreement(program, 'clang-14', [`-gdwarf-${version}`, '-O1']);
    await expectAgreement(program, 'clang-22', [`-gdwarf-${version}`, '-O1']);
  }
});

test('type units and simple template names are read', async () => {
  await expectAgreement(shapes, 'clang-22', ['-gdwarf-5', '-O1', '-gsimple-template-names']);
  await expectAgreement(shapes, 'clang-14', ['-gdwarf-4', '-O1', '-fdebug-types-section']);
});

test('lines are known if the debug information has only lines', async () => {
  for (const toolchain of ['clang-14', 'clang-22'] as const) {
    await expectAgreement(nestedInlines, toolchain, ['-gline-tables-only', '-O1']);
    await expectAgreement(shapes, toolchain, ['-gdwarf-5', '-gline-tables-only', '-O2']);
  }
});

test('llvm-symbolizer 14 gives the same frames as 22', async () => {
  await expectAgreement(nestedInlines, 'clang-14', ['-gdwarf-4', '-O2'], 'llvm-symbolizer-14');
});

// Wrong accesses of each kind, size and direction, and what the report says of them: kind, direction, size, position,
// line and stacks. The same function without the fault is found clean. WASI runs all cases at -O0 and -O2; Emscripten and
// the embedded toolchain run a sample.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  formatGitHub,
  formatJson,
  formatJUnit,
  formatSarif,
  formatText,
  type HeapFault,
  HeapFaultError,
  loadC,
  type Sandbox,
  TrapError,
} from '../../src/index.ts';
import { FULL } from '../support/full.ts';
import { type AccessCase, accessCases, accessSource, lineOf } from './cases.ts';
import { type VariableCase, variableCases } from './variable-cases.ts';

const folder = mkdtempSync(join(tmpdir(), 'heapline-access-'));
const source = join(folder, 'cases.c');
writeFileSync(source, accessSource(false));
afterAll(() => rmSync(folder, { recursive: true }));

type Functions = Record<string, (bad: number) => void>;

function seen(fault: HeapFault) {
  const { kind, access } = fault;
  return {
    kind,
    access: access?.kind,
    size: access?.size,
    position: access?.position,
    // Of an access in libc, the call that led there.
    line: fault.frames.find((frame) => frame.file === source)?.line,
    caller: fault.frames.some((frame) => frame.language === 'js'),
    allocated: fault.allocatedAt?.some((frame) => frame.file === source),
    freed: fault.freedAt?.some((frame) => frame.file === source) ?? false,
  };
}

function wanted({ name, kind, access, size, position }: AccessCase, found: ReturnType<typeof seen>) {
  return {
    ...{ kind, access, position, line: lineOf(name), caller: true, allocated: true },
    size: size === 0 ? found.size : size,
    freed: kind === 'heap-use-after-free',
  };
}

const LITERAL = /^(?:\.L)?\.str(?:\.\d+)?$|^<string literal>$/;

/** What a fault says of the variable that was missed. */
function seenBeside({ kind, access, block, frames }: HeapFault) {
  const { variable } = access!;
  const [distance] = access!.position.split(' ');
  return {
    ...{ kind, access: access!.kind, size: access!.size, block },
    // Compilers put the function before the name of a static variable.
    variable: variable?.name.replace(LITERAL, '').replace(/^.*\./, ''),
    place: [Number(distance), /past|before|into/.exec(access!.position)?.[0], variable?.size],
    line: frames.find((frame) => frame.file === source)?.line,
    caller: frames.some((frame) => frame.language === 'js'),
  };
}

function wantedBeside(each: VariableCase, found: ReturnType<typeof seenBeside>) {
  const { kind, access, size, variable, place } = each;
  return {
    ...{ kind, access, size: size === 0 ? found.size : size, block: null, variable, place },
    ...{ line: lineOf(each.name), caller: true },
  };
}

const builds = [
  ['clang', '-O0', 1],
  ['clang', '-O2', 1],
  ['embedded', '-O1', FULL ? 1 : 4],
  ['emscripten', '-O1', FULL ? 1 : 4],
] as const;

describe.each(builds)('%s %s', (toolchain, level, every) => {
  let lib: Sandbox<Functions>;
  beforeAll(async () => {
    lib = await loadC<Functions>(source, { toolchain, flags: [level, '-w'], checks: true });
  });
  afterAll(() => lib?.dispose());

  it.each(accessCases.filter((_, index) => index % every === 0).map((each) => [each.name, each] as const))(
    '%s',
    (name, each) => {
      const before = lib.heap.faults().length;
      lib.exports[name]!(0);
      expect(lib.heap.faults().slice(before).map(seen)).toEqual([]);
      lib.exports[name]!(1);
      const found = lib.heap.faults().slice(before).map(seen);
      if (each.several !== true) expect(found).toHaveLength(1);
      expect(found[0]).toEqual(wanted(each, found[0]!));
      // Once is enough for each place.
      lib.exports[name]!(1);
      expect(lib.heap.faults()).toHaveLength(before + found.length);
    },
  );
});

describe.each(builds)('beside variables, %s %s', (toolchain, level, every) => {
  let lib: Sandbox<Functions>;
  beforeAll(async () => {
    lib = await loadC<Functions>(source, { toolchain, flags: [level, '-w'], checks: true });
  });
  afterAll(() => lib?.dispose());

  it.each(variableCases.filter((_, index) => index % every === 0).map((each) => [each.name, each] as const))(
    '%s',
    (name, each) => {
      const before = lib.heap.faults().length;
      lib.exports[name]!(0);
      expect(lib.heap.faults().slice(before)).toEqual([]);
      lib.exports[name]!(1);
      const found = lib.heap.faults().slice(before).map(seenBeside);
      if (each.several !== true) expect(found).toHaveLength(1);
      expect(found[0]).toEqual(wantedBeside(each, found[0]!));
    },
  );

  it('says in which function a variable is, and which line declares it', () => {
    lib.exports.second_of_two!(1);
    const fault = lib.heap.faults().find(({ access }) => access?.variable?.function === 'second_of_two')!;
    expect(fault.access).toMatchObject({
      position: `2 bytes past the end of the variable 'w' (10 bytes, line ${lineOf('second_of_two')}) in second_of_two`,
      variable: { name: 'w', size: 10, line: lineOf('second_of_two') },
    });
  });
});

describe('what is beside variables', () => {
  let lib: Sandbox<Functions>;
  beforeAll(async () => {
    lib = await loadC<Functions>(source, { toolchain: 'clang', flags: ['-O0', '-w'], checks: true });
  });
  afterAll(() => lib?.dispose());

  it('is open again in frames that a trap has cut off', () => {
    expect(() => lib.exports.endless!(0)).toThrow(TrapError);
    for (const { name } of variableCases) lib.exports[name]!(0);
    expect(lib.heap.faults()).toEqual([]);
  });

  it('stays as it was in a snapshot', () => {
    const saved = lib.snapshot();
    lib.exports.second_of_two!(1);
    lib.restore(saved);
    lib.exports.second_of_two!(0);
    expect(lib.heap.faults()).toEqual([]);
    lib.exports.second_of_two!(1);
    lib.exports.static_local!(1);
    expect(lib.heap.faults().map(({ kind }) => kind)).toEqual([
      'stack-buffer-overflow',
      'global-buffer-overflow',
    ]);
  });

  it('is in all formats of reports', () => {
    const words = `write of 1 byte at 0x`;
    const place = `2 bytes past the end of the variable 'w' (10 bytes, line ${lineOf('second_of_two')}) in second_of_two`;
    const report = lib.heap.leaks();
    const text = formatText(report, { root: folder });
    expect(text).toContain(`heap fault: stack-buffer-overflow in second_of_two: ${words}`);
    expect(text).toContain(`, ${place}\n  at second_of_two (cases.c:${lineOf('second_of_two')}:`);
    expect(text).toContain('memory around it');
    expect(JSON.parse(formatJson(report)).errors[0]).toMatchObject({
      kind: 'stack-buffer-overflow',
      access: { position: place, variable: { name: 'w', size: 10, function: 'second_of_two' } },
      allocated: null,
    });
    expect(
      JSON.parse(formatSarif(report)).runs[0].results.map((each: { ruleId: string }) => each.ruleId),
    ).toEqual(['stack-buffer-overflow', 'global-buffer-overflow']);
    expect(formatGitHub(report, { root: folder })).toContain(place);
    expect(formatJUnit(report)).toContain('2 bytes past the end of the variable');
    expect(report.isClean()).toBe(false);
  });

  it('is not seen with stack: false, which only sees the heap', async () => {
    const options = { toolchain: 'clang', flags: ['-O0', '-w'] } as const;
    using heap = await loadC<Functions>(source, { ...options, checks: true, stack: false });
    heap.exports.second_of_two!(1);
    heap.exports.over_int_write!(1);
    expect(heap.heap.faults().map(({ kind }) => kind)).toEqual(['heap-buffer-overflow']);
    await expect(loadC(source, { ...options, stack: true })).rejects.toThrow(/needs access: true/);
  });
});

describe('what an access does beside its report', () => {
  it('stops the guest with onError: throw, before memory is changed', async () => {
    using lib = await loadC<Functions>(source, {
      toolchain: 'clang',
      flags: ['-O2', '-w'],
      access: true,
      onError: 'throw',
    });
    const error = (() => {
      try {
        lib.exports.over_int_write!(1);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(HeapFaultError);
    expect((error as Error).message).toMatch(
      /^heap-buffer-overflow: write of 4 bytes at 0x[0-9a-f]{8}, 0 bytes past the end of a block of 20 bytes\n {4}at over_int_write \(/,
    );
    lib.exports.over_int_write!(0);
  });

  it('is not judged without access: true, and costs no memory', async () => {
    using lib = await loadC<Functions>(source, { toolchain: 'clang', flags: ['-O2', '-w'] });
    lib.exports.over_int_read!(1);
    lib.exports.freed_char_write!(1);
    expect(lib.heap.faults()).toEqual([]);
    expect(lib.heap.stats().memoryBytes).toBeLessThan(2 ** 22);
  });
});

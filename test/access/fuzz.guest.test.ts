// Modules that were damaged on purpose: a module that V8 accepts is still accepted with checks in it, and for any other
// there is a module or a typed error, soon.

import { describe, expect, it } from 'vitest';
import { instrumentWithChecks } from '../../src/access/index.ts';
import { readModule } from '../../src/binary/index.ts';
import { compile } from '../../src/compile/index.ts';
import { HeaplineError } from '../../src/errors.ts';
import { FULL } from '../support/full.ts';
import { programsFolder } from '../support/leak-programs.ts';

const MUTANTS = FULL ? 5000 : 500;

describe('mutated modules', () => {
  it('stay valid with checks, or are rejected with a typed error', async () => {
    const { wasm } = await compile([`${programsFolder}string-builder.c`], {
      toolchain: 'embedded',
      flags: ['-O1'],
    });
    const { bodies } = readModule(wasm);
    const [first, last] = [bodies[0]!.start, bodies.at(-1)!.end];
    let seed = 2026;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    let accepted = 0;
    for (let round = 0; round < MUTANTS; round += 1) {
      const mutant = Uint8Array.from(wasm);
      for (let change = 1 + random(3); change > 0; change -= 1) {
        const at = first + random(last - first);
        // Small numbers are opcodes of control flow and indices of locals, which are what a walk relies on.
        mutant[at] = random(2) ? random(0x45) : random(0x100);
      }
      const valid = WebAssembly.validate(mutant);
      try {
        const { bytes } = await instrumentWithChecks(mutant);
        if (valid) expect(WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>)).toBe(true);
      } catch (error) {
        if (!(error instanceof HeaplineError)) throw error;
        if (valid) throw error;
      }
      if (valid) accepted += 1;
    }
    expect(accepted).toBeGreaterThan(MUTANTS / 50);
  });
});

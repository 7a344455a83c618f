// The runtime against the model, under random programs: calls, returns, the whole allocation family, bad frees.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as layout from '../../src/runtime/layout.ts';
import { flavours, Runtime } from '../support/runtime-module.ts';
import { LedgerModel } from './ledger-model.ts';

type Step =
  | { do: 'call'; site: number }
  | { do: 'return'; frames: number }
  | { do: 'malloc' | 'calloc' | 'memalign'; site: number; size: number; align: number }
  | { do: 'realloc'; site: number; size: number; pick: number }
  | { do: 'free'; site: number; pick: number };

// There are mostly few sites, so that contexts recur, and sometimes many, so that some contexts have many children.
const site = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 5 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 40 }) },
);
const pick = fc.nat({ max: 1_000_000 });
const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 2, arbitrary: fc.integer({ min: 300, max: 40_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 32_000, max: 400_000 }) },
);
const align = fc.integer({ min: 0, max: 14 }).map((log) => 2 ** log);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('call' as const), site }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('return' as const), frames: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('malloc', 'malloc', 'calloc', 'memalign'),
      site,
      size,
      align,
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('realloc' as const), site, size, pick }) },
  { weight: 7, arbitrary: fc.record({ do: fc.constant('free' as const), site, pick }) },
) as fc.Arbitrary<Step>;

/** Runs a program on the runtime and the model at once. It fills every block with its own byte and watches that. */
class Program {
  readonly model = new LedgerModel();
  readonly stack: number[] = [];
  readonly fill = new Map<number, number>();

  constructor(readonly runtime: Runtime) {}

  #at(site: number): string {
    this.runtime.enterCall(this.stack.length + 1, site);
    return [...this.stack, site].map((s) => s.toString(16)).join('/');
  }

  #pick(index: number): number | undefined {
    const live = [...this.model.blocks.keys()];
    return live[index % live.length];
  }

  #verify(address: number, size: number, byte: number): void {
    const bytes = this.runtime.bytes(address, size);
    if (size && (bytes[0] !== byte || bytes[size - 1] !== byte || bytes.some((b) => b !== byte))) {
      throw new Error(`block ${address.toString(16)} of ${size} bytes lost its contents`);
    }
  }

  #arrived(path: string, address: number, size: number): void {
    expect(address).not.toBe(0);
    expect(address % 16).toBe(0);
    this.model.allocate(path, address, size);
    const byte = (this.model.allocObjects % 255) + 1;
    this.fill.set(address, byte);
    this.runtime.bytes(address, size).fill(byte);
  }

  run(step: Step): void {
    const { runtime, model } = this;
    switch (step.do) {
      case 'call':
        this.#at(step.site);
        this.stack.push(step.site);
        return;
      case 'return':
        this.stack.splice(Math.max(0, this.stack.length - step.frames));
        return;
      case 'malloc':
        this.#arrived(this.#at(step.site), runtime.call('malloc', step.size), step.size);
        return;
      case 'calloc': {
        const path = this.#at(step.site);
        const address = runtime.call('calloc', 1, step.size);
        this.#verify(address, step.size, 0);
        this.#arrived(path, address, step.size);
        return;
      }
      case 'memalign': {
        const path = this.#at(step.site);
        const address = runtime.call('memalign', step.align, step.size);
        expect(address % step.align).toBe(0);
        this.#arrived(path, address, step.size);
        return;
      }
      case 'realloc': {
        const old = this.#pick(step.pick);
        const path = this.#at(step.site);
        if (old === undefined) return;
        const before = model.blocks.get(old)!.size;
        const address = runtime.call('realloc', old, step.size);
        const byte = this.fill.get(old)!;
        this.#verify(address, Math.min(before, step.size), byte);
        if (before === step.size) {
          expect(address).toBe(old);
          return;
        }
        model.free(old);
        this.fill.delete(old);
        this.#arrived(path, address, step.size);
        return;
      }
      case 'free': {
        const address = this.#pick(step.pick);
        this.#at(step.site);
        if (address === undefined) return;
        this.#verify(address, model.blocks.get(address)!.size, this.fill.get(address)!);
        model.free(address);
        this.fill.delete(address);
        runtime.call('free', address);
      }
    }
  }

  compare(): void {
    const { runtime, model } = this;
    const contexts = runtime.contexts();
    for (const [path, context] of contexts) if (context.allocObjects === 0) contexts.delete(path);
    const wanted = [...model.contexts()].sort(([a], [b]) => (a < b ? -1 : 1));
    expect([...contexts].sort(([a], [b]) => (a < b ? -1 : 1))).toEqual(wanted);
    const blocks = runtime.blocks();
    expect(blocks.size).toBe(model.blocks.size);
    for (const [address, block] of model.blocks) {
      expect(blocks.get(address)?.size).toBe(block.size);
      expect(runtime.path(blocks.get(address)!.context)).toBe(block.path);
    }
    expect(runtime.liveObjects).toBe(model.blocks.size);
    expect(runtime.liveBytes).toBe(model.liveBytes);
    expect(runtime.runtime(layout.RUNTIME_PEAK_BYTES)).toBe(model.peakBytes);
    expect(runtime.runtime(layout.RUNTIME_PEAK_OBJECTS)).toBe(model.peakObjects);
    expect(runtime.u64(runtime.base + layout.RUNTIME_ALLOC_OBJECTS)).toBe(model.allocObjects);
    expect(runtime.u64(runtime.base + layout.RUNTIME_ALLOC_BYTES)).toBe(model.allocBytes);
    expect(runtime.faults).toEqual([]);
  }
}

describe.each(flavours)('the ledger of the %s runtime', (flavour) => {
  it('equals the model under random programs, every invariant checked after each step', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 150, size: 'max' }), async (steps) => {
        const program = new Program(await Runtime.open(flavour));
        for (const one of steps) {
          program.run(one);
          program.runtime.check();
        }
        program.compare();
      }),
      { numRuns: 40 },
    );
  });

  it('equals the model over a long program', async () => {
    const program = new Program(await Runtime.open(flavour));
    let count = 0;
    for (const one of fc.sample(step, { numRuns: 12_000, seed: 20 })) {
      program.run(one);
      if (++count % 100 === 0) program.runtime.check();
      if (count % 2000 === 0) program.compare();
    }
    for (const address of [...program.model.blocks.keys()]) {
      program.runtime.call('free', address);
      program.model.free(address);
    }
    program.runtime.check();
    program.compare();
    expect(program.runtime.blocks().size).toBe(0);
  });
});

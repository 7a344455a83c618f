// Contexts against V8's own stack where JavaScript enters the guest: through exports, through the function table, at
// once and later, below C and with no C beneath, by embind, and with every way of failing. The comparison includes
// the places where the host stands between two frames of C.

import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CompiledModule, ToolchainName } from '../../src/compile/index.ts';
import { openEmscriptenGuest } from '../../src/glue/index.ts';
import {
  Gate,
  type Guest,
  GuestStacks,
  HostStacks,
  Input,
  Output,
  openWasiGuest,
} from '../../src/host/index.ts';
import { instrument } from '../../src/instrument/index.ts';
import { FunctionTable } from '../../src/sandbox/function-table.ts';
import { TableSignatures } from '../../src/sandbox/table-signatures.ts';
import { FULL } from '../support/full.ts';
import { compileTraced, Witness } from '../support/stack-witness.ts';

const program = (name: string): string => new URL(`programs/${name}`, import.meta.url).pathname;

interface Opened {
  readonly guest: Guest;
  readonly gate: Gate;
  readonly witness: Witness;
  readonly table: FunctionTable;
}

async function open(
  compiled: CompiledModule,
  imports: Record<string, () => number | undefined> = {},
): Promise<Opened> {
  const instrumented = instrument(compiled.wasm);
  const gate = new Gate(
    (error, _name, outermost) => {
      if (outermost) witness.ledger!.resetShadowStack();
      return error;
    },
    new HostStacks(),
    () => witness.ledger!.resetShadowStack(),
  );
  const witness = new Witness(instrumented, compiled.wasm, (inner) => gate.hostStack(inner));
  const options = {
    args: [],
    programName: 'entries',
    env: {},
    stdin: new Input(new Uint8Array()),
    files: new Map(),
    stdout: new Output(undefined),
    stderr: new Output(undefined),
    imports: { env: imports },
    instantiated: ({ exports }: Guest) => {
      gate.stacks = new GuestStacks(witness.instantiated(exports), exports.__stack_pointer);
    },
  };
  const module = new WebAssembly.Module(instrumented.bytes as Uint8Array<ArrayBuffer>);
  const guest =
    compiled.glue === null
      ? await openWasiGuest(module, options, witness.runtime)
      : await openEmscriptenGuest(module, compiled.glue, options, witness.runtime, gate);
  gate.enter('_initialize', () => guest.initialize());
  return {
    guest,
    gate,
    witness,
    table: new FunctionTable(guest.exports, new TableSignatures(compiled.wasm), gate),
  };
}

/** What each number tells C to do (programs/entries.c), and how deep calls may nest. */
const RETURN = 0;
const ORDERS = [0, 1, 1, 2, 3, 4, 4, 5, 6, 6, 7, 7, 7, 8, 8, 9, 10, 0, 1, 0] as const;
const DEEPEST = 24;
const FUNCTIONS = ['a', 'b', 'c'] as const;

class Failure extends Error {}

/** One run of a program. Both sides draw their next step from a list of numbers. */
class Play {
  #next = 0;
  #depth = 0;
  opened!: Opened;
  readonly #exports = new Map<string, () => void>();

  constructor(private readonly numbers: readonly number[]) {}

  get over(): boolean {
    return this.#next >= this.numbers.length;
  }

  #draw(below: number): number {
    return (this.numbers[this.#next++] ?? 0) % below;
  }

  readonly imports = {
    order: (): number => (this.over || this.#depth > DEEPEST ? RETURN : ORDERS[this.#draw(ORDERS.length)]!),
    which: (): number => this.#draw(1000),
    visit: (): undefined => this.visit(),
  };

  visit(): undefined {
    this.#depth++;
    try {
      for (let acts = this.#draw(3); acts >= 0 && !this.over; acts--) this.enter();
      if (this.#draw(12) === 0) throw new Failure();
    } finally {
      this.#depth--;
    }
  }

  /** Calls C in one of the two ways. */
  enter(): void {
    const { guest, gate, table } = this.opened;
    const which = this.#draw(3);
    const name = FUNCTIONS[which]!;
    const rethrows = this.#draw(3) === 0;
    this.#depth++;
    try {
      if (this.#draw(2) === 0) {
        const call = this.#exports.get(name) ?? (gate.wrap(name, guest.exports[name], []) as () => void);
        this.#exports.set(name, call);
        call();
      } else {
        table.get((guest.exports.pointer_to as (n: number) => number)(which))();
      }
    } catch (error) {
      if (rethrows && gate.entry !== null) throw error;
    } finally {
      this.#depth--;
    }
  }
}

const RUNS: readonly { toolchain: ToolchainName; source: string; flags: readonly string[] }[] = [
  { toolchain: 'embedded', source: 'entries.c', flags: ['-O1'] },
  { toolchain: 'clang', source: 'entries.c', flags: ['-O2'] },
  { toolchain: 'emscripten', source: 'entries.cpp', flags: ['-O1', '-fexceptions'] },
];

describe.each(RUNS)('$toolchain $source', ({ toolchain, source, flags }) => {
  test('the context of an allocation is V8’s own stack in every nesting of calls', async () => {
    const compiled = await compileTraced(
      [program(source)],
      { toolchain, flags, link: flags.filter((flag) => flag === '-fexceptions') },
      { imports: { env: new Play([]).imports } },
    );
    let allocations = 0;
    let nested = 0;
    let deepest = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(999), { minLength: 500, maxLength: 3000, size: 'max' }),
        async (numbers) => {
          const play = new Play(numbers);
          const opened = await open(compiled, play.imports);
          play.opened = opened;
          while (!play.over) {
            play.enter();
            if (opened.gate.entry !== null) throw new Error('the gate was left open');
            // Calls that were put off until later.
            if (toolchain === 'emscripten') await setTimeout(0);
          }
          const { witness } = opened;
          expect(witness.differences.slice(0, 3)).toEqual([]);
          expect(witness.ledger!.quiescent).toBe(true);
          allocations += witness.allocations;
          nested += witness.nested;
          deepest = Math.max(deepest, witness.deepest);
          opened.guest.dispose();
        },
      ),
      { numRuns: FULL ? 400 : 30, interruptAfterTimeLimit: 200_000 },
    );
    console.log(
      `${toolchain}: ${allocations} allocations compared, ${nested} of them below several entries, deepest ${deepest} frames`,
    );
    expect(allocations).toBeGreaterThan(1000);
    expect(nested).toBeGreaterThan(500);
  });
});

test('emscripten: contexts of calls to and from embind are V8’s own stack', async () => {
  const compiled = await compileTraced([program('bindings.cpp')], {
    toolchain: 'emscripten',
    flags: ['-O1'],
    link: ['-lembind'],
  });
  const { guest, gate, witness } = await open(compiled);
  const { now, later } = guest.exports as Record<string, (rounds: number) => void>;
  gate.enter('now', () => now!(20));
  const before = witness.allocations;
  later!(20);
  await setTimeout(200);
  console.log(
    `embind: ${witness.allocations} allocations compared, ${witness.allocations - before} of them in timers`,
  );
  expect(witness.differences.slice(0, 3)).toEqual([]);
  expect(before).toBeGreaterThan(1000);
  expect(witness.allocations).toBeGreaterThan(2 * before - 100);
  expect(witness.ledger!.quiescent).toBe(true);
  guest.dispose();
});
